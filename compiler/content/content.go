// Package content flattens a task group into values by path, and describes a path in a profile's words. It is used to
// compare two groups, and to find the values of sensitive variables in a job when its profile isn't available.
package content

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/spec"
	"github.com/emprops/machinectl/hcl/timetext"
)

// Of returns a group's values by path. Parts of a path are separated by NUL. A list's items are named if they have
// names, else numbered. Empty values are left out, because Nomad does not distinguish them from missing ones. Name,
// count and scaling block are left out too.
func Of(group *nomad.TaskGroup) map[string]string {
	g := *group
	g.Name, g.Count, g.Scaling = nil, nil, nil
	out := map[string]string{}
	b, err := json.Marshal(g)
	if err != nil {
		return out
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		return out
	}
	walk("", doc, out)
	return out
}

// Holding returns, sorted, the places in a group at which one of the texts occurs, described by [Words].
func Holding(group *nomad.TaskGroup, texts []string) []string {
	if len(texts) == 0 {
		return nil
	}
	var list []string
	for path, value := range Of(group) {
		if slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(value, text) }) {
			list = append(list, Words(path))
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func walk(path string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for key, item := range v {
			switch {
			case key == "EmbeddedTmpl":
				item = document(item)
			case durations()[key]:
				item = duration(item)
			}
			walk(path+"\x00"+key, item, out)
		}
	case []any:
		if plain, ok := joined(v); ok {
			if plain != "" {
				out[path] = plain
			}
			return
		}
		for i, item := range v {
			walk(path+"\x00"+itemName(item, i), item, out)
		}
	case nil:
	default:
		if text := fmt.Sprint(v); text != "" && text != "0" && text != "false" {
			out[path] = text
		}
	}
}

// durations holds the JSON names of all fields, of Nomad's structs and the agent's document, that are durations.
var durations = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for _, f := range reflect.VisibleFields(t) {
			field := f.Type
			for field.Kind() == reflect.Pointer {
				field = field.Elem()
			}
			if field == reflect.TypeFor[time.Duration]() || field == reflect.TypeFor[spec.Duration]() {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				names[cmp.Or(name, f.Name)] = true
			}
			visit(field)
		}
	}
	visit(reflect.TypeFor[nomad.TaskGroup]())
	visit(reflect.TypeFor[spec.Agent]())
	return names
})

// duration formats a duration from a JSON document, given in nanoseconds or as Go's text, the way people write it. It
// returns anything else unchanged.
func duration(v any) any {
	switch v := v.(type) {
	case float64:
		if v != 0 {
			return timetext.Exact(time.Duration(v))
		}
	case string:
		if d, err := time.ParseDuration(v); err == nil {
			return timetext.Exact(d)
		}
	}
	return v
}

// document parses the agent's document, so that it is compared value by value. It returns other text unchanged.
func document(text any) any {
	s, _ := text.(string)
	var doc map[string]any
	if json.Unmarshal([]byte(s), &doc) != nil || doc["workers"] == nil {
		return text
	}
	return doc
}

// joined returns a list of plain values as one line; ok is false if an item is a map or a list.
func joined(list []any) (line string, ok bool) {
	var parts []string
	for _, item := range list {
		switch item.(type) {
		case map[string]any, []any:
			return "", false
		}
		parts = append(parts, fmt.Sprint(item))
	}
	return strings.Join(parts, " "), true
}

// itemName returns the name of a list's item, or its number.
func itemName(item any, i int) string {
	m, _ := item.(map[string]any)
	for _, key := range []string{"Name", "name", "Label", "LTarget", "DestPath"} {
		if name, _ := m[key].(string); name != "" {
			return name
		}
	}
	return fmt.Sprint(i)
}
