package profile

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// Whatever a sensitive value decides is sensitive as well. HCL keeps to that but in two places: the item of an object is
// as public as the object, even if the key is sensitive; and nothing remains of an empty list that is expanded into
// arguments.

// keepMarks makes the value of a node carry the marks of what decides it.
func keepMarks(node hclsyntax.Node) {
	switch e := node.(type) {
	case *hclsyntax.IndexExpr:
		if _, done := e.Key.(*decisive); !done {
			key := &decisive{Expression: parenthesized(e.Key)}
			e.Key, e.Collection = key, &decided{Expression: parenthesized(e.Collection), by: key, index: true}
		}
	case *hclsyntax.FunctionCallExpr:
		if !e.ExpandFinal || len(e.Args) == 0 {
			return
		}
		last := len(e.Args) - 1
		if _, done := e.Args[last].(*decisive); !done {
			list := &decisive{Expression: parenthesized(e.Args[last]), alone: last == 0}
			e.Args[last] = list
			if last > 0 {
				e.Args[0] = &decided{Expression: parenthesized(e.Args[0]), by: list}
			}
		}
	}
}

// parenthesized wraps an expression that is to be embedded: what walks over the tree goes to a node's children through the
// node that is embedded.
func parenthesized(e hclsyntax.Expression) hclsyntax.Expression {
	return &hclsyntax.ParenthesesExpr{Expression: e, SrcRange: e.Range()}
}

// decisive is an expression whose marks others take over: an index, or a list that is expanded into arguments.
type decisive struct {
	hclsyntax.Expression

	alone bool // a list that isn't beside other arguments

	ahead bool // the value has been asked for before its turn; a second evaluation would double the work at each level
	value cty.Value
	diags hcl.Diagnostics
}

// Value evaluates the expression, once for it and what it decides.
func (e *decisive) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if e.ahead {
		e.ahead = false
		return e.value, e.diags
	}
	e.value, e.diags = e.Expression.Value(ctx)
	if plain, marks := e.value.Unmark(); e.alone && len(marks) > 0 && plain.IsKnown() && !plain.IsNull() && plain.CanIterateElements() && lengthOf(plain) == 0 {
		e.value, e.diags = cty.DynamicVal, append(e.diags, diag.Error(e.Range(), "An empty sensitive list gives no arguments",
			"Without arguments, the result would not be sensitive.", "Write another argument before it."))
	}
	return e.value, e.diags
}

// decided is an expression whose value carries the marks of another one.
type decided struct {
	hclsyntax.Expression

	by    *decisive
	index bool // by comes after it, not before
}

// Value evaluates the expression, and what decides it if that is still to come.
func (e *decided) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	v, diags := e.Expression.Value(ctx)
	if e.index {
		_, _ = e.by.Value(ctx) // which reports its diagnostics in its turn
		e.by.ahead = true
	}
	return v.WithSameMarks(e.by.value), diags
}
