package profile

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"
)

// object is a block that was read: its arguments evaluated and of the right Go type, nothing merged or completed yet.
type object struct {
	grammar *block
	label   string
	header  hcl.Range
	args    map[string]value
	blocks  []*object // in order of appearance
	body    *Body     // of an open block
	mask    *Body     // body, with Hidden for sensitive texts
	partial bool      // blocks may be missing, after something that has been reported
	unclear bool      // arguments may be missing, after something that has been reported
	base    hcl.Range // header of the machine at the root of what it inherits
	broken  bool      // what it inherits is unknown, after something that has been reported
}

// value is an evaluated argument. Its Go type follows from the grammar: string, int, time.Duration, int64 (a size),
// []string, environment, map[string]string, map[string]any or *reference.
type value struct {
	v any
	// disguise is v with Hidden for sensitive texts; nil where there are none.
	disguise any
	at       hcl.Range            // of the expression
	name     hcl.Range            // of the argument's name
	keys     map[string]hcl.Range // of a map's items, where they are written one by one
	bad      bool                 // there was an error, already reported
	null     bool                 // written as null: as if it weren't there, inherited or not
}

// environment is the value of an env argument.
type environment struct {
	plain   map[string]string
	secrets map[string]Secret
}

// merge returns what child sets on top of what parent sets. Arguments of the child win; env, settings and offers are
// merged by key, everything else is replaced whole; null takes an inherited argument away. Blocks are merged with their
// namesake (same kind, same label); those that may be repeated without a label are added.
func merge(parent, child *object) *object {
	out := &object{grammar: child.grammar, label: child.label, header: child.header, args: maps.Clone(parent.args)}
	if out.args == nil {
		out.args = map[string]value{}
	}
	out.body, out.mask = mergeBody(parent.body, child.body), mergeBody(parent.mask, child.mask)
	out.partial, out.unclear, out.broken = parent.partial || child.partial, parent.unclear || child.unclear, parent.broken || child.broken
	out.base = parent.header
	if parent.base.Filename != "" {
		out.base = parent.base
	}
	for name, v := range child.args {
		out.args[name] = mergeValue(out.args[name], v)
	}
	out.blocks = slices.Clone(parent.blocks)
	for _, b := range child.blocks {
		i := slices.IndexFunc(out.blocks, func(o *object) bool {
			return o.grammar.name == b.grammar.name && o.label == b.label && !b.grammar.many
		})
		if i < 0 {
			out.blocks = append(out.blocks, b)
			continue
		}
		out.blocks[i] = merge(out.blocks[i], b)
	}
	return out
}

// mergeBody puts the child's items after the parent's, so that they are merged into Nomad's job after them.
func mergeBody(parent, child *Body) *Body {
	if parent == nil || child == nil {
		return cmp.Or(child, parent)
	}
	return &Body{Items: slices.Concat(parent.Items, child.Items), Range: child.Range}
}

func mergeValue(parent, child value) value {
	if parent.bad || parent.null || child.bad || child.null {
		return child
	}
	if parent.disguise != nil || child.disguise != nil {
		child.disguise, _ = mergeItems(parent.shown(), child.shown())
	}
	merged, ok := mergeItems(parent.v, child.v)
	if !ok {
		return child
	}
	child.v, child.keys = merged, mergeMap(parent.keys, child.keys)
	return child
}

// shown returns what may be shown of a value.
func (v value) shown() any {
	if v.disguise != nil {
		return v.disguise
	}
	return v.v
}

// mergeItems merges what is merged item by item; of everything else the child's is taken, and ok is false.
func mergeItems(parent, child any) (merged any, ok bool) {
	switch c := child.(type) {
	case environment:
		if p, ok := parent.(environment); ok {
			return mergeEnvironment(p, c), true
		}
	case map[string]string:
		p, _ := parent.(map[string]string)
		return mergeMap(p, c), true
	case map[string]any:
		p, _ := parent.(map[string]any)
		return mergeMap(p, c), true
	}
	return child, false
}

