// Package jobfile writes a Nomad job as a job file, the HCL that Nomad's own tools read.
//
// It walks Nomad's API structs by reflection and takes the names from their hcl tags, which are the names in job files.
// Nomad's parser turns the text back into the same job; a test checks that against a real Nomad. The package knows
// nothing of profiles, and omits empty fields.
package jobfile

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	nomad "github.com/hashicorp/nomad/api"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/timetext"
)

// Write returns the job as a formatted job file.
func Write(job *nomad.Job) []byte {
	file := hclwrite.NewEmptyFile()
	id := ""
	if job.ID != nil {
		id = *job.ID
	}
	writeStruct(file.Body().AppendNewBlock("job", []string{id}).Body(), reflect.ValueOf(job).Elem())
	return hclwrite.Format(file.Bytes())
}

// writeStruct writes a struct's arguments, then its blocks, both in the order of the struct's fields.
func writeStruct(body *hclwrite.Body, v reflect.Value) {
	fields := fieldsOf(v)
	for _, f := range fields {
		if f.block {
			continue
		}
		if value, ok := argument(f.value); ok {
			body.SetAttributeValue(f.name, value)
		}
	}
	for _, f := range fields {
		if f.block {
			writeBlocks(body, f.name, f.value)
		}
	}
}

// field is a struct field that has a name in job files and isn't empty.
type field struct {
	name  string
	block bool
	value reflect.Value
}

// fieldsOf returns a struct's fields as job files have them. A tag reads hcl:"name", hcl:"name,block" or
// hcl:"name,label". Fields without a tag don't exist in job files, and labels belong to the enclosing block's header.
// Three names differ from the tags: the job's id is its block's label, reserved and dynamic ports are both port blocks,
// and a task's default identity has no tag because Nomad's parser moves it out of the list of identities.
func fieldsOf(v reflect.Value) []field {
	var fields []field
	for i := range v.NumField() {
		name, kind, _ := strings.Cut(v.Type().Field(i).Tag.Get("hcl"), ",")
		value := v.Field(i)
		if name == "" || kind == "label" || empty(value) {
			continue
		}
		switch {
		case name == "id" && v.Type() == reflect.TypeFor[nomad.Job]():
			continue // the block's label
		case name == "reserved_ports":
			name = "port" // Nomad's parser recognizes reserved ports by their static numbers
		}
		fields = append(fields, field{name, kind == "block", value})
	}
	if task, ok := v.Interface().(nomad.Task); ok && task.Identity != nil {
		fields = append(fields, field{"identity", true, reflect.ValueOf(task.Identity)})
	}
	return fields
}

// empty reports whether a field can be omitted. A pointer to a zero value is not empty: it sets the value to zero
// explicitly.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	default:
		return v.IsZero()
	}
}

// writeBlocks writes a field that is one block (a struct), several (a slice, or a map of structs by label), or a map of
// plain values as a block.
func writeBlocks(body *hclwrite.Body, name string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		writeBlock(body, name, nil, v.Elem())
	case reflect.Struct:
		writeBlock(body, name, nil, v)
	case reflect.Slice:
		for i := range v.Len() {
			writeBlocks(body, name, v.Index(i))
		}
	case reflect.Map:
		if v.Type().Elem().Kind() == reflect.Pointer {
			for _, label := range sortedKeys(v) {
				writeBlock(body, name, []string{label}, v.MapIndex(reflect.ValueOf(label)).Elem())
			}
			return
		}
		writeMap(body, name, v)
	}
}

// writeBlock writes one block. Its labels are the given ones or, if labels is nil, the struct's label fields.
func writeBlock(body *hclwrite.Body, name string, labels []string, v reflect.Value) {
	if labels == nil {
		for i := range v.NumField() {
			if strings.HasSuffix(v.Type().Field(i).Tag.Get("hcl"), ",label") {
				label := v.Field(i)
				if label.Kind() == reflect.Pointer {
					label = label.Elem()
				}
				labels = append(labels, label.String())
			}
		}
	}
	writeStruct(body.AppendNewBlock(name, labels).Body(), v)
}

// writeMap writes a map as a block or, if a key is not an identifier, as an argument. Nomad's parser treats both the
// same.
func writeMap(body *hclwrite.Body, name string, v reflect.Value) {
	keys := sortedKeys(v)
	if slices.ContainsFunc(keys, func(k string) bool { return !hclsyntax.ValidIdentifier(k) }) {
		if value, ok := argument(v); ok {
			body.SetAttributeValue(name, value)
		}
		return
	}
	inner := body.AppendNewBlock(name, nil).Body()
	for _, key := range keys {
		item := v.MapIndex(reflect.ValueOf(key))
		if value, ok := argument(item); ok {
			inner.SetAttributeValue(key, value)
		}
	}
}

func sortedKeys(v reflect.Value) []string {
	keys := make([]string, 0, v.Len())
	for _, k := range v.MapKeys() {
		keys = append(keys, k.String())
	}
	slices.Sort(keys)
	return keys
}

// argument converts a Go value to an argument's value; ok is false if v is nil. Durations become text such as "1m30s".
func argument(v reflect.Value) (value cty.Value, ok bool) {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		return cty.StringVal(timetext.Exact(time.Duration(v.Int()))), true
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return cty.NilVal, false
		}
		return argument(v.Elem())
	case reflect.String:
		return cty.StringVal(v.String()), true
	case reflect.Bool:
		return cty.BoolVal(v.Bool()), true
	case reflect.Slice, reflect.Array:
		items := make([]cty.Value, 0, v.Len())
		for i := range v.Len() {
			if item, ok := argument(v.Index(i)); ok {
				items = append(items, item)
			}
		}
		return cty.TupleVal(items), true
	case reflect.Map:
		items := map[string]cty.Value{}
		for _, key := range sortedKeys(v) {
			if item, ok := argument(v.MapIndex(reflect.ValueOf(key))); ok {
				items[key] = item
			}
		}
		return cty.ObjectVal(items), true
	default:
		return number(v)
	}
}

// number converts the remaining kinds. A kind that is not a number can only come from a new field of Nomad's structs.
func number(v reflect.Value) (value cty.Value, ok bool) {
	switch {
	case v.CanInt():
		return cty.NumberIntVal(v.Int()), true
	case v.CanUint():
		return cty.NumberUIntVal(v.Uint()), true
	case v.CanFloat():
		return cty.NumberFloatVal(v.Float()), true
	default:
		panic(fmt.Sprintf("jobfile: %s can't be an argument", v.Type()))
	}
}
