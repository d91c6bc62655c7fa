package profile

import (
	"fmt"
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
		if source != "" || len(at.Expr.Variables()) == 0 {
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
	given, ok := l.inputs(inputs)
	if !ok {
		return
	}
	l.readModule(name, dir, at.Expr.Range(), given)
}

// inputs evaluates a module's inputs.
func (l *loader) inputs(attr *hclsyntax.Attribute) (map[string]givenValue, bool) {
	given := map[string]givenValue{}
	if attr == nil {
		return given, true
	}
	v, diags := l.scope.eval(attr.Expr, roots{variables: true, locals: true})
	l.diags = append(l.diags, diags...)
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

func (l *loader) readModule(name, dir string, at hcl.Range, given map[string]givenValue) {
	sub := newLoader(Options{FS: l.opts.FS, Env: l.opts.Env})
	sub.secrets, sub.sensitive, sub.sources, sub.conceal = l.secrets, l.sensitive, l.sources, l.conceal
	sub.scope = newScope(l.secrets, &outside{read: l.readFile, cost: l.scope.outside.cost, env: map[string]cty.Value{}})
	sub.prefix, sub.within, sub.given = l.prefix+name+"-", append(slices.Clone(l.within), dir), given
	if info, err := sub.stat(dir); err != nil {
		l.report(diag.Error(at, "Unreadable module", fmt.Sprintf("%s can't be read: %s.", dir, reason(err)), ""))
		return
	} else if !info.IsDir() {
		l.report(diag.Error(at, "The module is not a directory", fmt.Sprintf("%s is a file.", dir), fmt.Sprintf("Write source = %q for all profile files beside it.", "./"+filepath.Dir(dir))))
		return
	}
	sub.addPath(dir)
	if bodies, ok := sub.parseAll(); ok {
		sub.read(bodies)
		l.machines, l.pools = append(l.machines, sub.machines...), append(l.pools, sub.pools...)
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
