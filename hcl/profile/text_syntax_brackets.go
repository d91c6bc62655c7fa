package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/emprops/machinectl/hcl/diag"
)

// bracket is an opening bracket that waits for its closing one.
type bracket struct {
	kind   rune // of those that belong together
	text   string
	at     hcl.Range
	indent int  // of its line
	block  bool // it opens a block, not a value: its partner is indented like its line
}

// brackets finds a bracket that is never closed, or one that closes nothing.
func (s *syntaxScan) brackets() *hcl.Diagnostic {
	b := &bracketScan{}
	for _, t := range s.tokens {
		kind, opens := bracketKind(t.Type)
		switch {
		case kind == 0:
		case opens:
			if kind == '{' {
				b.braces++
			}
			text, start := s.line(t.Range.Start.Line)
			block := kind == '{' && !strings.ContainsAny(text[:t.Range.Start.Byte-start], "=?:,([{")
			indent := s.indent(t.Range.Start.Line)
			if b.closed.kind != 0 && strings.ContainsAny(strings.TrimSpace(text)[:1], "}])") {
				indent = b.closed.indent // as in "} : {", which continues what began on an earlier line
			}
			b.stack = append(b.stack, bracket{kind, string(t.Bytes), t.Range, indent, block})
		default:
			if kind == '{' {
				b.braces--
			}
			text, start := s.line(t.Range.Start.Line)
			leads := strings.TrimSpace(text[:t.Range.Start.Byte-start]) == ""
			b.close(kind, t, leads && kind == '{', s.indent(t.Range.Start.Line))
		}
	}
	d := b.verdict()
	if d == nil {
		return nil
	}
	if text, start := s.line(d.Subject.Start.Line); strings.Contains(text[d.Subject.Start.Byte-start:], "//") {
		d.Extra = diag.Advice("From // on, a line is a comment; a text stands in quotation marks.")
	}
	return d
}

// bracketScan is what is known of a passage's brackets so far. Braces of blocks look all alike: where they don't come out
// even, the one is meant whose line is indented other than its partner's.
type bracketScan struct {
	stack  []bracket
	closed bracket // the last one that found its partner
	braces int     // opened less closed

	unclosed, extra           *hcl.Diagnostic // for certain
	maybeUnclosed, maybeExtra *hcl.Diagnostic // by indentation
}

func (b *bracketScan) close(kind rune, t hclsyntax.Token, leads bool, indent int) {
	for {
		if !slices.ContainsFunc(b.stack, func(open bracket) bool { return open.kind == kind }) {
			keepFirst(&b.extra, closesNothing(t))
			return
		}
		top := b.stack[len(b.stack)-1]
		rest := b.stack[:len(b.stack)-1]
		switch {
		case top.kind != kind:
			keepFirst(&b.unclosed, neverClosed(top))
		case leads && indent > top.indent && top.block:
			keepFirst(&b.maybeExtra, closesNothing(t))
			return
		case leads && indent < top.indent:
			keepFirst(&b.maybeUnclosed, neverClosed(top))
			keepFirst(&b.maybeExtra, closesNothing(t))
			if !slices.ContainsFunc(rest, func(open bracket) bool { return open.kind == '{' && open.indent == indent }) {
				b.stack = rest
				return
			}
		default:
			b.stack, b.closed = rest, top
			return
		}
		b.stack = rest
	}
}

func (b *bracketScan) verdict() *hcl.Diagnostic {
	if b.braces > 0 {
		if len(b.stack) > 0 {
			keepFirst(&b.maybeUnclosed, neverClosed(b.stack[0]))
		}
		keepFirst(&b.unclosed, b.maybeUnclosed)
	}
	if b.braces < 0 {
		keepFirst(&b.extra, b.maybeExtra)
	}
	if b.braces == 0 && len(b.stack) > 0 && b.stack[0].kind != '{' {
		keepFirst(&b.unclosed, neverClosed(b.stack[0]))
	}
	keepFirst(&b.unclosed, b.extra)
	return b.unclosed
}

// keepFirst takes another diagnostic for the one that is kept where it comes earlier in the text.
func keepFirst(kept **hcl.Diagnostic, d *hcl.Diagnostic) {
	if d != nil && (*kept == nil || d.Subject.Start.Byte < (*kept).Subject.Start.Byte) {
		*kept = d
	}
}

func (s *syntaxScan) indent(line int) int {
	text, _ := s.line(line)
	return len(text) - len(strings.TrimLeft(text, " \t"))
}

// bracketKind returns the opening bracket of a bracket's kind, or 0 if the token is not a bracket.
func bracketKind(t hclsyntax.TokenType) (kind rune, opens bool) {
	switch t {
	case hclsyntax.TokenOBrace:
		return '{', true
	case hclsyntax.TokenCBrace:
		return '{', false
	case hclsyntax.TokenOBrack:
		return '[', true
	case hclsyntax.TokenCBrack:
		return '[', false
	case hclsyntax.TokenOParen:
		return '(', true
	case hclsyntax.TokenCParen:
		return '(', false
	case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return '$', true
	case hclsyntax.TokenTemplateSeqEnd:
		return '$', false
	default:
		return 0, false
	}
}

func neverClosed(b bracket) *hcl.Diagnostic {
	partner := map[rune]string{'{': "}", '[': "]", '(': ")", '$': "}"}[b.kind]
	return diag.Error(b.at, fmt.Sprintf("The %s is not closed", b.text), fmt.Sprintf("There is no matching %s.", partner), fmt.Sprintf("Write the missing %s.", partner))
}

func closesNothing(t hclsyntax.Token) *hcl.Diagnostic {
	return diag.Error(t.Range, fmt.Sprintf("The %s closes nothing", t.Bytes), "No bracket before it is open.", "Remove it.")
}
