package compiler

import (
	"maps"
	"reflect"
	"strings"
	"time"

	"github.com/emprops/machinectl/hcl/profile"
)

// convertedList converts a list. It replaces the field's list, so an element has no previous value and can't be null.
func convertedList(t reflect.Type, value any) (reflect.Value, bool) {
	list, ok := value.([]any)
	out := reflect.MakeSlice(t, len(list), len(list))
	for i, item := range list {
		v, fits := converted(out.Index(i), item)
		if !fits || item == nil {
			return out, false
		}
		out.Index(i).Set(v)
	}
	return out, ok
}

// convertedMap merges the items of a map into a copy of the field's map. A null item removes the key.
func convertedMap(field reflect.Value, value any) (reflect.Value, bool) {
	items, ok := value.(map[string]any)
	out := reflect.MakeMap(field.Type())
	for it := field.MapRange(); it.Next(); {
		out.SetMapIndex(it.Key(), it.Value())
	}
	for name, item := range items {
		one := reflect.New(field.Type().Elem()).Elem()
		if old := out.MapIndex(reflect.ValueOf(name)); old.IsValid() {
			one.Set(old)
		}
		if item == nil {
			out.SetMapIndex(reflect.ValueOf(name), reflect.Value{})
			continue
		}
		v, fits := converted(one, item)
		if !fits {
			return out, false
		}
		out.SetMapIndex(reflect.ValueOf(name), v)
	}
	return out, ok
}

// asMap converts a block within a free-form map, such as a driver's config, to its arguments and blocks by name. Blocks
// with the same name become a list, as in Nomad's parser.
func asMap(b *profile.Body) map[string]any {
	out := map[string]any{}
	for _, item := range b.Items {
		if item.Block == nil {
			out[item.Name] = inNomadSyntax(item.Value)
			continue
		}
		list, _ := out[item.Name].([]any)
		out[item.Name] = append(list, asMap(item.Block))
	}
	return out
}

// inNomadSyntax replaces run-time values by Nomad's syntax for them. All other text is already in Nomad's syntax.
func inNomadSyntax(value any) any {
	switch v := value.(type) {
	case string:
		return profile.Expand(v, nil, selfer{}.interpolation)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = inNomadSyntax(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = inNomadSyntax(v[k])
		}
		return out
	default:
		return value
	}
}

// mergedAny merges over into a copy of old. Maps on both sides are merged recursively; any other value in over wins.
func mergedAny(old, over map[string]any) map[string]any {
	out := maps.Clone(old)
	for name, v := range over {
		a, isMap := out[name].(map[string]any)
		b, both := v.(map[string]any)
		if isMap && both {
			v = mergedAny(a, b)
		}
		out[name] = v
	}
	return out
}

// fieldOf finds a struct's field by the name that Nomad's job files use.
func fieldOf(v reflect.Value, name string) (reflect.Value, bool) {
	for i := range v.NumField() {
		if hclName(v.Type().Field(i)) == name {
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// namesOf returns the names that fieldOf finds.
func namesOf(t reflect.Type) []string {
	var names []string
	for i := range t.NumField() {
		if name := hclName(t.Field(i)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// hclName returns a field's name in job files, or "" if it has none: labels, and fields that only programs set.
func hclName(f reflect.StructField) string {
	name, kind, _ := strings.Cut(f.Tag.Get("hcl"), ",")
	if kind == "label" || kind == "remain" {
		return ""
	}
	return name
}

// structOf returns the struct that a type is or points to, or nil.
func structOf(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Struct {
		return t
	}
	return nil
}

// typeName describes a field's type, for messages.
func typeName(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[time.Duration]():
		return `a duration in quotes, such as "30s"`
	case t.Kind() == reflect.Pointer:
		return typeName(t.Elem())
	case t.Kind() == reflect.String:
		return "a string"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Slice && structOf(t.Elem()) == nil:
		return "a list"
	case t.Kind() == reflect.Map && structOf(t.Elem()) == nil:
		return "a map"
	case structOf(t) != nil, t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return "a block, without an equals sign"
	default:
		return "a whole number within the field's range"
	}
}

func valueName(v any) string {
	switch v.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any:
		return "a map"
	default:
		return "a number"
	}
}
