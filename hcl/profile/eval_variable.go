package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/ext/typeexpr"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/emprops/machinectl/hcl/diag"
)

// variable is a variable block.
type variable struct {
	name       string
	header     hcl.Range
	label      hcl.Range
	typ        cty.Type // DynamicPseudoType where none is given
	defaults   *typeexpr.Defaults
	fallback   cty.Value // NilVal: a value must be given
	sensitive  bool
	validation []validation
	broken     bool // its declaration has errors

	text, textFrom string // the value that -var or the environment gives, and which of them
}

type validation struct {
	condition hclsyntax.Expression
	message   hclsyntax.Expression
}

func (l *loader) declareVariable(g *block, b *hclsyntax.Block) {
	v := &variable{name: b.Labels[0], header: b.DefRange(), label: b.LabelRanges[0], typ: cty.DynamicPseudoType}
	if i := slices.IndexFunc(l.variables, func(o *variable) bool { return o.name == v.name }); i >= 0 {
		l.report(diag.Error(b.DefRange(), fmt.Sprintf("Repeated variable %q", v.name),
			fmt.Sprintf("It is already declared, at %s:%d.", l.variables[i].header.Filename, l.variables[i].header.Start.Line), "Give one of them another name."))
		l.scope.lost["var"] = true
		return
	}
	l.variables = append(l.variables, v)
	before := len(l.diags)
	if attr := b.Body.Attributes["sensitive"]; attr != nil { // first: what is said of the default depends on it
		v.sensitive = l.isSensitive(attr)
	}
	v.sensitive = v.sensitive || g.misspelt(b.Body, "sensitive")
	if attr := b.Body.Attributes["default"]; attr != nil && v.sensitive {
		l.conceal.add(attr.Expr.Range())
	}
	for _, attr := range sortedAttributes(b.Body) {
		if l.argument(g, attr) != nil {
			l.variableArgument(v, attr)
		}
	}
	for _, inner := range b.Body.Blocks {
		if vg := l.blockGrammar(g, inner); vg != nil {
			l.declareValidation(v, vg, inner)
		}
	}
	v.broken = l.diags[before:].HasErrors()
	if !v.broken && v.fallback != cty.NilVal {
		value, d := v.convert(v.fallback, b.Body.Attributes["default"].Expr.Range())
		if d != nil {
			l.report(d)
			v.broken = true
		}
		v.fallback = value
	}
}

func (l *loader) variableArgument(v *variable, attr *hclsyntax.Attribute) {
	switch attr.Name {
	case "type":
		t, defaults, diags := typeexpr.TypeConstraintWithDefaults(attr.Expr)
		for _, d := range diags {
			l.report(diag.Error(*d.Subject, d.Summary, d.Detail, l.knownTypes(*d.Subject)))
		}
		if !diags.HasErrors() {
			v.typ, v.defaults = t, defaults
		}
	case "default":
		value, diags := l.scope.eval(attr.Expr, roots{})
		if diags.HasErrors() {
			l.wrongValue(v, attr.Expr.Range(), diags)
		}
		v.fallback = value
	case "description":
		l.constant(attr, cty.String)
	}
}

// isSensitive returns the value of a sensitive argument. It returns true for a wrong value, which may be meant as true.
func (l *loader) isSensitive(attr *hclsyntax.Attribute) bool {
	before := len(l.diags)
	return boolOf(l.constant(attr, cty.Bool)) || len(l.diags) > before
}

// knownTypes returns advice for something that is not a type.
func (l *loader) knownTypes(at hcl.Range) string {
	written := string(at.SliceBytes(l.sources[at.Filename]))
	return diag.DidYouMean(written, []string{"string", "number", "bool", "any", "list", "set", "map", "object", "tuple", "optional"})
}

