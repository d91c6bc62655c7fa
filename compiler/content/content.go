// Package content flattens a task group into values by path, and describes a path in a profile's words. It is used to
// compare two groups, and to find the values of sensitive variables in a job when its profile isn't available.
package content

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/hcl/wiretime"
)

// Value is one value of a group.
type Value struct {
	// Text is the value as it would be in a profile, without quotes and with a list's items on one line.
	Text string
	// JSON is the value as JSON. It distinguishes values with the same text, such as the number 1 and the text "1", or one
	// item with a space and two items.
	JSON string
}

// order is the end of the path at which [Values] puts the names of a list's items, in their order.
const order = "\x00\x00order"

// IsOrder reports whether the value at a path is the order of a list whose items have paths of their own.
func IsOrder(path string) bool { return strings.HasSuffix(path, order) }

// Of returns a group's values as texts by path, see [Values].
func Of(group *nomad.TaskGroup) map[string]string {
	out := map[string]string{}
	for path, value := range Values(group) {
		if value.Text != "" && !IsOrder(path) {
			out[path] = value.Text
		}
	}
	return out
}

// Values returns a group's values by path. Parts of a path are separated by NUL. A list's items are named if they have
// names, else numbered. Values leaves out empty values except in maps whose keys a profile chooses, because only there
// does Nomad distinguish them from missing ones. It also leaves out name, count and scaling block.
func Values(group *nomad.TaskGroup) map[string]Value {
	g := *group
	g.Name, g.Count, g.Scaling = nil, nil, nil
	out := walked{}
	b, err := json.Marshal(g)
	if err != nil {
		return out
	}
	if doc, ok := decoded(b); ok {
		out.walk("", doc, false)
	}
	return out
}

// walked holds the values found so far, by path.
type walked map[string]Value

// walk adds the values in v. open reports whether a profile chooses its keys, so that an empty value differs from a missing
// one.
func (w walked) walk(path string, v any, open bool) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) == 0 && open {
			w[path] = Value{Text: "{}", JSON: "{}"}
		}
		for key, item := range v {
			switch {
			case key == "EmbeddedTmpl":
				item = document(item)
			case durations()[key]:
				item = duration(item)
			}
			fields, isMap := item.(map[string]any)
			chosen := key == "Env" || key == "Meta" || key == "Config" || key == "EmbeddedTmpl" && isMap
			if chosen && !open && len(fields) == 0 {
				continue // Nomad does not distinguish it from a missing one
			}
			w.walk(path+"\x00"+key, item, open || chosen)
		}
	case []any:
		w.list(path, v, open)
	case nil:
		if open {
			w[path] = Value{Text: "null", JSON: "null"}
		}
	default:
		if text := fmt.Sprint(v); open || text != "" && text != "0" && text != "false" {
			w[path] = Value{Text: text, JSON: encoded(v)}
		}
	}
}

func (w walked) list(path string, list []any, open bool) {
	if plain, ok := joined(list); ok {
		if plain != "" || open {
			w[path] = Value{Text: plain, JSON: encoded(list)}
		}
		return
	}
	names := map[string]int{}
	var inOrder []string
	for i, item := range list {
		name := itemName(item, i)
		if names[name]++; names[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, names[name])
		}
		inOrder = append(inOrder, name)
		w.walk(path+"\x00"+name, item, open)
	}
	w[path+order] = Value{Text: strings.Join(inOrder, ", "), JSON: encoded(inOrder)}
}

// decoded decodes JSON. It keeps numbers as text, because different large numbers could be equal as floating-point ones.
func decoded(b []byte) (any, bool) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var doc any
	err := dec.Decode(&doc)
	return doc, err == nil
}

// encoded returns a value as JSON. The value comes from JSON, so that encoding can't fail.
func encoded(v any) string {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Sprint(v)
	}
	return strings.TrimSuffix(out.String(), "\n")
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
			if field == reflect.TypeFor[time.Duration]() || field == reflect.TypeFor[wiretime.Duration]() {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				names[cmp.Or(name, f.Name)] = true
			}
			visit(field)
		}
	}
	visit(reflect.TypeFor[nomad.TaskGroup]())
	visit(reflect.TypeFor[manifest.Agent]())
	return names
})

// duration formats a duration from a JSON document, given in nanoseconds or as Go's text, the way people write it. It
// returns anything else unchanged.
func duration(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil && n != 0 {
			return timetext.Exact(time.Duration(n))
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
	doc, _ := decoded([]byte(s))
	if object, ok := doc.(map[string]any); ok && object["workers"] != nil {
		return object
	}
	return text
}

// ItemPath returns the part of a path for an item of a list. A plain value is named by its index, such as [1].
func ItemPath(item any, i int) string {
	switch v := Plain(item).(type) {
	case map[string]any, []any:
		return "\x00" + itemName(v, i)
	default:
		return plainItem(i)
	}
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
