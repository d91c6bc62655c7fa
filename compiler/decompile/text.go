package decompile

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/profile"
)

// text is a string in a profile: a sequence of literal texts and run-time values.
type text []piece

// piece is an element of a text. value is the name of a run-time value, such as profile.SelfPort, or empty for a
// literal.
type piece struct{ literal, value string }

// add appends literal text.
func (t text) add(literal string) text {
	if n := len(t); n > 0 && t[n-1].value == "" {
		t = slices.Clone(t)
		t[n-1].literal += literal
		return t
	}
	return append(t, piece{literal: literal})
}

// runes splits the text into its characters and run-time values.
func (t text) runes() []piece {
	var out []piece
	for _, p := range t {
		if p.value != "" {
			out = append(out, p)
			continue
		}
		for _, r := range p.literal {
			out = append(out, piece{literal: string(r)})
		}
	}
	return out
}

// expression returns the text as it is written in a profile.
func (t text) expression() string {
	if len(t) == 1 && t[0].value != "" {
		return t[0].value
	}
	var b strings.Builder
	b.WriteByte('"')
	for i, p := range t {
		if p.value != "" {
			b.WriteString("${" + p.value + "}")
			continue
		}
		body := p.literal
		if i < len(t)-1 { // a dollar or percent sign before a run-time value would escape it
			body = strings.TrimRight(p.literal, "$%")
		}
		inside := quote(body)
		b.WriteString(inside[1 : len(inside)-1])
		if end := p.literal[len(body):]; end != "" {
			b.WriteString(`${"` + end + `"}`)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// quote returns a literal string as it is written in a profile. The replacement character, which a profile can't
// contain directly, is escaped like unprintable ones.
func quote(s string) string {
	text := strings.TrimSpace(string(hclwrite.TokensForValue(cty.StringVal(s)).Bytes()))
	return strings.ReplaceAll(text, string(unicode.ReplacementChar), `\ufffd`)
}

// runtime maps Nomad's names for run-time values to those of a profile, for one task.
type runtime struct{ port string }

func (r runtime) value(name string) string {
	switch name {
	case "NOMAD_ALLOC_ID":
		return profile.NomadAllocID
	case "NOMAD_ALLOC_INDEX":
		return profile.NomadAllocIndex
	case "NOMAD_ALLOC_DIR":
		return profile.NomadAllocDir
	case "NOMAD_TASK_DIR":
		return profile.NomadTaskDir
	case "NOMAD_SECRETS_DIR":
		return profile.NomadSecretsDir
	case "node.unique.name":
		return profile.NomadNodeName
	}
	switch {
	case r.port == "":
	case name == "NOMAD_PORT_"+r.port:
		return profile.SelfPort
	case name == "NOMAD_ADDR_"+r.port:
		return profile.SelfAddr
	}
	return ""
}

// config parses text in a driver's config, which is an HCL template. ok is false if it uses something that a profile
// can't express.
func (r runtime) config(s string) (t text, ok bool) {
	e, diags := hclsyntax.ParseTemplate([]byte(s), "config", hcl.InitialPos)
	if diags.HasErrors() {
		return nil, false
	}
	parts := []hclsyntax.Expression{e}
	switch e := e.(type) {
	case *hclsyntax.TemplateExpr:
		parts = e.Parts
	case *hclsyntax.TemplateWrapExpr:
		parts = []hclsyntax.Expression{e.Wrapped}
	}
	for _, p := range parts {
		if tmpl, is := p.(*hclsyntax.TemplateExpr); is && tmpl.IsStringLiteral() {
			p = tmpl.Parts[0]
		}
		switch p := p.(type) {
		case *hclsyntax.LiteralValueExpr:
			if p.Val.Type() != cty.String {
				return nil, false
			}
			t = t.add(p.Val.AsString())
		case *hclsyntax.ScopeTraversalExpr:
			value := r.value(traversal(p.Traversal))
			if value == "" {
				return nil, false
			}
			t = append(t, piece{value: value})
		default:
			return nil, false
		}
	}
	return t, true
}

func traversal(t hcl.Traversal) string {
	var names []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			names = append(names, step.Name)
		case hcl.TraverseAttr:
			names = append(names, step.Name)
		default:
			return ""
		}
	}
	return strings.Join(names, ".")
}

// envReference matches what Nomad treats as a reference in an environment value; dollar is the compiler's way to write
// a literal one.
var envReference = regexp.MustCompile(`\$\{([a-zA-Z0-9_\-.]+)\}`)

const dollar = "NOMAD_META_dollar"

// env parses text in an environment variable, a check's path or an artifact's source.
func (r runtime) env(s string) (t text, ok bool) {
	rest := s
	for {
		at := envReference.FindStringSubmatchIndex(rest)
		if at == nil {
			return t.add(rest), true
		}
		t = t.add(rest[:at[0]])
		switch name := rest[at[2]:at[3]]; {
		case name == dollar:
			t = t.add("$")
			// What follows isn't scanned again.
			if end := strings.IndexByte(rest[at[1]:], '}'); end >= 0 && strings.HasPrefix(rest[at[1]:], "{") {
				t = t.add(rest[at[1] : at[1]+end+1])
				at[1] += end + 1
			}
		case r.value(name) == "":
			return nil, false
		default:
			t = append(t, piece{value: r.value(name)})
		}
		rest = rest[at[1]:]
	}
}