// constant evaluates an argument that must be a constant of that type; after an error it is the type's zero.
func (l *loader) constant(attr *hclsyntax.Attribute, want cty.Type) cty.Value {
	v, diags := l.scope.eval(attr.Expr, roots{})
	l.diags = append(l.diags, diags...)
	if !diags.HasErrors() && v.IsWhollyKnown() && !v.IsNull() && v.Type() == want && !isSensitive(v) {
		return v
	}
	if !diags.HasErrors() && isSensitive(v) {
		l.report(refuseSensitive(attr.Name, attr.Expr.Range()))
	} else if !diags.HasErrors() {
		l.report(diag.Error(attr.Expr.Range(), fmt.Sprintf("Wrong type for %q", attr.Name), fmt.Sprintf("It takes a %s.", want.FriendlyName()), ""))
	}
	if want == cty.Bool {
		return cty.False
	}
	return cty.StringVal("")
}

func (l *loader) declareValidation(v *variable, g *block, b *hclsyntax.Block) {
	found := map[string]hclsyntax.Expression{}
	for _, attr := range sortedAttributes(b.Body) {
		if l.argument(g, attr) != nil {
			found[attr.Name] = attr.Expr
		}
	}
	complete := true
	for _, a := range g.args {
		if found[a.name] != nil {
			continue
		}
		complete = false
		if !g.misspelt(b.Body, a.name) {
			l.report(missing(g, &a, b.DefRange()))
		}
	}
	if !complete {
		return
	}
	v.validation = append(v.validation, validation{found["condition"], found["error_message"]})
}

// convert gives a value the variable's type.
func (v *variable) convert(value cty.Value, at hcl.Range) (cty.Value, *hcl.Diagnostic) {
	if v.defaults != nil && !value.IsNull() && value.IsKnown() {
		value = v.defaults.Apply(value)
	}
	out, err := convert.Convert(value, v.typ)
	if err == nil && immense(out) {
		return cty.DynamicVal, diag.Error(at, "The number is too large", fmt.Sprintf("Numbers go up to 10^%d.", numberLimit), "")
	}
	if err != nil && (v.sensitive || isSensitive(value)) {
		return cty.DynamicVal, diag.Error(at, fmt.Sprintf("Wrong type for variable %q", v.name),
			fmt.Sprintf("It is declared as %s. %s", typeexpr.TypeString(v.typ), unsaid), "")
	}
	if err != nil {
		return cty.DynamicVal, diag.Error(at, fmt.Sprintf("Wrong type for variable %q", v.name),
			fmt.Sprintf("It is declared as %s: %s.", typeexpr.TypeString(v.typ), err), "")
	}
	return out, nil
}

// evaluateVariables gives each variable its value and then checks the values: a condition may name variables that are declared
// after its own.
func (l *loader) evaluateVariables() {
	given := l.variableValues()
	places := map[*variable]hcl.Range{}
	for _, v := range l.variables {
		value, at := l.valueOf(v, given)
		l.scope.setVariable(v.name, value)
		places[v] = at
	}
	// Conditions about other variables come last: where such a variable's own condition refuses its value, they are silent.
	for _, others := range []bool{false, true} {
		for _, v := range l.variables {
			if v.namesOthers() == others && !l.validate(v, places[v]) {
				l.scope.setVariable(v.name, cty.DynamicVal)
			}
		}
	}
}

// valueOf returns a variable's value and where it is given. The value is unknown if something is wrong with it, which is then
// reported.
func (l *loader) valueOf(v *variable, given map[string]givenValue) (cty.Value, hcl.Range) {
	value, at := v.fallback, v.header
	if g, ok := given[v.name]; ok {
		value, at = g.value, g.at
		if g.bad {
			return cty.DynamicVal, at
		}
		if d := v.untypedText(at); d != nil {
			l.report(d)
			return cty.DynamicVal, at
		}
	}
	switch {
	case v.broken:
		return cty.DynamicVal, at
	case value == cty.NilVal:
		l.report(diag.Error(v.header, fmt.Sprintf("No value for variable %q", v.name), "It has no default and is not set.",
			l.giveAdvice(v.name)))
		return cty.DynamicVal, at
	case v.sensitive:
		l.sensitive.add(value)
		value = value.Mark(sensitive{})
	}
	return value, at
}

