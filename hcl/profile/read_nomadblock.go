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

// body reads the content of an open block: any argument, any block. What of it Nomad knows is the compiler's business. mask is
// the same with Hidden for sensitive texts.
func (r *reader) body(g *block, b *hclsyntax.Body, at hcl.Range) (out, mask *Body) {
	out, mask = &Body{Range: at}, &Body{Range: at}
	for _, attr := range sortedAttributes(b) {
		item := Item{Name: attr.Name, Range: attr.NameRange}
		v, diags := r.scope.eval(attr.Expr, roots{variables: true, locals: true, runtime: runtimeNomad})
		r.diags = append(r.diags, diags...)
		if diags.HasErrors() {
			continue
		}
		if !v.IsWhollyKnown() {
			continue
		}
		if isSensitive(v) && g.shown {
			r.report(refuseSensitive(attr.Name, attr.Expr.Range()))
			continue
		}
		if namesSensitive(v) {
			r.report(refuseSensitiveNames(attr.Name, attr.Expr.Range()))
			continue
		}
		r.sensitive.addMarked(v)
		plain, ok := r.plain(v)
		if !ok {
			r.report(diag.Error(attr.Expr.Range(), "Not allowed in a nomad block", "It takes strings, numbers, bools, lists and maps; secret() is for env.", ""))
			continue
		}
		item.Value = plain
		out.Items = append(out.Items, item)
		item.Value, _ = r.plain(disguised(v))
		mask.Items = append(mask.Items, item)
	}
	for _, inner := range b.Blocks {
		item := Item{Name: inner.Type, Labels: inner.Labels, Range: inner.TypeRange}
		block, masked := r.body(g, inner.Body, inner.DefRange())
		item.Block = block
		out.Items = append(out.Items, item)
		item.Block = masked
		mask.Items = append(mask.Items, item)
	}
	for _, b := range []*Body{out, mask} {
		slices.SortStableFunc(b.Items, func(a, b Item) int { return cmp.Compare(a.Range.Start.Byte, b.Range.Start.Byte) })
	}
	return out, mask
}

// plain returns a value as Go's own types: string, int64, float64, bool, []any, map[string]any, nil.
func (r *reader) plain(v cty.Value) (any, bool) {
	switch {
	case v.IsNull():
		return nil, true
	case v.Type() == cty.String:
		return stringOf(v), !hasSecret(stringOf(v))
	case v.Type() == cty.Bool:
		return boolOf(v), true
	case v.Type() == cty.Number:
		if n, accuracy := numberOf(v).Int64(); accuracy == 0 {
			return n, true
		}
		f, _ := numberOf(v).Float64()
		return f, true
	case isList(v):
		list := []any{}
		for _, e := range items(v) {
			item, ok := r.plain(e)
			if !ok {
				return nil, false
			}
			list = append(list, item)
		}
		return list, true
	case isMap(v):
		m := map[string]any{}
		for k, e := range items(v) {
			item, ok := r.plain(e)
			if !ok {
				return nil, false
			}
			m[stringOf(k)] = item
		}
		return m, true
	default:
		return nil, false
	}
}

// nomadBlock returns the content of a machine's or pool's nomad block, or nil.
func (l *loader) nomadBlock(o *object) *NomadBlock {
	n := o.child("nomad")
	if n == nil {
		return nil
	}
	e := &NomadBlock{}
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

// checkNomadTasks checks that the tasks named in a nomad block exist.
func (l *loader) checkNomadTasks(m *Machine, e *NomadBlock) {
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
