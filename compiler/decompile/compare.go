package decompile

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	nomad "github.com/hashicorp/nomad/api"
)

// comparison compares two parts of a job and writes, in Nomad's syntax, what a nomad block must contain to turn the
// first (have, usually compiled) into the second (want, from the imported job). It walks Nomad's API structs by
// reflection, so that it covers every field with an hcl tag without naming any.
type comparison struct {
	*redaction
	// exact requires the result to equal want: fields that want doesn't have are set to null. It is set for jobs that
	// machinectl compiled. Otherwise additional values in have stay, and values in want that are Nomad's defaults are
	// left out.
	exact bool
}

// structs compares two structs of one type. usual is the struct that Nomad makes of an empty one, or an invalid value
// if unknown. skip lists fields that are handled elsewhere.
func (c comparison) structs(have, want, usual reflect.Value, skip []string, out *body) {
	for i := range want.NumField() {
		f := want.Type().Field(i)
		name := hclName(f)
		h, w := have.Field(i), want.Field(i)
		if name == "" || slices.Contains(skip, name) || same(h, w) {
			continue
		}
		if !c.exact && (empty(w) || usual.IsValid() && same(w, usual.Field(i))) {
			continue
		}
		switch {
		case empty(w):
			out.set(name, "null")
		case isBlock(f):
			c.blocks(name, h, w, out)
		default:
			out.set(name, c.argument(w))
		}
	}
}

// blocks compares a field that is one block (a pointer), a list of blocks, blocks by label (a map of pointers), or a
// map of plain values. A labelled block that differs is written as a whole.
func (c comparison) blocks(name string, h, w reflect.Value, out *body) {
	switch {
	case w.Kind() == reflect.Pointer && h.IsNil():
		c.fresh(out.block(name, labels(w.Elem())...), w.Elem())
	case w.Kind() == reflect.Pointer:
		inner := &body{}
		c.structs(h.Elem(), w.Elem(), reflect.Value{}, nil, inner)
		out.optional(name, inner)
	case w.Kind() == reflect.Slice:
		c.list(name, h, w, out)
	case w.Kind() == reflect.Map && w.Type().Elem().Kind() == reflect.Pointer:
		for _, k := range sortedKeys(w) {
			item, old := w.MapIndex(reflect.ValueOf(k)), reflect.Value{}
			if !h.IsNil() {
				old = h.MapIndex(reflect.ValueOf(k))
			}
			if old.IsValid() && same(old, item) {
				continue
			}
			c.fresh(out.block(name, k), item.Elem())
		}
	default:
		c.mapping(name, h, w, out)
	}
}

// list writes the blocks that are missing. A nomad block can only append to a list; if that can't give want exactly,
// list clears it with null and writes all blocks.
func (c comparison) list(name string, h, w reflect.Value, out *body) {
	missing := []int{}
	for i := range w.Len() {
		there := false
		for j := range h.Len() {
			there = there || same(h.Index(j), w.Index(i))
		}
		if !there {
			missing = append(missing, i)
		}
	}
	if c.exact && (h.Len()+len(missing) != w.Len() || !same(w.Slice(0, h.Len()), h)) {
		out.set(name, "null")
		missing = missing[:0]
		for i := range w.Len() {
			missing = append(missing, i)
		}
	}
	for _, i := range missing {
		item := reflect.Indirect(w.Index(i))
		c.fresh(out.block(name, labels(item)...), item)
	}
}

// mapping writes the items that differ. In a merge, items that only have contains would stay; if the result must be
// exact, mapping clears the map with null and writes all items.
func (c comparison) mapping(name string, h, w reflect.Value, out *body) {
	items, plain := map[string]string{}, true
	gone := false
	if !h.IsNil() {
		for _, k := range sortedKeys(h) {
			gone = gone || !w.MapIndex(reflect.ValueOf(k)).IsValid()
		}
	}
	gone = gone && c.exact
	for _, k := range sortedKeys(w) {
		item := w.MapIndex(reflect.ValueOf(k))
		if old := h.MapIndex(reflect.ValueOf(k)); !gone && old.IsValid() && same(old, item) {
			continue
		}
		items[k] = c.literal(item)
		plain = plain && hclsyntax.ValidIdentifier(k)
	}
	switch {
	case gone:
		out.set(name, "null")
	case len(items) == 0:
		return
	}
	if !plain {
		// A name that is not an identifier needs the map to be written as an argument, and a map can't be both argument
		// and block.
		out.args = slices.DeleteFunc(out.args, func(a arg) bool { return a.name == name })
		out.set(name, object(items))
		return
	}
	inner := out.block(name)
	for _, k := range sortedKeys(reflect.ValueOf(items)) {
		inner.set(k, items[k])
	}
}

// fresh writes a struct without a counterpart, leaving out Nomad's defaults. Nomad's structs set these in Canonicalize.
func (c comparison) fresh(out *body, v reflect.Value) {
	usual := reflect.New(v.Type())
	if m := usual.MethodByName("Canonicalize"); m.IsValid() && m.Type().NumIn() == 0 {
		m.Call(nil)
	}
	switch u := usual.Interface().(type) { // their Canonicalize needs arguments
	case *nomad.Service:
		u.AddressMode, u.OnUpdate, u.Cluster = "auto", nomad.OnUpdateRequireHealthy, "default"
	case *nomad.ServiceCheck:
		u.OnUpdate = nomad.OnUpdateRequireHealthy
	}
	for i := range v.NumField() {
		f, w := v.Type().Field(i), v.Field(i)
		name := hclName(f)
		if name == "" || empty(w) || same(w, usual.Elem().Field(i)) {
			continue
		}
		if isBlock(f) {
			c.blocks(name, reflect.Zero(w.Type()), w, out)
		} else {
			out.set(name, c.argument(w))
		}
	}
}

// labels returns the values of a struct's label fields.
func labels(v reflect.Value) []string {
	var list []string
	for i := range v.NumField() {
		if strings.HasSuffix(v.Type().Field(i).Tag.Get("hcl"), ",label") {
			list = append(list, stringOf(v.Field(i)))
		}
	}
	return list
}

// isZero reports whether a pointer is nil or points to a zero number, flag or text.
func isZero(p reflect.Value) bool {
	return p.IsNil() || p.Elem().Kind() != reflect.Struct && p.Elem().IsZero()
}

// same reports whether two values are equal when sent to Nomad's API. Nil pointers equal pointers to zero values.
func same(a, b reflect.Value) bool {
	if empty(a) && empty(b) || a.Kind() == reflect.Pointer && (a.IsNil() && isZero(b) || b.IsNil() && isZero(a)) {
		return true
	}
	x, errX := json.Marshal(a.Interface())
	y, errY := json.Marshal(b.Interface())
	return errX == nil && errY == nil && string(x) == string(y)
}

func sameAny(a, b any) bool { return same(reflect.ValueOf(a), reflect.ValueOf(b)) }