// namesOthers reports whether a validation block of the variable names other variables.
func (v *variable) namesOthers() bool {
	return slices.ContainsFunc(v.validation, func(rule validation) bool {
		return slices.ContainsFunc(append(rule.condition.Variables(), rule.message.Variables()...), func(t hcl.Traversal) bool {
			name, _ := member(t)
			return t.RootName() == "var" && name != v.name
		})
	})
}

func (l *loader) giveAdvice(name string) string {
	if l.given != nil {
		return fmt.Sprintf("Write inputs = { %s = … } in the module block.", name)
	}
	return fmt.Sprintf("Give it one with -var %s=…, in a -var-file, or with %s%s in the environment.", name, VarEnvPrefix, name)
}

// messageNotShown takes the place of an error message that calculates with sensitive values.
const messageNotShown = "A validation block refuses it. Its message isn't shown, because it calculates with sensitive values."

// withoutSensitive returns an error message in which "(sensitive)" stands for each sensitive value that it quotes. If it does
// anything else with one, it is not shown.
func (l *loader) withoutSensitive(expr hclsyntax.Expression, message cty.Value) cty.Value {
	if !isSensitive(message) {
		return message
	}
	text, ok := l.quoted(expr)
	if !ok {
		return cty.StringVal(messageNotShown)
	}
	return cty.StringVal(text)
}

// quoted returns the text of a template, with a placeholder for sensitive values that are in it as they are. The second result
// is false if there is another use of them.
func (l *loader) quoted(expr hclsyntax.Expression) (string, bool) {
	switch e := expr.(type) {
	case *counted:
		return l.quoted(e.Expression)
	case *hclsyntax.ParenthesesExpr:
		return l.quoted(e.Expression)
	case *hclsyntax.TemplateWrapExpr:
		return l.quoted(e.Wrapped)
	case *hclsyntax.TemplateExpr:
		var text strings.Builder
		for _, part := range e.Parts {
			piece, ok := l.quoted(part)
			if !ok {
				return "", false
			}
			text.WriteString(piece)
		}
		return text.String(), true
	}
	value, diags := l.scope.eval(expr, roots{variables: true})
	if isSensitive(value) {
		_, plain := expr.(*hclsyntax.ScopeTraversalExpr)
		return "(sensitive)", plain
	}
	value, err := convert.Convert(value, cty.String)
	if diags.HasErrors() || err != nil || !value.IsKnown() || value.IsNull() {
		return "", false
	}
	return stringOf(value), true
}

// validate checks a variable's value against its validation blocks.
func (l *loader) validate(v *variable, at hcl.Range) bool {
	good := true
	used := l.scope.used[v.name] // its own condition does not count
	for _, rule := range v.validation {
		ok, diags := l.scope.eval(rule.condition, roots{variables: true})
		message, more := l.scope.eval(rule.message, roots{variables: true})
		if diags = append(diags, more...); diags.HasErrors() {
			l.diags = append(l.diags, diags...)
			good = false
			continue
		}
		ok, _ = ok.UnmarkDeep()
		message = l.withoutSensitive(rule.message, message)
		switch {
		case !ok.IsWhollyKnown() || !message.IsWhollyKnown(): // depends on something that has been reported
		case ok.IsNull() || ok.Type() != cty.Bool:
			l.report(diag.Error(rule.condition.Range(), "The condition is neither true nor false", "", ""))
			good = false
		case message.IsNull() || message.Type() != cty.String:
			l.report(diag.Error(rule.message.Range(), "The error message is not a string", "", ""))
			good = false
		case !boolOf(ok):
			l.report(diag.Error(at, fmt.Sprintf("Invalid value for variable %q", v.name), stringOf(message), ""))
			good = false
		}
	}
	l.scope.used[v.name] = used
	return good
}
