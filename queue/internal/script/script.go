// Package script loads Lua programs that work on records, and runs them in Redis.
//
// A program is one file that states what it needs in comments:
//
//	-- KEYS: jobs leases     names for its first keys, in order. The caller's own follow from KEYS[more + 1].
//	-- LIBS: record index    files lib_record.lua and lib_index.lua, which are inserted in place of the line.
//
// A record is a text of tab-separated fields. Programs write no positions or patterns of fields themselves: the loader
// replaces r[NAME], RECORD{…} and PATTERN("…") by what the list of fields yields (see layout.go). That costs nothing when a
// program runs.
//
// The package knows neither the queue nor what a field means.
package script

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Script is a Lua program.
type Script struct {
	// Keys are the names of its fixed keys, in order; the caller's own follow them.
	Keys []string
	lua  *redis.Script
}

// Run runs the script on a server and returns its reply. The text of the script is sent only if the server doesn't know it.
func (s *Script) Run(ctx context.Context, server redis.Scripter, keys []string, args ...any) (any, error) {
	return s.lua.Run(ctx, server, keys, args...).Result() //nolint:wrapcheck // the caller tells go-redis' errors apart
}

// Load reads all scripts in a folder, by file name without ".lua". Files named lib_* are parts of scripts.
func Load(files fs.FS, fields []Field) (map[string]*Script, error) {
	names, err := fs.Glob(files, "*.lua")
	if err != nil {
		return nil, fmt.Errorf("scripts: %w", err)
	}
	out := map[string]*Script{}
	for _, file := range names {
		name := strings.TrimSuffix(file, ".lua")
		if strings.HasPrefix(name, "lib_") {
			continue
		}
		if out[name], err = load(files, name, layout(fields)); err != nil {
			return nil, fmt.Errorf("script %s: %w", name, err)
		}
	}
	return out, nil
}

// load assembles a script: names for its keys, its libraries, its body. The variable more is the number of fixed keys.
func load(files fs.FS, name string, record layout) (*Script, error) {
	body, err := fs.ReadFile(files, name+".lua")
	if err != nil {
		return nil, err //nolint:wrapcheck // Load names the script
	}
	s := &Script{}
	var src strings.Builder
	for line := range strings.Lines(string(body)) {
		if rest, ok := strings.CutPrefix(line, "-- KEYS:"); ok {
			s.Keys = strings.Fields(rest)
		}
		rest, ok := strings.CutPrefix(strings.TrimSpace(line), "-- LIBS:")
		if !ok {
			src.WriteString(line)
			continue
		}
		for _, lib := range strings.Fields(rest) {
			text, err := fs.ReadFile(files, "lib_"+lib+".lua")
			if err != nil {
				return nil, err //nolint:wrapcheck // Load names the script
			}
			src.Write(text)
		}
	}
	text, err := record.expand(src.String())
	if err != nil {
		return nil, err
	}
	// A local is faster than a global's field, and a script makes many calls.
	text = strings.ReplaceAll(text, "redis.call(", "call(")
	s.lua = redis.NewScript("local call = redis.call\n" + keyNames(s.Keys) + text)
	return s, nil
}

// keyNames declares the names of a script's keys.
func keyNames(keys []string) string {
	if len(keys) == 0 {
		return "local more = 0\n"
	}
	values := make([]string, len(keys))
	for i := range keys {
		values[i] = fmt.Sprintf("KEYS[%d]", i+1)
	}
	return fmt.Sprintf("local more = %d\nlocal %s = %s\n", len(keys), strings.Join(keys, ", "), strings.Join(values, ", "))
}
