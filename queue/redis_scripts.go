package queue

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/queue/internal/script"
)

//go:embed scripts/*.lua
var scriptFiles embed.FS

// loadScripts loads the scripts by file name, with the fields of [recordFields].
func loadScripts() (map[string]*script.Script, error) {
	folder, err := fs.Sub(scriptFiles, "scripts")
	if err != nil {
		return nil, fmt.Errorf("queue: scripts: %w", err)
	}
	loaded, err := script.Load(folder, scriptFields())
	if err != nil {
		return nil, fmt.Errorf("queue: %w", err)
	}
	return loaded, nil
}

// eval runs a script in a type's shard. Errors are those of [Client.wrap].
func (c *Client) eval(ctx context.Context, name, jobType string, more []string, args ...any) (any, error) {
	return c.evalOn(ctx, c.serverFor, name, jobType, more, args...)
}

// evalOn is like eval, with another way to the server that holds a key.
func (c *Client) evalOn(
	ctx context.Context, serverFor func(ctx context.Context, key string) (redis.Scripter, error), name, jobType string, more []string, args ...any,
) (any, error) {
	keys := c.scriptKeys(name, jobType, more)
	for try := 0; ; try++ {
		server, err := serverFor(ctx, keys[0])
		if err != nil {
			return nil, err
		}
		v, err := c.scripts[name].Run(ctx, server, keys, args...)
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

// hasMoved reports whether a server of a cluster refused because the shard is on another server or being moved. Nothing was
// done then.
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

// serverFor returns the server that holds a key. In a cluster go-redis would itself send a script again to another server
// when a connection breaks. That mustn't happen to a claim, so scripts go directly to the one server.
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

// scriptKeys returns the keys of a script in a type's shard, followed by the caller's own. The fixed ones are built once.
func (c *Client) scriptKeys(name, jobType string, more []string) []string {
	s := c.scripts[name]
	at := [2]string{name, jobType}
	fixed, ok := c.fixedKeys.Load(at)
	if !ok {
		built := make([]string, 0, len(s.Keys))
		for _, k := range s.Keys {
			built = append(built, c.keys.shard(jobType, k))
		}
		fixed, _ = c.fixedKeys.LoadOrStore(at, built)
	}
	list, _ := fixed.([]string)
	return slices.Concat(list, more)
}

// evalAgain is like eval, for what may safely be done twice: if a connection breaks, it tries once more on another.
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