// disguised returns a copy of an object with the disguises of its values.
func (o *object) disguised() *object {
	out := *o
	out.args, out.body = maps.Clone(o.args), o.mask
	for name, v := range out.args {
		v.v = v.shown()
		out.args[name] = v
	}
	out.blocks = make([]*object, len(o.blocks))
	for i, b := range o.blocks {
		out.blocks[i] = b.disguised()
	}
	return &out
}

func mergeEnvironment(p, c environment) environment {
	out := environment{plain: mergeMap(p.plain, c.plain), secrets: mergeMap(p.secrets, c.secrets)}
	for k := range c.plain {
		delete(out.secrets, k)
	}
	for k := range c.secrets {
		delete(out.plain, k)
	}
	return out
}

func mergeMap[V any](p, c map[string]V) map[string]V {
	out := maps.Clone(p)
	if out == nil {
		out = make(map[string]V, len(c))
	}
	maps.Copy(out, c)
	return out
}

// has reports whether an argument was given, even if wrongly.
func (o *object) has(name string) bool {
	v, ok := o.args[name]
	return ok && !v.null
}

// lacks reports whether an argument is certainly missing.
func (o *object) lacks(name string) bool { return !o.has(name) && !o.unclear }

// both reports whether two arguments that exclude each other were given. After an error in one, null may have been meant.
func (o *object) both(a, b string) bool {
	_, first := o.get(a)
	_, second := o.get(b)
	return first && second
}

// wrong reports whether an argument was given and has an error, so that what was meant is unknown.
func (o *object) wrong(name string) bool { return o.args[name].bad }

// loosened returns a block in which, and in whose blocks, parts may be missing.
func (o *object) loosened() *object {
	out := *o
	out.partial, out.unclear, out.blocks = true, true, nil
	for _, b := range o.blocks {
		out.blocks = append(out.blocks, b.loosened())
	}
	return &out
}

// get returns an argument that was given without error.
func (o *object) get(name string) (value, bool) {
	v, ok := o.args[name]
	return v, ok && !v.bad && !v.null
}

// at returns the place of an argument's value or, if it isn't set, of the block's header.
func (o *object) at(name string) hcl.Range {
	if v, ok := o.args[name]; ok {
		return v.at
	}
	return o.header
}

// read returns an argument's value, or its default where it was left out or is wrong.
func read[T any](o *object, name string) T {
	v, ok := o.get(name)
	if t, is := v.v.(T); ok && is {
		return t
	}
	var none T
	if a := o.grammar.arg(name); a != nil {
		if t, is := a.def().(T); is {
			return t
		}
	}
	return none
}

func (o *object) str(name string) string             { return read[string](o, name) }
func (o *object) num(name string) int                { return read[int](o, name) }
func (o *object) flag(name string) bool              { return read[bool](o, name) }
func (o *object) size(name string) int64             { return read[int64](o, name) }
func (o *object) dur(name string) time.Duration      { return read[time.Duration](o, name) }
func (o *object) list(name string) []string          { return read[[]string](o, name) }
func (o *object) env() environment                   { return read[environment](o, "env") }
func (o *object) dict(name string) map[string]string { return read[map[string]string](o, name) }
func (o *object) attrs(name string) map[string]any   { return read[map[string]any](o, name) }

// strOr is like str, with a default that depends on other arguments.
func (o *object) strOr(name, otherwise string) string {
	if _, ok := o.get(name); ok {
		return o.str(name)
	}
	return otherwise
}

// child returns the block of that kind, or nil.
func (o *object) child(kind string) *object {
	for _, b := range o.blocks {
		if b.grammar.name == kind {
			return b
		}
	}
	return nil
}

// section returns the block of that kind; where there is none, an empty one, whose arguments have their defaults.
func (o *object) section(kind string) *object {
	if b := o.child(kind); b != nil {
		return b
	}
	return &object{grammar: o.grammar.child(kind), header: o.header, partial: o.partial}
}

// children returns all blocks of that kind.
func (o *object) children(kind string) []*object {
	var out []*object
	for _, b := range o.blocks {
		if b.grammar.name == kind {
			out = append(out, b)
		}
	}
	return out
}
