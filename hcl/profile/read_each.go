package profile

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// mostInstances is how many blocks one for_each may make.
const mostInstances = 10_000

// item is what a for_each goes over: one block is made for each.
type item struct {
	key   string // after the block's name: of a map its key, of a list of strings the string
	value cty.Value
}

// items evaluates a for_each. If positions is set, the key of a list's item is its position; otherwise the items must be
// different strings. ok is false after an error, and if the value depends on something already reported.
func (r *reader) items(expr hclsyntax.Expression, positions bool) (list []item, ok bool) {
	v, diags := r.scope.eval(expr, roots{variables: true, locals: true})
	r.diags = append(r.diags, diags...)
	if diags.HasErrors() {
		return nil, false
	}
	if v.IsMarked() && v.IsKnown() {
		r.report(sensitiveForEach(expr.Range()))
		return nil, false
	}
	switch {
	case !v.IsKnown():
		return nil, false
	case v.IsNull() || !isList(v) && !isMap(v):
		detail := "It is null."
		if !v.IsNull() {
			detail = fmt.Sprintf("This is %s.", describe(v))
		}
		r.report(diag.Error(expr.Range(), "for_each takes a map or a list", detail, "Write, for example, for_each = [\"a\", \"b\"] or { a = 1, b = 2 }."))
		return nil, false
	case lengthOf(v) > mostInstances:
		r.report(diag.Error(expr.Range(), "Too many items", fmt.Sprintf("There are %d, and the most is %d.", lengthOf(v), mostInstances), ""))
		return nil, false
	}
	seen := map[string]bool{}
	for k, e := range items(v) {
		one := item{value: e}
		switch text, isText := scalar(e); {
		case isMap(v):
			one.key = stringOf(k)
		case positions:
			one.key = fmt.Sprint(len(list))
		case isText && isSensitive(e):
			r.report(sensitiveForEach(expr.Range()))
			return nil, false
		case isText && !seen[text]:
			one.key = text
		case isText:
			r.report(diag.Error(expr.Range(), fmt.Sprintf("%q is listed twice", text), "Each item makes a block of its own name.", "Remove one of them."))
			return nil, false
		default:
			r.report(diag.Error(expr.Range(), "The items have no names", "The items of the list must be strings here, because they become part of names.", "Write a map: for_each = { name = … }."))
			return nil, false
		}
		seen[one.key] = true
		list = append(list, one)
	}
	return list, true
}

func sensitiveForEach(at hcl.Range) *hcl.Diagnostic {
	return diag.Error(at, "for_each over a sensitive value", "The names of the blocks that it makes would show the value.", "Iterate over names, and look up the values by name.")
}

// with evaluates under an iterator: each.key and each.value, or those of a dynamic block.
func (r *reader) with(iterator string, one item, f func()) {
	outer, nested := r.scope.iterators[iterator]
	r.scope.iterators[iterator] = cty.ObjectVal(map[string]cty.Value{"key": cty.StringVal(one.key), "value": one.value})
	f()
	if nested {
		r.scope.iterators[iterator] = outer
		return
	}
	delete(r.scope.iterators, iterator)
}

// instances reads a machine or pool block: once, or with for_each once per item.
func (l *loader) instances(g *block, b *hclsyntax.Block) []declared {
	attr, ok := b.Body.Attributes["for_each"]
	reported := checkName(g.name, b.Labels[0], b.LabelRanges[0]) != nil // the names of its instances follow from it
	if !ok {
		if g.misspelt(b.Body, "for_each") {
			l.with("each", item{value: cty.DynamicVal}, func() { l.object(g, b) }) // for what else is wrong in it
			return nil
		}
		if d := checkName(g.name, l.prefix+b.Labels[0], b.LabelRanges[0]); d != nil && !reported {
			l.report(d)
		}
		return []declared{{l.prefix + b.Labels[0], l.object(g, b)}}
	}
	list, ok := l.items(attr.Expr, false)
	if !ok {
		return nil
	}
	var out []declared
	for _, one := range list {
		name := l.prefix + b.Labels[0] + "-" + one.key
		if d := checkName(g.name, name, attr.Expr.Range()); d != nil && !reported {
			l.report(d)
			continue
		}
		l.with("each", one, func() { out = append(out, declared{name, l.object(g, b)}) })
	}
	return out
}

// emptyFor reports whether a block made nothing because its for_each is empty.
func (l *loader) emptyFor(b *hclsyntax.Block, made []declared) bool {
	attr, ok := b.Body.Attributes["for_each"]
	if !ok || len(made) > 0 || len(b.Labels) == 0 {
		return false
	}
	v, diags := l.scope.eval(attr.Expr, roots{variables: true, locals: true})
	return !diags.HasErrors() && !v.IsMarked() && v.IsKnown() && !v.IsNull() && (isList(v) || isMap(v)) && lengthOf(v) == 0
}

