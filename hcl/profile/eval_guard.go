package profile

import (
	"math/big"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/emprops/machinectl/hcl/diag"
)

// What an expression may cost. A few lines can describe work without end: nested for expressions, a text that is put
// together out of itself, a number with a billion digits. So loops and templates are counted, and numbers have a size.
const (
	// costLimit bounds one load: bytes of text put together, and costOfStep for each turn of a loop.
	costLimit  = 64 << 20
	costOfStep = 256
	// numberLimit is the largest number, as a power of ten; its inverse is the smallest.
	numberLimit = 300
	// tooMuch is the summary when the limit is exceeded.
	tooMuch = "Too much to calculate"
)

// cost is what one load has spent.
type cost struct {
	spent    int
	reported bool
}

// exhausted reports whether the limit is exceeded. tell reports whether that is still to be reported.
func (c *cost) exhausted() (over, tell bool) {
	over = c.spent > costLimit
	tell, c.reported = over && !c.reported, c.reported || over
	return over, tell
}

// guard prepares a syntax tree for evaluation: loops and templates count, arithmetic is bounded, and marks are kept.
func (c *cost) guard(node hclsyntax.Node) {
	// The callback reports nothing.
	_ = hclsyntax.VisitAll(node, func(n hclsyntax.Node) hcl.Diagnostics {
		keepMarks(n)
		switch e := n.(type) {
		case *hclsyntax.BinaryOpExpr:
			e.Op = boundedOp(e.Op)
		case *hclsyntax.ForExpr:
			e.CollExpr, e.ValExpr = c.counted(e.CollExpr, true), c.counted(e.ValExpr, false)
		case *hclsyntax.TemplateExpr:
			for i, part := range e.Parts {
				if _, literal := part.(*hclsyntax.LiteralValueExpr); !literal {
					e.Parts[i] = c.counted(part, false)
				}
			}
		}
		return nil
	})
}

// counted is an expression whose results cost something.
type counted struct {
	hclsyntax.Expression

	cost *cost
	loop bool // the items of a collection count, not its text
}

func (c *cost) counted(e hclsyntax.Expression, loop bool) hclsyntax.Expression {
	if _, done := e.(*counted); done {
		return e
	}
	return &counted{Expression: parenthesized(e), cost: c, loop: loop}
}

// Value evaluates the expression and counts.
func (e *counted) Value(ctx *hcl.EvalContext) (cty.Value, hcl.Diagnostics) {
	if over, tell := e.cost.exhausted(); over && !tell {
		return cty.DynamicVal, nil
	} else if over {
		return cty.DynamicVal, hcl.Diagnostics{diag.Error(e.Range(), tooMuch, "The profile's loops and templates make too much.", "Shorten the lists that they iterate over.")}
	}
	v, diags := e.Expression.Value(ctx)
	plain, _ := v.Unmark()
	e.cost.spent += costOfStep
	switch {
	case !plain.IsKnown() || plain.IsNull():
	case e.loop && plain.CanIterateElements():
		e.cost.spent += costOfStep * lengthOf(plain)
	case plain.Type() == cty.String:
		e.cost.spent += len(stringOf(plain))
	}
	return v, diags
}

// boundedOp returns an arithmetic operation that refuses immense results.
func boundedOp(op *hclsyntax.Operation) *hclsyntax.Operation {
	switch op {
	case hclsyntax.OpAdd, hclsyntax.OpSubtract, hclsyntax.OpMultiply:
		return &hclsyntax.Operation{Impl: bounded(op.Impl), Type: op.Type, ShortCircuit: op.ShortCircuit}
	case hclsyntax.OpDivide, hclsyntax.OpModulo:
		return &hclsyntax.Operation{Impl: bounded(divided(op.Impl)), Type: op.Type, ShortCircuit: op.ShortCircuit}
	default:
		return op
	}
}

// divisionByZero is the error of a division by 0.
const divisionByZero = "division by zero"

// divided wraps a division so that it refuses the divisor 0, for which cty returns infinity or the dividend.
func divided(f function.Function) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(), Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if args[1].RawEquals(cty.Zero) {
				return cty.DynamicVal, function.NewArgErrorf(1, divisionByZero)
			}
			return f.Call(args)
		},
	})
}

// bounded returns a function that refuses to return immense numbers.
func bounded(f function.Function) function.Function {
	return function.New(&function.Spec{
		Description: f.Description(), Params: f.Params(), VarParam: f.VarParam(), Type: f.ReturnTypeForValues,
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, err := f.Call(args)
			if err == nil && immense(v) {
				return cty.DynamicVal, function.NewArgErrorf(0, "numbers go up to 10^%d", numberLimit)
			}
			return v, err
		},
	})
}

// immense reports whether v contains a number that is too large, or too close to zero, to be written out.
func immense(v cty.Value) bool {
	if t := v.Type(); t == cty.String || t == cty.Bool {
		return false
	}
	plain, _ := v.UnmarkDeep()
	found := false
	// The callback returns no error, so Walk doesn't either.
	_ = cty.Walk(plain, func(_ cty.Path, part cty.Value) (bool, error) {
		if part.Type() == cty.Number && part.IsKnown() && !part.IsNull() {
			f := numberOf(part)
			// The binary exponent: 10^300 is a little less than 2^997.
			exponent := f.MantExp(nil)
			found = found || f.IsInf() || f.Cmp(new(big.Float)) != 0 && (exponent > numberLimit*10/3 || exponent < -numberLimit*10/3)
		}
		return !found, nil
	})
	return found
}
