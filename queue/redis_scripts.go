package queue

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// script is one Lua program. Its file's header says in "KEYS:" which of the shard's keys it uses, in order; "MORE KEYS:"
// describes what the caller adds to them. A line "LIBS:" names shared parts that are put in its place.
type script struct {
	name string
	keys []string
	lua  *redis.Script
}

// scripts are all of them, by file name.
type scripts map[string]*script

func loadScripts() (scripts, error) {
	files, err := scriptFiles.ReadDir("scripts")
	if err != nil {
		return nil, fmt.Errorf("scripts: %w", err)
	}
	out := scripts{}
	for _, f := range files {
		name := strings.TrimSuffix(f.Name(), ".lua")
		if strings.HasPrefix(name, "lib_") {
			continue
		}
		s, err := loadScript(name)
		if err != nil {
			return nil, err
		}
		out[name] = s
	}
	return out, nil
}

// loadScript puts a script together: names for its keys, its libraries, its body. The variable more is the number of
// fixed keys: the caller's own begin at KEYS[more + 1].
func loadScript(name string) (*script, error) {
	body, err := scriptFiles.ReadFile(path.Join("scripts", name+".lua"))
	if err != nil {
		return nil, fmt.Errorf("scripts: %w", err)
	}
	s := &script{name: name}
	var src strings.Builder
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, "-- KEYS:"); ok {
			s.keys = strings.Fields(rest)
		}
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "-- LIBS:")
		if !ok {
			src.WriteString(line)
			continue
		}
		for _, lib := range strings.Fields(rest) {
			text, err := scriptFiles.ReadFile(path.Join("scripts", "lib_"+lib+".lua"))
			if err != nil {
				return nil, fmt.Errorf("scripts: %s: %w", name, err)
			}
			src.Write(text)
		}
	}
	values := make([]string, len(s.keys))
	for i := range s.keys {
		values[i] = fmt.Sprintf("KEYS[%d]", i+1)
	}
	names := fmt.Sprintf("local more = %d\n", len(s.keys))
	if len(s.keys) > 0 {
		names += fmt.Sprintf("local %s = %s\n", strings.Join(s.keys, ", "), strings.Join(values, ", "))
	}
	s.lua = redis.NewScript(compact(names + src.String()))
	return s, nil
}

// compact replaces the names of a record's fields by their places, as the "FIELDS:" lines list them, and redis.call by a
// local: both cost time in each of the many calls that a script makes. The scripts stay readable that way.
func compact(src string) string {
	var pairs []string
	for line := range strings.Lines(src) {
		if rest, ok := strings.CutPrefix(line, "-- FIELDS:"); ok {
			for _, name := range strings.Fields(rest) {
				pairs = append(pairs, "["+name+"]", fmt.Sprintf("[%d]", len(pairs)/2+1))
			}
		}
	}
	pairs = append(pairs, "redis.call(", "call(")
	return "local call = redis.call\n" + strings.NewReplacer(pairs...).Replace(src)
}

// eval runs a script in a type's shard. Errors are mapped as [Client.wrap] says.
func (c *Client) eval(ctx context.Context, name, jobType string, more []string, args ...any) (any, error) {
	return c.evalOn(ctx, c.serverFor, name, jobType, more, args...)
}

// evalOn is eval with another way to the server that holds a key.
func (c *Client) evalOn(
	ctx context.Context, serverFor func(ctx context.Context, key string) (redis.Scripter, error), name, jobType string, more []string, args ...any,
) (any, error) {
	keys := c.scriptKeys(name, jobType, more)
	for try := 0; ; try++ {
		server, err := serverFor(ctx, keys[0])
		if err != nil {
			return nil, err
		}
		v, err := c.scripts[name].lua.Run(ctx, server, keys, args...).Result()
		if err == nil {
			return v, nil
		}
		err = c.wrap(ctx, err)
		if try == maxMoves || !hasMoved(err) {
			return nil, err
		}
		if err := sleep(ctx, time.Duration(try+1)*50*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// maxMoves is how often a script follows its shard to another server of a cluster before it gives up: about 2 s.
const maxMoves = 8

// hasMoved says that a server of a cluster refused because the shard is elsewhere, or on its way: nothing was done.
func hasMoved(err error) bool {
	var answer redis.Error
	if !errors.As(err, &answer) {
		return false
	}
	for _, refusal := range []string{"MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "READONLY"} {
		if strings.HasPrefix(answer.Error(), refusal) {
			return true
		}
	}
	return false
}

// serverFor is the server that holds a key. In a cluster go-redis would itself send a script again to another server when
// a connection breaks; that mustn't happen to a claim, so scripts go to the one server directly.
func (c *Client) serverFor(ctx context.Context, key string) (redis.Scripter, error) {
	cluster, ok := c.rdb.(*redis.ClusterClient)
	if !ok {
		return c.rdb, nil
	}
	master, err := cluster.MasterForKey(ctx, key)
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	return master, nil
}

// scriptKeys are the keys of a script in a type's shard, followed by the caller's own. The fixed ones are built once.
func (c *Client) scriptKeys(name, jobType string, more []string) []string {
	s := c.scripts[name]
	at := [2]string{name, jobType}
	fixed, ok := c.fixedKeys.Load(at)
	if !ok {
		built := make([]string, 0, len(s.keys))
		for _, k := range s.keys {
			built = append(built, c.keys.shard(jobType, k))
		}
		fixed, _ = c.fixedKeys.LoadOrStore(at, built)
	}
	list, _ := fixed.([]string)
	return slices.Concat(list, more)
}

// evalAgain is eval for what may safely be done twice: a connection that broke is tried once more on another.
func (c *Client) evalAgain(ctx context.Context, name, jobType string, more []string, args ...any) (any, error) {
	v, err := c.eval(ctx, name, jobType, more, args...)
	if isBroken(err) && ctx.Err() == nil {
		return c.eval(ctx, name, jobType, more, args...)
	}
	return v, err
}

// Replies of scripts: lists of strings and integers.

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

func at(v any, i int) any {
	l := list(v)
	if i >= len(l) {
		return nil
	}
	return l[i]
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func number(v any) int64 {
	n, _ := v.(int64)
	return n
}

func texts(v any) []string {
	var out []string
	for _, e := range list(v) {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}
