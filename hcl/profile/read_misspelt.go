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

// A name that isn't known is reported where it stands. What it was probably meant to be then isn't missing, nor are the things
// that it would have declared: reporting those too would only say the same mistake again, in other places.

// meant returns the name of the argument or block that was probably meant by a name, or "".
func (b *block) meant(name string) string {
	if b.arg(name) != nil || b.child(name) != nil {
		return name
	}
	if i := slices.IndexFunc(b.names(), func(known string) bool { return slices.Contains(elsewhere()[known], strings.ToLower(name)) }); i >= 0 {
		return b.names()[i]
	}
	return diag.Suggest(name, b.names())
}

// advice describes what a name was probably meant to be, or which names there are.
func (b *block) advice(name string) string {
	switch meant := b.meant(name); {
	case meant == "":
		return diag.DidYouMean(name, b.names())
	case b.child(meant) == nil:
		return fmt.Sprintf("Did you mean %q?", meant)
	case b.child(meant).label != "":
		return fmt.Sprintf("Did you mean %q? Write %s \"<%s>\" { … }.", meant, meant, b.child(meant).label)
	default:
		return fmt.Sprintf("Did you mean %q? Write %s { … }.", meant, meant)
	}
}

// unknown takes a name that the object's block doesn't have, or has in another form, for the one it was probably meant to be,
// without a value. body has what else is written.
func (o *object) unknown(name string, at hcl.Range, body *hclsyntax.Body) {
	meant := o.grammar.meant(name)
	switch {
	case meant == "":
		o.partial, o.unclear = true, true
	case o.grammar.child(meant) != nil:
		o.partial = true
	case body == nil || body.Attributes[meant] == nil:
		o.args[meant] = value{at: at, name: at, bad: true}
	}
}

// with merges a block with another one of its name, if either may be meant. Arguments that both set are marked as wrong.
func (o *object) with(other *object) *object {
	out := merge(o, other)
	for name, v := range other.args {
		if _, both := o.args[name]; both {
			out.args[name] = value{at: v.at, name: v.name, bad: true}
		}
	}
	return out
}

// misspelt reports whether something in a body was probably meant to be the argument of that name, which the body lacks.
func (b *block) misspelt(body *hclsyntax.Body, name string) bool {
	for given := range body.Attributes {
		if b.arg(given) == nil && b.meant(given) == name {
			return true
		}
	}
	for _, inner := range body.Blocks {
		if inner.Type == name {
			return true
		}
	}
	return false
}

// declareUnknown makes known, without a value, what a top-level block of an unknown kind would have declared.
func (l *loader) declareUnknown(b *hclsyntax.Block) {
	kind := l.grammar.meant(b.Type)
	if len(b.Labels) == 0 && kind != "" {
		l.scope.lost[map[string]string{"variable": "var", "locals": "local"}[kind]] = true
		l.scope.lost[kind] = true
	}
	if kind == "locals" {
		for name := range b.Body.Attributes {
			l.scope.setLocal(name, cty.DynamicVal)
		}
		return
	}
	for _, name := range b.Labels {
		switch kind {
		case "variable":
			l.scope.setVariable(name, cty.DynamicVal)
		case "machine":
			l.scope.declareMachine(name, cty.DynamicVal)
		case "module":
			l.scope.modules[name] = cty.DynamicVal
		}
	}
}
