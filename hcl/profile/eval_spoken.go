package profile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/customdecode"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// spoken returns the diagnostics of evaluating an expression, without details where a sensitive value is involved: the texts of
// the evaluator and of functions may show their arguments, whose marks were removed. The summaries are constants.
func (s *scope) spoken(expr hcl.Expression, ctx *hcl.EvalContext, diags hcl.Diagnostics) hcl.Diagnostics {
	diags = unknownFunctions(diags, s.functions)
	for i, d := range diags {
		if d.Summary == tooMuch || !s.outside.involvesSensitive(narrowed(expr, d.Subject), ctx) {
			continue
		}
		silent := *d
		silent.Detail, silent.Extra, silent.Expression, silent.EvalContext = "The reason is not shown, because a sensitive value is involved.", nil, nil, nil
		if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok && call.CalledFunctionName() != "" {
			silent.Detail = fmt.Sprintf("The function %s rejects its arguments. %s", call.CalledFunctionName(), silent.Detail)
		}
		diags[i] = &silent
	}
	return diags
}

// narrowed returns the part of an expression that a diagnostic is about: an item of a list or map whose items are written one
// by one. A message about one item reveals nothing about the others.
func narrowed(expr hcl.Expression, at *hcl.Range) hcl.Expression {
	if at == nil {
		return expr
	}
	var parts []hclsyntax.Expression
	switch e := expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			parts = append(parts, item.ValueExpr)
		}
	case *hclsyntax.TupleConsExpr:
		parts = e.Exprs
	}
	for _, part := range parts {
		if r := part.Range(); r.Start.Byte <= at.Start.Byte && at.End.Byte <= r.End.Byte {
			return narrowed(part, at)
		}
	}
	return expr
}

// involvesSensitive reports whether evaluating an expression sees sensitive values.
func (o *outside) involvesSensitive(expr hcl.Expression, ctx *hcl.EvalContext) bool {
	for _, t := range expr.Variables() {
		if seesSensitive(t, ctx) {
			return true
		}
	}
	node, ok := expr.(hclsyntax.Node)
	if !ok {
		return true
	}
	found := false
	// The callback reports nothing.
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		if call, ok := n.(*hclsyntax.FunctionCallExpr); ok && call.Name == "env" {
			for _, v := range o.env {
				found = found || isSensitive(v)
			}
		}
		return nil
	})
	return found
}

// seesSensitive follows a reference as far as it goes. What lies beside its way isn't seen.
func seesSensitive(t hcl.Traversal, ctx *hcl.EvalContext) bool {
	for n := len(t); n > 0; n-- {
		v, diags := t[:n].TraverseAbs(ctx)
		if diags.HasErrors() {
			continue
		}
		if n < len(t) {
			return v.IsMarked()
		}
		return isSensitive(v)
	}
	return false
}

// tryFunc returns try(expressions…). Whether an expression can be evaluated reveals something about the values in it.
func (o *outside) tryFunc() function.Function {
	return function.New(&function.Spec{
		Description: "The first of the expressions that can be evaluated without an error.",
		VarParam:    &function.Parameter{Name: "expressions", Type: customdecode.ExpressionClosureType},
		// The expressions are evaluated once, not for their type too: nested calls would double the work at each level.
		Type: function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			sensitiveSoFar := false
			for _, arg := range args {
				closure := customdecode.ExpressionClosureFromVal(arg)
				v, diags := closure.Value()
				sensitiveSoFar = sensitiveSoFar || o.involvesSensitive(closure.Expression, closure.EvalContext)
				switch {
				case diags.HasErrors():
				case !v.IsWhollyKnown():
					return cty.DynamicVal, nil
				case sensitiveSoFar && !isSensitive(v):
					return v.Mark(sensitive{}), nil
				default:
					return v, nil
				}
			}
			return cty.DynamicVal, function.NewArgErrorf(max(0, len(args)-1), "none of the expressions can be evaluated")
		},
	})
}

// canFunc returns can(expression).
func (o *outside) canFunc() function.Function {
	return function.New(&function.Spec{
		Description: "Whether the expression can be evaluated without an error.",
		Params:      []function.Parameter{{Name: "expression", Type: customdecode.ExpressionClosureType}},
		Type:        function.StaticReturnType(cty.Bool),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			closure := customdecode.ExpressionClosureFromVal(args[0])
			v, diags := closure.Value()
			out := cty.BoolVal(!diags.HasErrors())
			if !diags.HasErrors() && !v.IsWhollyKnown() {
				out = cty.UnknownVal(cty.Bool)
			}
			if o.involvesSensitive(closure.Expression, closure.EvalContext) {
				out = out.Mark(sensitive{})
			}
			return out, nil
		},
	})
}

// nonsensitiveFunc takes the mark off.
func nonsensitiveFunc() function.Function {
	return function.New(&function.Spec{
		Description: "The value of v, not sensitive any more: it is shown like any other from here on.",
		Params:      []function.Parameter{{Name: "v", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true}},
		Type:        func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			plain, _ := args[0].UnmarkDeep()
			return plain, nil
		},
	})
}
