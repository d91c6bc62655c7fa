package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// reader turns syntax into objects, by the grammar.
type reader struct {
	scope     *scope
	secrets   *secretTable
	sensitive *sensitiveSet
	diags     hcl.Diagnostics
}

func (r *reader) report(d *hcl.Diagnostic) { r.diags = append(r.diags, d) }

// object reads one block: form, names and types. What is missing is checked after inheritance.
func (r *reader) object(g *block, b *hclsyntax.Block) *object {
	o := &object{grammar: g, header: b.DefRange(), args: map[string]value{}}
	if len(b.Labels) > 0 {
		o.label = b.Labels[0]
	}
	if g.open {
		o.body, o.mask = r.body(g, b.Body, b.DefRange())
		return o
	}
	for _, attr := range sortedAttributes(b.Body) {
		switch a := r.argument(g, attr); {
		case a == nil:
			o.unknown(attr.Name, attr.NameRange, b.Body)
		case !a.literal:
			o.args[attr.Name] = r.value(a, attr)
		}
	}
	first := map[string]*hclsyntax.Block{}
	for _, inner := range b.Body.Blocks {
		if inner.Type == "dynamic" {
			good := r.dynamic(g, inner, func(made *hclsyntax.Block) { r.inner(o, made, first) })
			o.partial = o.partial || !good
			continue
		}
		r.inner(o, inner, first)
	}
	return o
}

// inner reads a block within another one.
func (r *reader) inner(o *object, b *hclsyntax.Block, first map[string]*hclsyntax.Block) {
	g := r.blockGrammar(o.grammar, b)
	if g == nil {
		o.unknown(b.Type, b.TypeRange, nil)
		return
	}
	key := g.name + "\x00" + strings.Join(b.Labels, "\x00")
	if earlier, ok := first[key]; ok && !g.many {
		r.report(repeatedBlock(g, b, earlier))
		i := slices.IndexFunc(o.blocks, func(o *object) bool { return o.grammar.name == g.name && (g.label == "" || o.label == b.Labels[0]) })
		if i >= 0 { // what only this one sets isn't missing
			o.blocks[i] = o.blocks[i].with(r.object(g, b))
		}
		return
	}
	first[key] = b
	o.blocks = append(o.blocks, r.object(g, b))
}

func repeatedBlock(g *block, b, earlier *hclsyntax.Block) *hcl.Diagnostic {
	what, advice := g.name, "Write everything into one block."
	if g.label != "" {
		what, advice = fmt.Sprintf("%s %q", g.name, b.Labels[0]), "Give one of them another name."
	}
	return diag.Error(b.DefRange(), fmt.Sprintf("Repeated %s", what),
		fmt.Sprintf("It is already declared, at %s:%d.", earlier.Range().Filename, earlier.Range().Start.Line), advice)
}

// argument finds an argument's grammar, or reports that there is none of this name.
func (r *reader) argument(g *block, attr *hclsyntax.Attribute) *argument {
	if a := g.arg(attr.Name); a != nil {
		return a
	}
	if g.child(attr.Name) != nil {
		r.report(diag.Error(attr.NameRange, fmt.Sprintf("%q is a block", attr.Name), "A block has no equals sign.",
			fmt.Sprintf("Write %s { … }.", attr.Name)))
		return nil
	}
	r.report(diag.Error(attr.NameRange, fmt.Sprintf("Unknown argument %q", attr.Name),
		fmt.Sprintf("A %s block has no argument of this name.", g.name), g.advice(attr.Name)))
	return nil
}

