package profile

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// givenValue is a variable's value from outside of the profile.
type givenValue struct {
	value cty.Value
	at    hcl.Range
	bad   bool
}

// variableValues collects the values from the environment, files and options. The last value of a name wins.
func (l *loader) variableValues() map[string]givenValue {
	if l.given != nil {
		return l.moduleInputs()
	}
	given := map[string]givenValue{}
	if l.opts.Env != nil {
		for _, v := range l.variables {
			if text, ok := l.opts.Env(VarEnvPrefix + v.name); ok {
				given[v.name] = l.textValue(v, VarEnvPrefix+v.name, text)
			}
		}
	}
	for _, path := range l.opts.VarFiles {
		l.variableFile(path, given)
	}
	for _, name := range slices.Sorted(maps.Keys(l.opts.Vars)) {
		source := "-var " + name
		if v := l.variable(name); v != nil {
			given[name] = l.textValue(v, source, l.opts.Vars[name])
			continue
		}
		l.report(diag.Error(hcl.Range{}, fmt.Sprintf("Unknown variable %q", name), fmt.Sprintf("%s names a variable that the profile doesn't declare.", source),
			diag.DidYouMean(name, l.variableNames())))
	}
	return given
}

// moduleInputs returns the values that a module block sets.
func (l *loader) moduleInputs() map[string]givenValue {
	for _, name := range slices.Sorted(maps.Keys(l.given)) {
		g := l.given[name]
		v := l.variable(name)
		switch {
		case v == nil:
			l.report(diag.Error(g.at, fmt.Sprintf("Unknown variable %q", name), "The module doesn't declare it.", diag.DidYouMean(name, l.variableNames())))
		case !g.bad && !v.broken:
			if v.sensitive {
				l.conceal.add(g.at) // it may be written there
			}
			l.given[name] = l.typedValue(v, g.value, g.at)
		}
	}
	return l.given
}

func (l *loader) variable(name string) *variable {
	if i := slices.IndexFunc(l.variables, func(v *variable) bool { return v.name == name }); i >= 0 {
		return l.variables[i]
	}
	return nil
}

func (l *loader) variableNames() []string {
	names := make([]string, len(l.variables))
	for i, v := range l.variables {
		names[i] = v.name
	}
	return names
}

// textValue reads a value given as text: the text itself for strings, an expression for everything else.
func (l *loader) textValue(v *variable, source, text string) givenValue {
	if v.broken {
		return givenValue{bad: true}
	}
	v.text, v.textFrom = text, source
	l.keep(source, []byte(text))
	at := hcl.Range{Filename: source, Start: hcl.InitialPos, End: hcl.Pos{Line: 1, Column: len(text) + 1, Byte: len(text)}}
	if v.sensitive {
		l.sensitive.add(cty.StringVal(text))
		l.conceal.add(at)
	}
	value := cty.StringVal(text)
	if d := refused([]byte(text), source); d != nil {
		l.report(d)
		return givenValue{bad: true}
	}
	if v.typ != cty.String && v.typ != cty.DynamicPseudoType {
		if d := nestedTooDeeply([]byte(text), source, hcl.InitialPos); d != nil {
			l.report(d)
			return givenValue{bad: true}
		}
		expr, diags := hclsyntax.ParseExpression([]byte(text), source, hcl.InitialPos)
		if diags.HasErrors() {
			diags = hcl.Diagnostics{passage{src: []byte(text), name: source, start: hcl.InitialPos}.cause(diags)}
		}
		if !diags.HasErrors() {
			diags = append(diags, literals(expr)...)
		}
		if !diags.HasErrors() {
			l.scope.outside.cost.guard(expr)
			var more hcl.Diagnostics
			value, more = l.scope.eval(expr, roots{})
			diags = append(diags, more...)
		}
		if diags.HasErrors() {
			l.wrongValue(v, at, diags)
			return givenValue{bad: true}
		}
	}
	return l.typedValue(v, value, at)
}

// concealFile hides a file of variables, except the values of those that are not sensitive. Everything else may be the value
// of a sensitive one, under a wrong name or in the wrong place.
func (l *loader) concealFile(path string, src []byte, body *hclsyntax.Body) {
	hidden := allLines(src)
	for _, attr := range body.Attributes {
		if v := l.variable(attr.Name); v != nil && !v.sensitive {
			for line := attr.SrcRange.Start.Line; line <= attr.SrcRange.End.Line; line++ {
				delete(hidden, line)
			}
		}
	}
	for line := range hidden {
		l.conceal.addLine(path, line)
	}
}

// wrongValue reports that the text of a variable's value can't be evaluated.
func (l *loader) wrongValue(v *variable, at hcl.Range, diags hcl.Diagnostics) {
	if !v.sensitive {
		l.diags = append(l.diags, diags...)
		return
	}
	l.report(diag.Error(at, fmt.Sprintf("Wrong value for variable %q", v.name), "It must be a constant, with its texts in quotes. "+unsaid, ""))
}

func (l *loader) anySensitive() bool {
	return slices.ContainsFunc(l.variables, func(v *variable) bool { return v.sensitive })
}

func (l *loader) typedValue(v *variable, value cty.Value, at hcl.Range) givenValue {
	value, d := v.convert(value, at)
	if d != nil {
		l.report(d)
	}
	return givenValue{value: value, at: at, bad: d != nil}
}

// variableFile reads a file of `name = constant`.
func (l *loader) variableFile(path string, given map[string]givenValue) {
	src, err := l.readFile(path)
	if err != nil {
		l.report(unreadable(path, err))
		return
	}
	l.keep(path, src)
	said := len(l.diags)
	body, ok := l.parse(path)
	if !ok {
		if l.anySensitive() {
			l.conceal.add(wholeOf(path, src))
			silence(l.diags[said:], allLines(src))
		}
		for _, v := range l.variables { // any of them may be meant to be in there
			given[v.name] = givenValue{bad: true}
		}
		return
	}
	if l.anySensitive() {
		l.concealFile(path, src, body)
	}
	for _, b := range body.Blocks {
		l.report(diag.Error(b.DefRange(), "Block in a file of variables", "A file of variables has lines of the form name = value.",
			"If this is a profile, name it without -var-file."))
	}
	for _, attr := range sortedAttributes(body) {
		v := l.variable(attr.Name)
		if v == nil {
			l.report(diag.Error(attr.NameRange, fmt.Sprintf("Unknown variable %q", attr.Name), "The profile doesn't declare it.",
				diag.DidYouMean(attr.Name, l.variableNames())))
			continue
		}
		if v.broken {
			given[v.name] = givenValue{bad: true}
			continue
		}
		value, diags := l.scope.eval(attr.Expr, roots{})
		if diags.HasErrors() {
			l.wrongValue(v, attr.Expr.Range(), diags)
			given[v.name] = givenValue{bad: true}
			continue
		}
		v.textFrom = "" // the file wins
		given[v.name] = l.typedValue(v, value, attr.Expr.Range())
	}
}
