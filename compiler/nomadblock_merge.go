package compiler

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// nomadMerge merges a nomad block into a part of the compiled job. It walks Nomad's own structs by reflection; their hcl
// tags are the names in Nomad's job files.
//
//   - An argument replaces the field; a map's items are replaced individually.
//   - A block is merged into the existing one. If several are allowed, it is added.
//   - Text is in Nomad's syntax: Nomad replaces "${…}".
type nomadMerge struct {
	what    string            // "the task \"agent\"", for messages
	refused map[string]string // top-level names that must not be set → what to do instead
	diags   hcl.Diagnostics
	touched []string // the changed paths, for plans: "task agent: vault.role"
}

// merge merges a body into the struct that into points to.
func (o *nomadMerge) merge(into any, body *profile.Body) {
	o.body(reflect.ValueOf(into).Elem(), body, nil)
}

// body merges the items of a block into a struct or a map. path names the block within the part, for messages.
func (o *nomadMerge) body(into reflect.Value, body *profile.Body, path []string) {
	for _, item := range body.Items {
		item.Value = inNomadSyntax(item.Value)
		if why, ok := o.refused[item.Name]; ok && len(path) == 0 {
			o.fail(item.Range, fmt.Sprintf("%q can't be set here", item.Name), fmt.Sprintf("It is reserved for machinectl in %s.", o.what), why)
			continue
		}
		at := append(slices.Clone(path), item.Name)
		switch into.Kind() {
		case reflect.Map:
			o.mapItem(into, item, at)
		default:
			field, ok := fieldOf(into, item.Name)
			if !ok {
				o.fail(item.Range, fmt.Sprintf("Nomad has no %q here", item.Name), fmt.Sprintf("It is unknown in %s.", o.where(path)), diag.DidYouMean(item.Name, namesOf(into.Type())))
				continue
			}
			o.item(field, item, at)
		}
	}
}

// where describes a place within the part, for messages.
func (o *nomadMerge) where(path []string) string {
	if len(path) == 0 {
		return o.what
	}
	return strings.Join(path, ".") + " of " + o.what
}

// mapItem sets one item of a block that is a map: env, meta, config.
func (o *nomadMerge) mapItem(into reflect.Value, item profile.Item, at []string) {
	value := item.Value
	v := reflect.New(into.Type().Elem()).Elem()
	if old := into.MapIndex(reflect.ValueOf(item.Name)); old.IsValid() {
		v.Set(old)
	}
	if item.Block != nil {
		// As in Nomad's parser, blocks with the same name form a list.
		var list []any
		if v.Kind() == reflect.Interface {
			list, _ = v.Interface().([]any)
		}
		value = append(slices.Clone(list), asMap(item.Block))
	}
	if o.assign(v, value, item.Range, at) {
		into.SetMapIndex(reflect.ValueOf(item.Name), v)
		o.touch(at)
	}
}

// item sets one field from an argument, or merges a block into it. By the field's type a block is a struct, an element
// of a list of structs, one of several structs by label, or a map of plain values. A map of plain values is copied
// before it is changed, because it may be shared.
func (o *nomadMerge) item(field reflect.Value, item profile.Item, at []string) {
	if item.Block == nil {
		if o.assign(field, item.Value, item.Range, at) {
			o.touch(at)
		}
		return
	}
	switch elem := field.Type(); {
	case elem.Kind() == reflect.Pointer && elem.Elem().Kind() == reflect.Struct:
		if field.IsNil() {
			field.Set(reflect.New(elem.Elem()))
		}
		o.labelled(field.Elem(), item, at)
	case elem.Kind() == reflect.Slice && structOf(elem.Elem()) != nil:
		one := reflect.New(structOf(elem.Elem()))
		o.labelled(one.Elem(), item, at)
		if elem.Elem().Kind() != reflect.Pointer {
			one = one.Elem()
		}
		field.Set(reflect.Append(field, one))
	case elem.Kind() == reflect.Map && structOf(elem.Elem()) != nil:
		o.mapOfBlocks(field, item, at)
	case elem.Kind() == reflect.Map:
		out := reflect.MakeMap(elem)
		for it := field.MapRange(); it.Next(); {
			out.SetMapIndex(it.Key(), it.Value())
		}
		o.body(out, item.Block, at)
		field.Set(out)
	default:
		o.fail(item.Range, fmt.Sprintf("%q is an argument", item.Name), fmt.Sprintf("It is not a block in %s.", o.what), fmt.Sprintf("Write %s = ….", item.Name))
	}
}

