package content

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// Pointers are the places in a job where a text occurs, as JSON pointers, in order.
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

// Plain is a document as encoding/json reads it, with its numbers as they are written.
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

// escaped writes a key as a part of a JSON pointer.
func escaped(key string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(key) }

// At is what stands at a pointer in a document as encoding/json reads it.
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

// Put replaces what stands at a pointer. ok is false where there is nothing.
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
