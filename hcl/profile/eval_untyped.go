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

var (
	variableOnly = regexp.MustCompile(`^var\.([\w-]+)$`)
	// foundString matches messages, of this package and of functions, that they found a string.
	foundString = regexp.MustCompile(`\b(is a|have) string\b`)
	localOnly   = regexp.MustCompile(`^local\.([\w-]+)$`)
)

// explainVariables adds advice to diagnostics about a value of the wrong type if the value is a variable's. The quotes that an
// argument's own message mentions are elsewhere, or don't exist, because values from -var and the environment are text. Declaring
// the variable's type decides it.
func (l *loader) explainVariables() {
	for i, d := range l.diags {
		if d.Severity != hcl.DiagError || d.Subject == nil {
			continue
		}
		if v := l.variableAt(*d.Subject); v != nil {
			l.diags[i] = v.explain(d)
		}
	}
}

// variableAt returns the variable that an expression refers to: var.name, or a local value with that expression. It returns nil
// for any other expression.
func (l *loader) variableAt(at hcl.Range) *variable {
	for range len(l.locals) + 1 {
		src := l.sources[at.Filename]
		if at.Start.Byte > at.End.Byte || at.End.Byte > len(src) {
			return nil
		}
		text := at.SliceBytes(src)
		if m := variableOnly.FindSubmatch(text); m != nil {
			return l.variable(string(m[1]))
		}
		m := localOnly.FindSubmatch(text)
		if m == nil || l.locals[string(m[1])] == nil {
			return nil
		}
		at = l.locals[string(m[1])].Expr.Range()
	}
	return nil
}

func (v *variable) explain(d *hcl.Diagnostic) *hcl.Diagnostic {
	advice, _ := d.Extra.(diag.Advice)
	detail, meant := d.Detail, ""
	switch {
	case v.typ == cty.DynamicPseudoType && v.textFrom != "" && foundString.MatchString(d.Detail):
		meant = v.meant()
		detail += fmt.Sprintf(" Variable %q has no type, so what %s gives is taken as text.", v.name, v.textFrom)
	case strings.HasPrefix(string(advice), "Leave out the quotes"):
		meant = "number"
	case strings.HasPrefix(string(advice), "Put it in quotes"):
		meant = "string"
	}
	if meant == "" {
		return d
	}
	out := *d
	out.Detail, out.Extra = detail, diag.Advice(fmt.Sprintf("Write type = %s in variable %q.", meant, v.name))
	return &out
}

// untypedText reports that a value is given as text to a variable that has no type and whose default is not a string. What the
// profile does with a list or number, it would do with the text: length(var.v) would count characters, and var.v == 1 be false.
func (v *variable) untypedText(at hcl.Range) *hcl.Diagnostic {
	if v.textFrom == "" || v.typ != cty.DynamicPseudoType || v.fallback == cty.NilVal {
		return nil
	}
	meant := typeText(v.fallback)
	if meant == "" {
		return nil
	}
	return diag.Error(at, fmt.Sprintf("Variable %q needs a type", v.name),
		fmt.Sprintf("Without one, what %s gives is taken as text, and the default is not text but %s.", v.textFrom, meant),
		fmt.Sprintf("Write type = %s in variable %q.", meant, v.name))
}

// meant returns the type that an untyped variable is meant to have: the type of its default or, if that is a string too, the
// type that its text reads as. For a sensitive variable, only the default counts. It returns "" if the text is only a string.
func (v *variable) meant() string {
	if v.fallback != cty.NilVal {
		if t := typeText(v.fallback); t != "" || v.sensitive {
			return t
		}
	}
	if v.sensitive {
		return ""
	}
	expr, diags := hclsyntax.ParseExpression([]byte(v.text), v.textFrom, hcl.InitialPos)
	if diags.HasErrors() || len(expr.Variables()) > 0 {
		return ""
	}
	value, diags := expr.Value(nil)
	if diags.HasErrors() {
		return ""
	}
	return typeText(value)
}

// typeText returns the type of a value as it is written in a variable block, or "" for a string or null.
func typeText(v cty.Value) string {
	plain, _ := v.UnmarkDeep()
	t := plain.Type()
	switch {
	case !plain.IsWhollyKnown() || plain.IsNull():
		return ""
	case t == cty.Number:
		return "number"
	case t == cty.Bool:
		return "bool"
	case isList(plain):
		return "list(" + itemText(plain) + ")"
	case isMap(plain):
		return "map(" + itemText(plain) + ")"
	}
	return ""
}

// itemText returns the one type of all items of a list or map, or any.
func itemText(v cty.Value) string {
	var kinds []string
	for _, e := range items(v) {
		kind := typeText(e)
		if e.Type() == cty.String {
			kind = "string"
		}
		if !slices.Contains(kinds, kind) {
			kinds = append(kinds, kind)
		}
	}
	if len(kinds) == 0 {
		return "string"
	}
	if len(kinds) > 1 || kinds[0] == "" {
		return "any"
	}
	return kinds[0]
}
