package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

func (l *loader) declareLocals(b *hclsyntax.Block) {
	for _, inner := range b.Body.Blocks {
		l.report(diag.Error(inner.DefRange(), "Block within locals", "A locals block has arguments only.", fmt.Sprintf("Write %s = { … }.", inner.Type)))
	}
	for _, attr := range sortedAttributes(b.Body) {
		if earlier, ok := l.locals[attr.Name]; ok {
			l.report(diag.Error(attr.NameRange, fmt.Sprintf("Repeated local value %q", attr.Name),
				fmt.Sprintf("It is already declared, at %s:%d.", earlier.NameRange.Filename, earlier.NameRange.Start.Line), "Give one of them another name."))
			l.scope.lost["local"] = true
			continue
		}
		l.locals[attr.Name] = attr
		l.scope.setLocal(attr.Name, cty.DynamicVal)
	}
}

// evaluateLocals evaluates local values, each after those it refers to.
func (l *loader) evaluateLocals() {
	names := slices.SortedFunc(maps.Keys(l.locals), func(a, b string) int {
		ra, rb := l.locals[a].NameRange, l.locals[b].NameRange
		return cmp.Or(cmp.Compare(slices.Index(l.order, ra.Filename), slices.Index(l.order, rb.Filename)), cmp.Compare(ra.Start.Byte, rb.Start.Byte))
	})
	done := map[string]bool{}
	for _, name := range names {
		l.evaluateLocal(name, nil, done)
	}
}

func (l *loader) evaluateLocal(name string, path []string, done map[string]bool) {
	if i := slices.Index(path, name); i >= 0 {
		cycle := append(slices.Clone(path[i:]), name)
		l.report(diag.Error(l.locals[cycle[0]].NameRange, "Local values refer to each other in a circle",
			"local."+strings.Join(cycle, " → local.")+".", "Take one of the references out."))
		return
	}
	if done[name] {
		return
	}
	attr := l.locals[name]
	for _, t := range attr.Expr.Variables() {
		if next, ok := member(t); ok && t.RootName() == "local" && l.locals[next] != nil {
			l.evaluateLocal(next, append(path, name), done)
		}
	}
	done[name] = true
	v, diags := l.scope.eval(attr.Expr, roots{variables: true, locals: true})
	l.diags = append(l.diags, diags...)
	if weight(v) > heaviest {
		l.report(diag.Error(attr.Expr.Range(), "The local value is too large", "All of its texts together have more than 1 MiB.", ""))
		v = cty.DynamicVal
	}
	l.scope.setLocal(name, v)
}

// heaviest is how large a local value may be. Without a bound, a few lines that each repeat the former fill the memory.
const heaviest = 1 << 20

// weight returns the length of all of a value's strings, in bytes, with one byte for each other part of it.
func weight(v cty.Value) int {
	plain, _ := v.UnmarkDeep()
	sum := 0
	// The callback returns no error, so Walk doesn't either.
	_ = cty.Walk(plain, func(_ cty.Path, part cty.Value) (bool, error) {
		sum++
		if part.Type() == cty.String && part.IsKnown() && !part.IsNull() {
			sum += len(stringOf(part))
		}
		return sum <= heaviest, nil
	})
	return sum
}