// declareMachine makes machine.<name> known: the machine, or with for_each a map of them by key.
func (l *loader) declareMachine(b *hclsyntax.Block) {
	name := b.Labels[0]
	attr, ok := b.Body.Attributes["for_each"]
	if !ok && l.grammar.child("machine").misspelt(b.Body, "for_each") {
		l.scope.declareMachine(name, cty.DynamicVal)
		return
	}
	if !ok {
		l.scope.declareMachine(name, l.scope.machineValue(l.prefix+name))
		return
	}
	before := len(l.diags)
	list, ok := l.items(attr.Expr, false)
	l.diags = l.diags[:before] // reading the block reports the same
	if !ok {
		l.scope.declareMachine(name, cty.DynamicVal)
		return
	}
	all := map[string]cty.Value{}
	for _, one := range list {
		all[one.key] = l.scope.machineValue(l.prefix + name + "-" + one.key)
	}
	l.scope.declareMachine(name, cty.ObjectVal(all))
}

// dynamic reads a dynamic block: its content once per item, as blocks of the kind that it names. Not ok means that blocks
// may be missing, after something that has been reported.
func (r *reader) dynamic(g *block, b *hclsyntax.Block, each func(*hclsyntax.Block)) (ok bool) {
	d := dynamicBlock()
	if len(b.Labels) != 1 {
		r.report(diag.Error(b.TypeRange, "A dynamic block names what it makes", "", "Write dynamic \"<kind of block>\" { … }."))
		return false
	}
	kind := g.child(b.Labels[0])
	if kind == nil {
		r.report(diag.Error(b.LabelRanges[0], fmt.Sprintf("Unknown block %q", b.Labels[0]), fmt.Sprintf("A %s block has no block of this kind.", g.name), diag.DidYouMean(b.Labels[0], g.childNames())))
		return false
	}
	for _, attr := range sortedAttributes(b.Body) {
		r.argument(d, attr)
	}
	var content *hclsyntax.Block
	for _, inner := range b.Body.Blocks {
		if r.blockGrammar(d, inner) != nil {
			content = inner
		}
	}
	forEach := b.Body.Attributes["for_each"]
	switch {
	case forEach == nil && d.misspelt(b.Body, "for_each"):
		return false
	case forEach == nil:
		r.report(missing(d, d.arg("for_each"), b.DefRange()))
		return false
	case content == nil:
		r.report(diag.Error(b.DefRange(), "A dynamic block without content", "The content block is what is made for each item.", "Write content { … } in it."))
		return false
	}
	iterator, ok := r.iterator(b)
	if !ok {
		return false
	}
	list, ok := r.items(forEach.Expr, true)
	if !ok {
		return false
	}
	for _, one := range list {
		r.scope.outside.cost.spent += 100 * costOfStep
		if over, tell := r.scope.outside.cost.exhausted(); over && !tell {
			return false
		} else if over {
			r.report(diag.Error(b.DefRange(), tooMuch, "The profile's dynamic blocks make too much.", "Shorten the lists that they iterate over."))
			return false
		}
		r.with(iterator, one, func() {
			made := *content
			made.Type, made.TypeRange = kind.name, b.TypeRange
			var labelled bool
			made.Labels, made.LabelRanges, labelled = r.labels(b)
			if ok = ok && labelled; labelled {
				each(&made)
			}
		})
	}
	return ok
}

// iterator returns the name by which a dynamic block's content refers to its item.
func (r *reader) iterator(b *hclsyntax.Block) (string, bool) {
	attr := b.Body.Attributes["iterator"]
	if attr == nil {
		return b.Labels[0], true
	}
	traversal, ok := attr.Expr.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(traversal.Traversal) != 1 || slices.Contains(rootNames(), traversal.Traversal.RootName()) {
		r.report(diag.Error(attr.Expr.Range(), "The iterator is a name", "It is a word without quotes that means nothing else.", "Write, for example, iterator = item."))
		return "", false
	}
	return traversal.Traversal.RootName(), true
}

// labels evaluates the labels argument of a dynamic block.
func (r *reader) labels(b *hclsyntax.Block) (labels []string, at []hcl.Range, ok bool) {
	attr := b.Body.Attributes["labels"]
	if attr == nil {
		return nil, nil, true
	}
	v, diags := r.scope.eval(attr.Expr, roots{variables: true, locals: true})
	r.diags = append(r.diags, diags...)
	if diags.HasErrors() || !v.IsWhollyKnown() {
		return nil, nil, false
	}
	if isSensitive(v) {
		r.report(diag.Error(attr.Expr.Range(), "Sensitive labels", "The names of blocks are shown.", "Take the names from values that are not secret."))
		return nil, nil, false
	}
	if v.IsNull() || !isList(v) {
		r.report(diag.Error(attr.Expr.Range(), "Labels are a list of strings", "", "Write labels = [\"name\"]."))
		return nil, nil, false
	}
	for _, e := range items(v) {
		text, isText := scalar(e)
		if !isText {
			r.report(diag.Error(attr.Expr.Range(), "Labels are a list of strings", "", "Write labels = [\"name\"]."))
			return nil, nil, false
		}
		labels, at = append(labels, text), append(at, attr.Expr.Range())
	}
	return labels, at, true
}