// mapOfBlocks merges a block into the one with the same label, such as volume "models" {}, or adds it.
func (o *nomadMerge) mapOfBlocks(field reflect.Value, item profile.Item, at []string) {
	if len(item.Labels) != 1 {
		o.fail(item.Range, fmt.Sprintf("The %s block needs a name", item.Name), "", fmt.Sprintf("Write %s \"<name>\" { … }.", item.Name))
		return
	}
	if field.IsNil() {
		field.Set(reflect.MakeMap(field.Type()))
	}
	key := reflect.ValueOf(item.Labels[0])
	one := field.MapIndex(key)
	if !one.IsValid() {
		one = reflect.New(field.Type().Elem().Elem())
	}
	o.labelled(one.Elem(), item, append(at, item.Labels[0]))
	field.SetMapIndex(key, one)
}

// labelled merges a block into a struct, and assigns the block's labels to the struct's label fields in order.
func (o *nomadMerge) labelled(into reflect.Value, item profile.Item, at []string) {
	labels := item.Labels
	for i := range into.NumField() {
		if strings.HasSuffix(into.Type().Field(i).Tag.Get("hcl"), ",label") && len(labels) > 0 {
			o.assign(into.Field(i), labels[0], item.Range, at)
			labels = labels[1:]
		}
	}
	if len(labels) > 0 {
		o.fail(item.Range, fmt.Sprintf("Too many labels on a %s block", item.Name), fmt.Sprintf("%q is one too many.", labels[0]), "Remove it.")
		return
	}
	o.touch(at)
	o.body(into, item.Block, at)
}

// touch records that a value was changed.
func (o *nomadMerge) touch(at []string) {
	name := strings.Join(at, ".")
	if !slices.Contains(o.touched, name) {
		o.touched = append(o.touched, name)
	}
}

func (o *nomadMerge) fail(at hcl.Range, summary, detail, advice string) {
	o.diags = append(o.diags, diag.Error(at, summary, detail, advice))
}

// assign sets a field to a value from a profile and reports whether it fits the field's type. A null value resets the
// field.
func (o *nomadMerge) assign(field reflect.Value, value any, at hcl.Range, path []string) bool {
	if value == nil {
		field.SetZero()
		return true
	}
	v, ok := converted(field, value)
	if !ok {
		o.fail(at, fmt.Sprintf("Wrong type for %q", path[len(path)-1]), fmt.Sprintf("In %s it must be %s; this is %s.", o.what, typeName(field.Type()), valueName(value)), "")
		return false
	}
	field.Set(v)
	return true
}

// converted returns value as the field's type; ok is false if it doesn't fit. Maps keep the field's other items. The
// result is always a new value: the field itself, and the maps that it shares, are not changed.
func converted(field reflect.Value, value any) (reflect.Value, bool) {
	t := field.Type()
	out := reflect.New(t).Elem()
	if t == reflect.TypeFor[time.Duration]() {
		text, ok := value.(string)
		d, err := time.ParseDuration(text)
		out.SetInt(int64(d))
		return out, ok && err == nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		v, ok := converted(reflect.New(t.Elem()).Elem(), value)
		if ok {
			out.Set(reflect.New(t.Elem()))
			out.Elem().Set(v)
		}
		return out, ok
	case reflect.Interface:
		if m, ok := value.(map[string]any); ok && !field.IsNil() {
			if old, ok := field.Interface().(map[string]any); ok {
				value = mergedAny(old, m)
			}
		}
		out.Set(reflect.ValueOf(value))
		return out, true
	case reflect.Slice:
		return convertedList(t, value)
	case reflect.Map:
		return convertedMap(field, value)
	default:
		return scalar(t, value)
	}
}

// scalar converts text, a flag or a number. Numbers must fit the type without overflow.
func scalar(t reflect.Type, value any) (reflect.Value, bool) {
	out := reflect.New(t).Elem()
	switch v := value.(type) {
	case string:
		if t.Kind() == reflect.String {
			out.SetString(v)
			return out, true
		}
	case bool:
		if t.Kind() == reflect.Bool {
			out.SetBool(v)
			return out, true
		}
	case int64:
		switch {
		case out.CanInt() && !out.OverflowInt(v):
			out.SetInt(v)
			return out, true
		case out.CanUint() && v >= 0 && !out.OverflowUint(uint64(v)):
			out.SetUint(uint64(v))
			return out, true
		case out.CanFloat():
			out.SetFloat(float64(v))
			return out, true
		}
	case float64:
		if out.CanFloat() && !math.IsInf(v, 0) {
			out.SetFloat(v)
			return out, true
		}
	}
	return out, false
}
