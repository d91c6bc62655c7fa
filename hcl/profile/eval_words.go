package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// evaluationError rewords what the evaluator reports about an expression. What the expression's parts are is told from their
// types, and never from values.
func evaluationError(d *hcl.Diagnostic) *hcl.Diagnostic {
	if d.Subject == nil {
		return d
	}
	at := *d.Subject
	is := "something else"
	if d.Expression != nil {
		if v, diags := d.Expression.Value(d.EvalContext); !diags.HasErrors() {
			is = describeItem(v)
		}
	}
	switch d.Summary {
	case "Invalid operand":
		return operandError(d, at, is)
	case "Operation failed":
		return operationError(d, at)
	case "Incorrect condition type", "Null condition", "Condition is null":
		return diag.Error(at, "The condition is neither true nor false", fmt.Sprintf("It is %s.", is), "Write a comparison, such as var.count > 1.")
	case "Invalid 'for' condition":
		return diag.Error(at, "The condition is neither true nor false", "The if of a for expression decides whether an item is included.", "Write a comparison, such as x != \"\".")
	case "Inconsistent conditional result types":
		return diag.Error(at, "The two values of a condition are of different types", "Either may be the result, so both are used alike.", "Write two values of one type, or null for none.")
	case "Invalid template interpolation value":
		if is == "null" {
			return diag.Error(at, "null in a text", "A value that isn't there can't become part of a text.", "Write coalesce(value, \"\"), or a condition.")
		}
		return diag.Error(at, "No text can be made of this", fmt.Sprintf("What ${ } puts into a text is a string, number or bool, and this is %s.", is), "Write join(\", \", list), or jsonencode(value).")
	case "Iteration over null value", "Iteration over non-iterable value":
		return diag.Error(at, "for takes a list or a map", fmt.Sprintf("This is %s.", is), "Write, for example, [for x in [\"a\", \"b\"] : upper(x)].")
	case "Splat of null value":
		return diag.Error(at, "[*] of null", "There is no list whose items could be taken.", "")
	case "Not enough function arguments", "Too many function arguments":
		return arityError(d, at)
	case "Invalid function argument":
		return argumentError(d, at)
	case "Error in function call":
		return diag.Error(at, "A function rejects its arguments", callFailed.ReplaceAllString(d.Detail, "$1(): "), "")
	case "Invalid expanding argument value":
		return diag.Error(at, "... takes a list", fmt.Sprintf("This is %s.", is), "")
	case "Duplicate object key":
		return diag.Error(at, "One key twice in a for expression", "Two of its items have the same key.", "Make the keys differ, or write ... behind the value to gather them in lists.")
	case "Invalid object key", "Null value as key", "Incorrect key type":
		return diag.Error(at, "A key must be a string", fmt.Sprintf("This is %s.", is), "")
	case "Ambiguous attribute key":
		return diag.Error(at, "A key with a dot", "It may be a reference or a name.", "Write (reference) in parentheses, or \"a.name\" in quotation marks.")
	default:
		return accessError(d, at)
	}
}

var (
	callFailed = regexp.MustCompile(`^Call to function "([^"]*)" failed: `)
	forValue   = regexp.MustCompile(`^Invalid value for "([^"]*)" parameter: (.*)\.$`)
	wantedType = regexp.MustCompile(`^an? (number|string|bool) is required$|^(number|string|bool) required\b`)
)

func operandError(d *hcl.Diagnostic, at hcl.Range, is string) *hcl.Diagnostic {
	wanted, advice := "a number", "Write a number; tonumber() makes one of a text."
	if strings.Contains(d.Detail, "bool required") || strings.Contains(d.Detail, "a bool is required") {
		wanted, advice = "true or false", "Write a comparison, such as var.count > 0."
	}
	if is == "a string" && wanted == "a number" {
		advice = "Texts are put together in quotation marks: \"${a}${b}\"."
	}
	return diag.Error(at, "Wrong type for an operator", fmt.Sprintf("It takes %s, and this is %s.", wanted, is), advice)
}

func operationError(d *hcl.Diagnostic, at hcl.Range) *hcl.Diagnostic {
	if op, ok := d.Expression.(*hclsyntax.BinaryOpExpr); ok && strings.Contains(d.Detail, divisionByZero) {
		return diag.Error(op.RHS.Range(), "Division by zero", "The divisor is 0.", "Write another divisor, or a condition: x == 0 ? 0 : y / x.")
	}
	return diag.Error(at, "The result can't be calculated", fmt.Sprintf("Numbers go up to 10^%d.", numberLimit), "")
}

func arityError(d *hcl.Diagnostic, at hcl.Range) *hcl.Diagnostic {
	summary := "An argument is missing in a function call"
	if strings.HasPrefix(d.Summary, "Too many") {
		summary = "Too many arguments in a function call"
	}
	call, ok := d.Expression.(*hclsyntax.FunctionCallExpr)
	if !ok || d.EvalContext == nil {
		return diag.Error(at, summary, d.Detail, "")
	}
	for ctx := d.EvalContext; ctx != nil; ctx = ctx.Parent() {
		if f, ok := ctx.Functions[call.Name]; ok {
			var names []string
			for _, p := range f.Params() {
				names = append(names, p.Name)
			}
			if p := f.VarParam(); p != nil {
				names = append(names, p.Name+"…")
			}
			return diag.Error(at, summary, fmt.Sprintf("There are %d.", len(call.Args)), fmt.Sprintf("Write %s(%s).", call.Name, strings.Join(names, ", ")))
		}
	}
	return diag.Error(at, summary, d.Detail, "")
}

