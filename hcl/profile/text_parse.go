package profile

import (
	"bytes"
	"cmp"
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// maxDepth bounds how deep brackets and signs may be nested, so that no text can exhaust the parser's stack.
const maxDepth = 100

// parse reads one source's syntax. Not ok means that parts may be missing, so that nothing more can be said about it.
func (l *loader) parse(name string) (body *hclsyntax.Body, ok bool) {
	src := l.sources[name]
	if diags := unparsed(src, name); diags != nil {
		l.wrongSyntax(name, diags)
		return nil, false
	}
	file, diags := hclsyntax.ParseConfig(src, name, hcl.InitialPos)
	mistakes := syntaxErrors(src, name, diags)
	if body, ok = file.Body.(*hclsyntax.Body); !ok || slices.ContainsFunc(diags, func(d *hcl.Diagnostic) bool { return d.Summary != redefined && d.Severity == hcl.DiagError }) {
		l.wrongSyntax(name, mistakes)
		return nil, false
	}
	l.diags = append(l.diags, mistakes...)
	if len(mistakes) > 0 { // a repeated argument: one of the two may be meant to be another local value
		l.scope.lost["local"] = true
	}
	l.scope.outside.cost.guard(body)
	large := literals(body)
	l.diags = append(l.diags, large...)
	return body, len(large) == 0
}

// unparsed finds what makes a source of a profile not even reach the parser. Where all of it is nested too deeply and no single
// block is, brackets are missing.
func unparsed(src []byte, name string) hcl.Diagnostics {
	if d := cmp.Or(notText(src, name), refused(src, name)); d != nil {
		return hcl.Diagnostics{d}
	}
	d := nestedTooDeeply(src, name, hcl.InitialPos)
	if d == nil {
		return nil
	}
	var found hcl.Diagnostics
	for _, p := range outermost(src, name) {
		if deep := nestedTooDeeply(p.src, name, p.start); deep != nil {
			found = append(found, deep)
		} else if m := p.mistake(); m != nil {
			found = append(found, m)
		}
	}
	if len(found) == 0 {
		return hcl.Diagnostics{d}
	}
	return found
}

// refused finds what must not even reach the parser.
func refused(src []byte, name string) *hcl.Diagnostic {
	if len(src) > maxSource {
		return diag.Error(startOf(name), "The file is too large", "A profile file has at most 4 MiB.", "Split it.")
	}
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		if Reserved(r) {
			return reservedCharacter(rangeAt(src, name, i, size))
		}
		i += size
	}
	return nil
}

// reservedCharacter refuses a character that is [Reserved].
func reservedCharacter(at hcl.Range) *hcl.Diagnostic {
	return diag.Error(at, "Character of private use", "The profile contains a character that Unicode reserves for private use.", "Remove it.")
}

// nestedTooDeeply finds brackets and signs that would exhaust the parser's stack.
func nestedTooDeeply(src []byte, name string, start hcl.Pos) *hcl.Diagnostic {
	// The scanner needs no stack. Its own complaints come again from the parser.
	tokens, _ := hclsyntax.LexConfig(src, name, start)
	depth, signs := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc, hclsyntax.TokenQuestion:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc, hclsyntax.TokenColon:
			depth = max(0, depth-1)
		}
		if t.Type == hclsyntax.TokenMinus || t.Type == hclsyntax.TokenBang {
			signs++
		} else {
			signs = 0
		}
		if depth > maxDepth || signs > maxDepth {
			return diag.Error(t.Range, "Nested too deeply", "It is too deep to read.", "Move parts of it into locals.")
		}
	}
	return nil
}

// literals finds what no expression may say: numbers which no profile needs, and which are so large that writing them out would
// fill the memory, and texts with characters that are [Reserved], however they are written.
func literals(root hclsyntax.Node) hcl.Diagnostics {
	limit := new(big.Float).SetFloat64(1e18)
	return hclsyntax.VisitAll(root, func(node hclsyntax.Node) hcl.Diagnostics {
		if b, ok := node.(*hclsyntax.Block); ok && reservedIn(strings.Join(b.Labels, "")) != "" {
			return hcl.Diagnostics{reservedCharacter(b.DefRange())}
		}
		lit, ok := node.(*hclsyntax.LiteralValueExpr)
		switch {
		case !ok || lit.Val.IsNull():
		case lit.Val.Type() == cty.String && reservedIn(stringOf(lit.Val)) != "":
			return hcl.Diagnostics{reservedCharacter(lit.SrcRange)}
		case lit.Val.Type() == cty.Number && new(big.Float).Abs(numberOf(lit.Val)).Cmp(limit) > 0:
			return hcl.Diagnostics{diag.Error(lit.SrcRange, "The number is too large", "The largest is 10^18.", "")}
		}
		return nil
	})
}

func startOf(name string) hcl.Range {
	return hcl.Range{Filename: name, Start: hcl.InitialPos, End: hcl.InitialPos}
}

func rangeAt(src []byte, name string, offset, size int) hcl.Range {
	before := src[:offset]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return hcl.Range{
		Filename: name,
		Start:    hcl.Pos{Line: line, Column: column, Byte: offset},
		End:      hcl.Pos{Line: line, Column: column + 1, Byte: offset + size},
	}
}

// sortedAttributes returns a body's arguments in the order of the source.
func sortedAttributes(body *hclsyntax.Body) []*hclsyntax.Attribute {
	attrs := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int {
		return cmp.Compare(a.SrcRange.Start.Byte, b.SrcRange.Start.Byte)
	})
	return attrs
}
