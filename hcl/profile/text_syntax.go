package profile

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/emprops/machinectl/hcl/diag"
)

// After a mistake in the syntax, the parser continues from somewhere and reports what follows from it, or reports the end of the
// file for a quotation mark that is missing at its start. So the text is taken apart into its outermost blocks, and of each
// that has mistakes one is reported: the first, where it was made.

// syntaxErrors rewords what the parser reports about a text: one diagnostic for each mistake.
func syntaxErrors(src []byte, name string, diags hcl.Diagnostics) hcl.Diagnostics {
	var out hcl.Diagnostics
	wrong := false
	for _, d := range diags {
		if d.Summary == redefined {
			out = append(out, repeatedArgument(d, src))
			continue
		}
		wrong = wrong || d.Severity == hcl.DiagError
	}
	if wrong { // the rest of what the parser read may be wrong too
		return syntaxMistakes(src, name)
	}
	return out
}

// syntaxMistakes returns one diagnostic for each outermost block that has wrong syntax.
func syntaxMistakes(src []byte, name string) hcl.Diagnostics {
	var found hcl.Diagnostics
	for _, p := range outermost(src, name) {
		if d := p.mistake(); d != nil {
			found = append(found, d)
		}
	}
	if len(found) == 0 { // no single block is wrong, but all of it together
		found = append(found, passage{src: src, name: name, start: hcl.InitialPos}.mistake())
	}
	return slices.DeleteFunc(found, func(d *hcl.Diagnostic) bool { return d == nil })
}

// passage is a piece of a source that consists of whole lines.
type passage struct {
	src   []byte
	name  string
	start hcl.Pos
}

// header finds the first lines of outermost blocks, as people write them: at the start of a line.
func header() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(` + strings.Join(language().childNames(), "|") + `)\b[^\n]*\{`)
}

// outermost takes a text apart into passages with one outermost block each.
func outermost(src []byte, name string) []passage {
	closed := closedHeredocs(src)
	var all []passage
	start := hcl.InitialPos
	cut := func(end int) {
		piece := src[start.Byte:end]
		if len(piece) == 0 {
			return
		}
		all = append(all, passage{src: piece, name: name, start: start})
		start.Byte, start.Line = end, start.Line+bytes.Count(piece, []byte{'\n'})
	}
	for _, at := range header().FindAllIndex(src, -1) {
		for len(closed) > 0 && closed[0][1] <= at[0] {
			closed = closed[1:]
		}
		if len(closed) == 0 || at[0] < closed[0][0] {
			cut(at[0])
		}
	}
	cut(len(src))
	return all
}

// closedHeredocs returns the places of the outermost heredocs that have an end, in order, where text may look like a block.
func closedHeredocs(src []byte) (found [][2]int) {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	depth, start := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOHeredoc:
			if depth++; depth == 1 {
				start = t.Range.Start.Byte
			}
		case hclsyntax.TokenCHeredoc:
			if depth--; depth == 0 {
				found = append(found, [2]int{start, t.Range.End.Byte})
			}
		}
	}
	return found
}

// mistake returns the first mistake in a passage of whole blocks, or nil. The parser's errors are the last resort: the parser
// reports an unbalanced bracket where it noticed it, mistake reports it where it was opened.
func (p passage) mistake() *hcl.Diagnostic {
	_, diags := hclsyntax.ParseConfig(p.src, p.name, p.start)
	return p.cause(diags)
}

// cause returns the mistake behind the parser's first error.
func (p passage) cause(diags hcl.Diagnostics) *hcl.Diagnostic {
	var first *hcl.Diagnostic
	for _, d := range diags {
		if d.Severity != hcl.DiagError || d.Summary == redefined || d.Subject == nil {
			continue
		}
		if first == nil || d.Subject.Start.Byte < first.Subject.Start.Byte {
			first = d
		}
	}
	if first == nil {
		return nil
	}
	tokens, _ := hclsyntax.LexConfig(p.src, p.name, p.start)
	scan := newSyntaxScan(p, tokens)
	cause := scan.characters()
	if cause == nil { // after a wrong character, brackets may be part of a text
		cause = scan.brackets()
	}
	if explained := scan.explain(first); cause == nil || first.Summary != unclosedBlock && explained.Subject.Start.Line < cause.Subject.Start.Line {
		cause = explained
	}
	return cause
}

// templateMistake returns the first mistake in the text of a template.
func templateMistake(src []byte, name string, diags hcl.Diagnostics) hcl.Diagnostics {
	tokens, _ := hclsyntax.LexTemplate(src, name, hcl.InitialPos)
	scan := newSyntaxScan(passage{src: src, name: name, start: hcl.InitialPos}, tokens)
	for _, d := range diags {
		if d.Severity == hcl.DiagError && d.Subject != nil {
			return hcl.Diagnostics{scan.explain(d)}
		}
	}
	return diags
}

// The summaries of parser errors that are treated differently here.
const (
	redefined     = "Attribute redefined"
	unclosedBlock = "Unclosed configuration block"
)

// syntaxScan looks for the cause of a passage's mistake in its tokens.
type syntaxScan struct {
	passage

	tokens hclsyntax.Tokens
	lines  []string // with their ends
	starts []int    // where the lines start in the file
}

func newSyntaxScan(p passage, tokens hclsyntax.Tokens) *syntaxScan {
	return &syntaxScan{passage: p, tokens: tokens, lines: strings.SplitAfter(string(p.src), "\n")}
}

// line returns the text of a line of the passage, by its number in the file, and the byte at which it starts there.
func (s *syntaxScan) line(number int) (text string, start int) {
	if s.starts == nil {
		at := s.start.Byte
		for _, text := range s.lines {
			s.starts = append(s.starts, at)
			at += len(text)
		}
	}
	i := number - s.start.Line
	if i < 0 || i >= len(s.lines) {
		return "", s.start.Byte + len(s.src)
	}
	return strings.TrimRight(s.lines[i], "\r\n"), s.starts[i]
}

// before returns the byte before a place in the passage, or 0.
func (p passage) before(at hcl.Pos) byte {
	if i := at.Byte - p.start.Byte - 1; i >= 0 && i < len(p.src) {
		return p.src[i]
	}
	return 0
}

// repeatedArgument rewords what the parser reports about an argument that is set twice.
func repeatedArgument(d *hcl.Diagnostic, src []byte) *hcl.Diagnostic {
	name := string(d.Subject.SliceBytes(src))
	return diag.Error(*d.Subject, "Repeated argument \""+name+"\"", "It is already set in this block.", "Remove one of them.")
}