// blockGrammar finds the grammar of a block within a block of kind g, and checks its labels.
func (r *reader) blockGrammar(g *block, b *hclsyntax.Block) *block {
	c := g.child(b.Type)
	switch {
	case c == nil && g.arg(b.Type) != nil:
		r.report(diag.Error(b.TypeRange, fmt.Sprintf("%q is an argument", b.Type), "It is not a block.",
			fmt.Sprintf("Write %s = …", b.Type)))
		return nil
	case c == nil:
		where := fmt.Sprintf("A %s block has no block of this kind.", g.name)
		if g.name == "profile" {
			where = "A profile has project, variable, locals, environment, module, machine and pool blocks."
		}
		r.report(diag.Error(b.TypeRange, fmt.Sprintf("Unknown block %q", b.Type), where, g.advice(b.Type)))
		return nil
	case c.label == "" && len(b.Labels) > 0:
		r.report(diag.Error(b.LabelRanges[0], fmt.Sprintf("A %s block has no name", c.name), "", fmt.Sprintf("Write %s { … }.", c.name)))
		return nil
	case c.label != "" && len(b.Labels) == 0:
		r.report(diag.Error(b.TypeRange, fmt.Sprintf("The %s block needs a name", c.name), "", fmt.Sprintf("Write %s \"<%s>\" { … }.", c.name, c.label)))
		return nil
	case len(b.Labels) > 1:
		r.report(diag.Error(b.LabelRanges[1], fmt.Sprintf("A %s block has one name only", c.name), "", fmt.Sprintf("Write %s \"<%s>\" { … }.", c.name, c.label)))
		return nil
	}
	if c.label != "" && !c.anyLabel {
		if d := checkName(c.name, b.Labels[0], b.LabelRanges[0]); d != nil {
			r.report(d)
		}
	}
	return c
}

// names returns the names of the arguments and blocks that a block may contain.
func (b *block) names() []string {
	return append(b.argNames(), b.childNames()...)
}

// value evaluates an argument and gives it the type the grammar asks for.
func (r *reader) value(a *argument, attr *hclsyntax.Attribute) value {
	out := value{at: attr.Expr.Range(), name: attr.NameRange, bad: true}
	v, diags := r.scope.eval(attr.Expr, roots{variables: true, locals: true, machines: a.typ == typeMachine, runtime: a.runtime})
	r.diags = append(r.diags, diags...)
	if diags.HasErrors() {
		return out
	}
	out.keys = itemRanges(attr.Expr)
	if isSensitive(v) {
		return r.sensitiveValue(a, v, out)
	}
	if !v.IsWhollyKnown() {
		return out
	}
	if v.IsNull() {
		out.bad, out.null = false, true
		return out
	}
	typed, problems := r.convert(a, v, out)
	for _, p := range problems {
		r.report(p)
	}
	out.v, out.bad = typed, len(problems) > 0
	return out
}

// itemRanges finds where the items of a map stand, where it is written as { key = value }, or the texts of a list, where it
// is written as ["text"].
func itemRanges(expr hclsyntax.Expression) map[string]hcl.Range {
	if list, ok := expr.(*hclsyntax.TupleConsExpr); ok {
		return textRanges(list)
	}
	cons, ok := expr.(*hclsyntax.ObjectConsExpr)
	if !ok {
		return nil
	}
	ranges := make(map[string]hcl.Range, len(cons.Items))
	for _, item := range cons.Items {
		key, diags := item.KeyExpr.Value(nil)
		if diags.HasErrors() || !key.IsKnown() || key.IsNull() || key.Type() != cty.String {
			continue
		}
		ranges[stringOf(key)] = hcl.RangeBetween(item.KeyExpr.Range(), item.ValueExpr.Range())
	}
	return ranges
}

func textRanges(list *hclsyntax.TupleConsExpr) map[string]hcl.Range {
	ranges := make(map[string]hcl.Range, len(list.Exprs))
	for _, expr := range list.Exprs {
		template, ok := expr.(*hclsyntax.TemplateExpr)
		if !ok || !template.IsStringLiteral() {
			continue
		}
		if v, diags := template.Value(nil); !diags.HasErrors() {
			ranges[stringOf(v)] = template.Range()
		}
	}
	return ranges
}