func argumentError(d *hcl.Diagnostic, at hcl.Range) *hcl.Diagnostic {
	const summary = "A function takes something else"
	function := "The function"
	if call, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallDiagExtra](d); ok {
		function = call.CalledFunctionName() + "()"
	}
	m := forValue.FindStringSubmatch(d.Detail)
	if m == nil {
		return diag.Error(at, summary, d.Detail, "")
	}
	if w := wantedType.FindStringSubmatch(m[2]); w != nil {
		wanted := map[string]string{"number": "a number", "string": "a string", "bool": "true or false"}[w[1]+w[2]]
		return diag.Error(at, summary, fmt.Sprintf("%s takes %s here.", function, wanted), "")
	}
	return diag.Error(at, summary, fmt.Sprintf("%s: %s.", function, m[2]), "")
}

// accessError explains an index or attribute that isn't there.
func accessError(d *hcl.Diagnostic, at hcl.Range) *hcl.Diagnostic {
	if e, ok := d.Expression.(*hclsyntax.ScopeTraversalExpr); ok && d.EvalContext != nil {
		if explained := stepError(e.Traversal, d.EvalContext, at); explained != nil {
			return explained
		}
	}
	switch {
	case d.Summary == "Invalid index" && strings.Contains(d.Detail, "negative number"):
		return diag.Error(at, "An index below 0", "The first item of a list is [0].", "For the last item, write list[length(list) - 1].")
	case d.Summary == "Invalid index" && strings.Contains(d.Detail, "fractional"):
		return diag.Error(at, "An index with a fraction", "Items are counted in whole numbers.", "")
	case d.Summary == "Invalid index" && strings.Contains(d.Detail, "greater than or equal"):
		return diag.Error(at, "The list has no such item", "The index is beyond its end. The first item is [0].", "")
	case d.Summary == "Invalid index" && strings.Contains(d.Detail, "no elements"):
		return diag.Error(at, "The list has no such item", "It is empty.", "")
	case d.Summary == "Invalid index" && strings.Contains(d.Detail, "does not have any indices"):
		return diag.Error(at, "Nothing to choose from", "Only a list or map has items, and this is neither.", "Remove the [ ].")
	case d.Summary == "Invalid index", d.Summary == "Unsupported attribute", d.Summary == "Missing map element":
		return diag.Error(at, "No such item", "The map or list has no such item, or the value is neither.", "")
	case strings.HasPrefix(d.Summary, "Attempt to "):
		return diag.Error(at, "An item of null", "The value isn't there, so it has no items.", "Write try(value, other), or a condition.")
	default:
		return d
	}
}

// stepError explains the step of a reference that leads nowhere.
func stepError(t hcl.Traversal, ctx *hcl.EvalContext, at hcl.Range) *hcl.Diagnostic {
	n := len(t) - 1
	for ; n > 0; n-- {
		if _, diags := t[:n].TraverseAbs(ctx); !diags.HasErrors() {
			break
		}
	}
	if n == 0 {
		return nil
	}
	from, _ := t[:n].TraverseAbs(ctx)
	switch name := stepName(t[n]); {
	case !from.IsKnown() || from.IsNull() || name == "":
		return nil
	case isMap(from):
		return diag.Error(at, fmt.Sprintf("No item %q", name), "The map has no item of this name.", diag.DidYouMean(name, keysOf(from)))
	case isList(from) && lengthOf(from) == 0:
		return diag.Error(at, fmt.Sprintf("No item [%s]", name), "The list is empty.", "")
	case isList(from) && !strings.HasPrefix(name, "-"):
		return diag.Error(at, fmt.Sprintf("No item [%s]", name), fmt.Sprintf("The list has %d, and the last is [%d].", lengthOf(from), lengthOf(from)-1), "")
	case isList(from):
		return nil
	default:
		return diag.Error(at, "Only lists and maps have items", fmt.Sprintf("This is %s.", describe(from)), fmt.Sprintf("Remove %s.", stepText(t[n])))
	}
}

func stepName(step hcl.Traverser) string {
	switch step := step.(type) {
	case hcl.TraverseAttr:
		return step.Name
	case hcl.TraverseIndex:
		name, _ := scalar(step.Key)
		return name
	default:
		return ""
	}
}

func stepText(step hcl.Traverser) string {
	if attr, ok := step.(hcl.TraverseAttr); ok {
		return "." + attr.Name
	}
	return "the [ ]"
}

// keysOf returns the names of a map's items.
func keysOf(v cty.Value) []string {
	if !v.IsKnown() || v.IsNull() || !isMap(v) {
		return nil
	}
	var keys []string
	for k := range items(v) {
		keys = append(keys, stringOf(k))
	}
	slices.Sort(keys)
	return keys
}
