package profile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// body reads the content of an open block: any argument, any block. What of it Nomad knows is the compiler's business.
func (r *reader) body(b *hclsyntax.Body, at hcl.Range) *Body {
	out := &Body{Range: at}
	for _, attr := range sortedAttributes(b) {
		item := Item{Name: attr.Name, Range: attr.NameRange}
		v, diags := r.scope.eval(attr.Expr, roots{variables: true, locals: true, runtime: runtimeNomad})
		r.diags = append(r.diags, diags...)
		if diags.HasErrors() {
			continue
		}
		if v = r.sensitive.collect(v); !v.IsWhollyKnown() {
			continue
		}
		plain, ok := r.plain(v)
		if !ok {
			r.report(diag.Error(attr.Expr.Range(), "This can't stand in a nomad block", "It takes strings, numbers, bools, lists and maps; secret() is for env.", ""))
			continue
		}
		item.Value = plain
		out.Items = append(out.Items, item)
	}
	for _, inner := range b.Blocks {
		out.Items = append(out.Items, Item{Name: inner.Type, Labels: inner.Labels, Block: r.body(inner.Body, inner.DefRange()), Range: inner.TypeRange})
	}
	slices.SortStableFunc(out.Items, func(a, b Item) int { return cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte) })
	return out
}

// plain is a value as Go's own types: string, int64, float64, bool, []any, map[string]any, nil.
func (r *reader) plain(v cty.Value) (any, bool) {
	switch {
	case v.IsNull():
		return nil, true
	case v.Type() == cty.String:
		return v.AsString(), !hasSecret(v.AsString())
	case v.Type() == cty.Bool:
		return v.True(), true
	case v.Type() == cty.Number:
		if n, accuracy := v.AsBigFloat().Int64(); accuracy == 0 {
			return n, true
		}
		f, _ := v.AsBigFloat().Float64()
		return f, true
	case isList(v):
		list := []any{}
		for it := v.ElementIterator(); it.Next(); {
			_, e := it.Element()
			item, ok := r.plain(e)
			if !ok {
				return nil, false
			}
			list = append(list, item)
		}
		return list, true
	case isMap(v):
		m := map[string]any{}
		for it := v.ElementIterator(); it.Next(); {
			k, e := it.Element()
			item, ok := r.plain(e)
			if !ok {
				return nil, false
			}
			m[k.AsString()] = item
		}
		return m, true
	default:
		return nil, false
	}
}

// escape gathers what a machine's or pool's nomad block says.
func (l *loader) escape(o *object) *Escape {
	n := o.child("nomad")
	if n == nil {
		return nil
	}
	e := &Escape{}
	if b := n.child("job"); b != nil {
		e.Job = b.body
	}
	if b := n.child("group"); b != nil {
		e.Group = b.body
	}
	for _, b := range n.children("task") {
		e.Tasks = append(e.Tasks, TaskBody{Name: b.label, Body: b.body, Range: b.header})
	}
	return e
}

// escapeTasks checks that the tasks an escape names are there.
func (l *loader) escapeTasks(m *Machine, e *Escape) {
	if e == nil {
		return
	}
	var names []string
	for _, s := range m.Services {
		names = append(names, s.Name)
	}
	names = append(names, m.TaskNames()...)
	for _, t := range e.Tasks {
		if !slices.Contains(names, t.Name) {
			l.report(diag.Error(t.Range, fmt.Sprintf("No task %q", t.Name), fmt.Sprintf("Machine %q has no task and no service of this name.", m.Name), diag.DidYouMean(t.Name, names)))
		}
	}
}
