package profile

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/emprops/machinectl/hcl/diag"
)

// outside is what expressions can see beyond the profile's own text: files, and the environment variables that the
// profile declares.
type outside struct {
	read func(path string) ([]byte, error)
	cost *cost
	dir  string               // of the file in which the expression stands that is being evaluated
	env  map[string]cty.Value // of environment blocks
}

// text reads a file whose path is relative to the file that names it.
func (o *outside) text(name string) (path, text string, err error) {
	path = name
	if !filepath.IsAbs(name) {
		path = filepath.Join(o.dir, name)
	}
	src, err := o.read(path)
	if wrong, _ := forShell(name); err != nil && wrong != "" {
		return path, "", function.NewArgErrorf(0, "%q can't be read: %s", name, strings.ToLower(wrong[:1])+strings.TrimSuffix(wrong[1:], "."))
	}
	if err != nil {
		return path, "", function.NewArgErrorf(0, "%s can't be read: %s", path, reason(err))
	}
	if d := cmp.Or(notText(src, path), refused(src, path)); d != nil {
		return path, "", function.NewArgErrorf(0, "%s: %s", path, d.Detail)
	}
	o.cost.spent += len(src)
	return path, string(src), nil
}

func (o *outside) fileFunc() function.Function {
	return function.New(&function.Spec{
		Description: "The content of a file, whose path is relative to the file with the call.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			_, text, err := o.text(stringOf(args[0]))
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			return cty.StringVal(text), nil
		},
	})
}

// templateFunc returns templatefile(path, vars). The file is a template that can refer to vars only.
func (o *outside) templateFunc(functions map[string]function.Function) function.Function {
	return function.New(&function.Spec{
		Description: "The content of a file as a template over the names in vars: ${name}, %{ for … }, %{ if … }.",
		Params:      []function.Parameter{{Name: "path", Type: cty.String}, {Name: "vars", Type: cty.DynamicPseudoType}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			path, text, err := o.text(stringOf(args[0]))
			if err != nil {
				return cty.UnknownVal(cty.String), err
			}
			if !isMap(args[1]) {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(1, "it is a map of the names that the template uses, and this is %s", describe(args[1]))
			}
			out, err := o.render(path, text, args[1], functions)
			return out, err
		},
	})
}

func (o *outside) render(path, text string, vars cty.Value, functions map[string]function.Function) (cty.Value, error) {
	if d := nestedTooDeeply([]byte(text), path, hcl.InitialPos); d != nil {
		return cty.UnknownVal(cty.String), inTemplate(hcl.Diagnostics{d})
	}
	expr, diags := hclsyntax.ParseTemplate([]byte(text), path, hcl.InitialPos)
	if diags.HasErrors() {
		diags = templateMistake([]byte(text), path, diags)
	} else {
		diags = append(diags, literals(expr)...)
	}
	if diags.HasErrors() {
		return cty.UnknownVal(cty.String), inTemplate(diags)
	}
	o.cost.guard(expr)
	ctx := &hcl.EvalContext{Functions: functions, Variables: map[string]cty.Value{}}
	for k, v := range items(vars) {
		ctx.Variables[stringOf(k)] = v
	}
	for _, t := range expr.Variables() {
		if _, ok := ctx.Variables[t.RootName()]; !ok {
			at := t.SourceRange()
			return cty.UnknownVal(cty.String), function.NewArgErrorf(1, "%s:%d uses %q, which isn't among them", path, at.Start.Line, t.RootName())
		}
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		return cty.UnknownVal(cty.String), inTemplate(unknownFunctions(diags, functions))
	}
	v, err := convert.Convert(v, cty.String)
	if err != nil || !v.IsKnown() || v.IsNull() {
		return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "%s gives no text", path)
	}
	return v, nil
}

// inTemplate returns the first error in a template file, with its place there.
func inTemplate(diags hcl.Diagnostics) error {
	i := slices.IndexFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError })
	d := diags[i]
	if d.Subject == nil {
		return function.NewArgError(0, errors.New(d.Summary))
	}
	return function.NewArgErrorf(0, "%s:%d: %s: %s", d.Subject.Filename, d.Subject.Start.Line, d.Summary, strings.TrimSuffix(d.Detail, "."))
}

// envFunc returns env(name), whose value is that of an environment variable that an environment block declares.
func (o *outside) envFunc() function.Function {
	return function.New(&function.Spec{
		Description: "The value of an environment variable that an environment block declares.",
		Params:      []function.Parameter{{Name: "name", Type: cty.String}},
		Type:        function.StaticReturnType(cty.String),
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			v, ok := o.env[stringOf(args[0])]
			if !ok {
				return cty.UnknownVal(cty.String), function.NewArgErrorf(0, "write environment %q {} to declare that the profile depends on it", stringOf(args[0]))
			}
			return v, nil
		},
	})
}

// declareEnvironment reads an environment block and looks its variable up.
func (l *loader) declareEnvironment(g *block, b *hclsyntax.Block) {
	name := b.Labels[0]
	if _, ok := l.scope.outside.env[name]; ok {
		l.report(diag.Error(b.DefRange(), fmt.Sprintf("Repeated environment %q", name), "It is already declared.", "Remove one of them."))
		return
	}
	if !envName.MatchString(name) {
		l.report(diag.Error(b.LabelRanges[0], fmt.Sprintf("%q is not a valid name of an environment variable", name), "It is letters, digits and underscores, and doesn't start with a digit.", ""))
		return
	}
	value, hidden := cty.NilVal, false
	if attr := b.Body.Attributes["sensitive"]; attr != nil {
		hidden = l.isSensitive(attr)
	}
	hidden = hidden || g.misspelt(b.Body, "sensitive")
	if attr := b.Body.Attributes["default"]; attr != nil && hidden {
		l.conceal.add(attr.Expr.Range())
	}
	for _, attr := range sortedAttributes(b.Body) {
		if l.argument(g, attr) == nil {
			continue
		}
		switch attr.Name {
		case "default":
			before := len(l.diags)
			value = l.constant(attr, cty.String)
			if hidden && len(l.diags) > before {
				l.diags = append(l.diags[:before], diag.Error(attr.Expr.Range(), "Wrong value for \"default\"", "It must be a text in quotes. "+unsaid, ""))
			}
		case "description":
			l.constant(attr, cty.String)
		}
	}
	for _, inner := range b.Body.Blocks {
		l.blockGrammar(g, inner)
	}
	if l.opts.Env != nil {
		if text, ok := l.opts.Env(name); ok {
			value = cty.StringVal(text)
		}
	}
	if value == cty.NilVal {
		l.report(diag.Error(b.DefRange(), fmt.Sprintf("The environment variable %s is not set", name), "It has no default here.", fmt.Sprintf("Set it, or write default = \"…\" in environment %q.", name)))
		value = cty.UnknownVal(cty.String)
	}
	if d := refusedText(value, name); d != nil {
		l.report(d)
		value = cty.UnknownVal(cty.String)
	}
	if hidden {
		if value.IsKnown() {
			l.sensitive.add(value)
		}
		value = value.Mark(sensitive{})
	}
	l.scope.outside.env[name] = value
}

// refusedText finds what no text of a profile may hold.
func refusedText(v cty.Value, name string) *hcl.Diagnostic {
	if !v.IsKnown() {
		return nil
	}
	d := refused([]byte(stringOf(v)), name)
	if d != nil {
		d.Subject = nil
	}
	return d
}
