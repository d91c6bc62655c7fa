package profile

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// deepest is how far modules may use modules.
const deepest = 8

// module reads the profile of a module block's directory. What is in there sees its own variables, locals, machines and
// environment blocks only; from here it gets values for its variables, and here its machines are module.<name>.machine.<name>.
// Its machines and pools belong to this profile, with the module's name before theirs.
func (l *loader) module(g *block, b *hclsyntax.Block) {
	name := b.Labels[0]
	l.scope.modules[name] = cty.DynamicVal
	var source string
	var inputs *hclsyntax.Attribute
	for _, attr := range sortedAttributes(b.Body) {
		switch a := l.argument(g, attr); {
		case a == nil:
		case a.name == "source":
			source = stringOf(l.constant(attr, cty.String))
		default:
			inputs = attr
		}
	}
	for _, inner := range b.Body.Blocks {
		l.blockGrammar(g, inner)
	}
	at := b.Body.Attributes["source"]
	if at == nil {
		if g.misspelt(b.Body, "source") {
			return
		}
		l.report(missing(g, g.arg("source"), b.DefRange()))
		return
	}
	dir := filepath.Join(filepath.Dir(b.DefRange().Filename), source)
	switch {
	case !strings.HasPrefix(source, "./") && !strings.HasPrefix(source, "../"):
		if wrong, _ := forShell(source); wrong != "" {
			l.report(diag.Error(at.Expr.Range(), fmt.Sprintf("%q is not a module directory", source), wrong, "Write a path relative to this file, which starts with ./ or ../."))
		} else if source != "" || len(at.Expr.Variables()) == 0 {
			l.report(diag.Error(at.Expr.Range(), fmt.Sprintf("%q is not a module directory", source), "It is a path relative to this file, and starts with ./ or ../.", fmt.Sprintf("Write source = %q.", "./"+strings.TrimLeft(source, "/"))))
		}
		return
	case slices.Contains(l.within, dir):
		l.report(diag.Error(at.Expr.Range(), "Modules use each other in a circle", fmt.Sprintf("%s is being read already.", dir), "Take one of the module blocks out."))
		return
	case len(l.within) >= deepest:
		l.report(diag.Error(at.Expr.Range(), "Modules are nested too deeply", fmt.Sprintf("The most is %d.", deepest), ""))
		return
	}
	l.readModule(name, dir, at.Expr.Range(), inputs)
}

// hiddenInputs conceals where the inputs of a module say what sensitive variables of it are to be, before they are evaluated:
// what is wrong with them is said without their text. A name that the module doesn't have may be meant to be one of those.
func (l *loader) hiddenInputs(attr *hclsyntax.Attribute, bodies []*hclsyntax.Body) (hidden []hcl.Range) {
	variables := declaredVariables(bodies)
	if attr == nil || !slices.Contains(slices.Collect(maps.Values(variables)), true) {
		return nil
	}
	where := itemRanges(attr.Expr)
	if cons, ok := attr.Expr.(*hclsyntax.ObjectConsExpr); !ok || len(where) < len(cons.Items) {
		hidden = append(hidden, attr.Expr.Range())
	} else {
		for name, at := range where {
			if isSensitive, known := variables[name]; isSensitive || !known {
				hidden = append(hidden, at)
			}
		}
	}
	for _, at := range hidden {
		l.conceal.add(at)
	}
	return hidden
}

// declaredVariables returns the names of the variables in files, and whether each is, or may be, sensitive.
func declaredVariables(bodies []*hclsyntax.Body) map[string]bool {
	variables := map[string]bool{}
	for _, body := range bodies {
		for _, b := range body.Blocks {
			if b.Type == "variable" && len(b.Labels) > 0 {
				variables[b.Labels[0]] = slices.ContainsFunc(sortedAttributes(b.Body), maySayItIsSensitive)
			}
		}
	}
	return variables
}

func maySayItIsSensitive(attr *hclsyntax.Attribute) bool {
	v, diags := attr.Expr.Value(nil)
	return strings.HasPrefix(attr.Name, "sens") && (diags.HasErrors() || !v.RawEquals(cty.False))
}

// inputs evaluates a module's inputs.
func (l *loader) inputs(attr *hclsyntax.Attribute, hidden []hcl.Range) (map[string]givenValue, bool) {
	given := map[string]givenValue{}
	if attr == nil {
		return given, true
	}
	v, diags := l.scope.eval(attr.Expr, roots{variables: true, locals: true})
	for _, d := range diags {
		if d.Subject != nil && slices.ContainsFunc(hidden, func(at hcl.Range) bool { return at.Overlaps(*d.Subject) || at.ContainsPos(d.Subject.Start) }) {
			d = diag.Error(*d.Subject, "Wrong value for a sensitive variable of the module", unsaid, "A text stands in quotation marks.")
		}
		l.report(d)
	}
	if diags.HasErrors() || !v.IsKnown() {
		return nil, false
	}
	if v.IsMarked() {
		l.report(refuseSensitiveNames("inputs", attr.Expr.Range()))
		return nil, false
	}
	if v.IsNull() || !isMap(v) {
		l.report(diag.Error(attr.Expr.Range(), "Wrong type for \"inputs\"", "It takes a map of values by the names of the module's variables.", "Write inputs = { name = value }."))
		return nil, false
	}
	where := itemRanges(attr.Expr)
	for k, e := range items(v) {
		at, ok := where[stringOf(k)]
		if !ok {
			at = attr.Expr.Range()
		}
		given[stringOf(k)] = givenValue{value: e, at: at, bad: !e.IsKnown()}
	}
	return given, true
}

func (l *loader) readModule(name, dir string, at hcl.Range, inputs *hclsyntax.Attribute) {
	sub := newLoader(Options{FS: l.opts.FS, Env: l.opts.Env})
	sub.secrets, sub.sensitive, sub.sources, sub.conceal = l.secrets, l.sensitive, l.sources, l.conceal
	sub.scope = newScope(l.secrets, &outside{read: l.readFile, cost: l.scope.outside.cost, env: map[string]cty.Value{}})
	sub.prefix, sub.within = l.prefix+name+"-", append(slices.Clone(l.within), dir)
	if info, err := sub.stat(dir); err != nil {
		l.report(diag.Error(at, "Unreadable module", fmt.Sprintf("%s can't be read: %s.", dir, reason(err)), ""))
		return
	} else if !info.IsDir() {
		l.report(diag.Error(at, "The module is not a directory", fmt.Sprintf("%s is a file.", dir), fmt.Sprintf("Write source = %q for all profile files beside it.", "./"+filepath.Dir(dir))))
		return
	}
	sub.addPath(dir)
	bodies, ok := sub.parseAll()
	if !ok && inputs != nil {
		l.conceal.add(inputs.Expr.Range()) // which of them is sensitive can't be told
	}
	if ok {
		if sub.given, ok = l.inputs(inputs, l.hiddenInputs(inputs, bodies)); !ok {
			return
		}
		sub.read(bodies)
		l.machines, l.pools = append(l.machines, sub.machines...), append(l.pools, sub.pools...)
		l.empty = append(l.empty, sub.empty...)
		machines := cty.EmptyObjectVal
		if len(sub.scope.machines) > 0 {
			machines = cty.ObjectVal(sub.scope.machines)
		}
		l.scope.modules[name] = cty.ObjectVal(map[string]cty.Value{"machine": machines})
		if !sub.diags.HasErrors() {
			sub.warnVariables()
		}
	}
	l.order = append(l.order, sub.order...)
	for _, d := range sub.diags {
		if d.Subject == nil {
			d.Subject = &at
		}
		l.report(d)
	}
}
