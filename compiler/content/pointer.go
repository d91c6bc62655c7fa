package content

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// Pointers returns the places in a job at which a text occurs, as sorted JSON pointers.
func Pointers(job *nomad.Job, text string) []string {
	var list []string
	leaves("", Plain(job), func(at string, v any) {
		if s, ok := v.(string); ok && strings.Contains(s, text) {
			list = append(list, at)
		}
	})
	slices.Sort(list)
	return list
}

// Plain converts a document to the types of encoding/json, with numbers as [json.Number].
func Plain(doc any) any {
	b, err := json.Marshal(doc)
	if err != nil {
		return nil
	}
	var out any
	dec := json.NewDecoder(strings.NewReader(string(b)))
	dec.UseNumber()
	if err := dec.Decode(&out); err != nil {
		return nil
	}
	return out
}

func leaves(at string, v any, see func(at string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			leaves(at+"/"+escaped(key), item, see)
		}
	case []any:
		for i, item := range v {
			leaves(fmt.Sprintf("%s/%d", at, i), item, see)
		}
	default:
		see(at, v)
	}
}

// escaped returns a key as a part of a JSON pointer.
func escaped(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// At returns the value at a pointer in a document of the types of encoding/json. The bool reports whether there is one.
func At(doc any, pointer string) (any, bool) {
	for _, part := range parts(pointer) {
		switch v := doc.(type) {
		case map[string]any:
			item, ok := v[part]
			if !ok {
				return nil, false
			}
			doc = item
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(v) {
				return nil, false
			}
			doc = v[i]
		default:
			return nil, false
		}
	}
	return doc, true
}

// Put replaces the value at a pointer. ok is false if there is none.
func Put(doc any, pointer string, value any) (ok bool) {
	path := parts(pointer)
	if len(path) == 0 {
		return false
	}
	last := path[len(path)-1]
	around, ok := At(doc, strings.TrimSuffix(pointer, "/"+escaped(last)))
	if !ok {
		return false
	}
	switch v := around.(type) {
	case map[string]any:
		if _, ok := v[last]; !ok {
			return false
		}
		v[last] = value
		return true
	case []any:
		i, err := strconv.Atoi(last)
		if err != nil || i < 0 || i >= len(v) {
			return false
		}
		v[i] = value
		return true
	default:
		return false
	}
}

func parts(pointer string) []string {
	if pointer == "" {
		return nil
	}
	list := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i := range list {
		list[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(list[i])
	}
	return list
}
