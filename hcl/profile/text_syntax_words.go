package profile

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/emprops/machinectl/hcl/diag"
)

// explain puts an error of the parser in our words: by what is written there, if it is a habit from another language, or else by
// what the parser expected.
func (s *syntaxScan) explain(d *hcl.Diagnostic) *hcl.Diagnostic {
	at := *d.Subject
	if strings.HasPrefix(d.Summary, "Missing ") && strings.Contains(d.Summary, " separator") || d.Summary == "Unbalanced parentheses" {
		at = s.behind(at)
	}
	text, start := s.line(at.Start.Line)
	for _, h := range habits() {
		if !strings.Contains(d.Summary, h.parser) {
			continue
		}
		m := h.form.FindStringSubmatchIndex(text)
		if m == nil {
			continue
		}
		part := func(name string) string {
			if i := h.form.SubexpIndex(name); i >= 0 && m[2*i] >= 0 {
				return text[m[2*i]:m[2*i+1]]
			}
			return ""
		}
		if words := h.say(line{s, at.Start.Line, part}); words.summary != "" {
			shown := 2 * h.form.SubexpIndex("at")
			return diag.Error(onLine(at, text, start, m[shown], m[shown+1]), words.summary, words.detail, words.advice)
		}
	}
	if w, ok := parserWords()[d.Summary]; ok {
		found := s.found(*d.Subject)
		return diag.Error(at, w.summary, strings.ReplaceAll(w.detail, "{found}", found), w.advice)
	}
	return diag.Error(at, d.Summary, d.Detail, "")
}

// onLine returns the range of some bytes of a line.
func onLine(at hcl.Range, text string, start, from, to int) hcl.Range {
	column := func(i int) int { return len([]rune(text[:i])) + 1 }
	return hcl.Range{
		Filename: at.Filename,
		Start:    hcl.Pos{Line: at.Start.Line, Column: column(from), Byte: start + from},
		End:      hcl.Pos{Line: at.Start.Line, Column: column(to), Byte: start + to},
	}
}

// behind returns the end of what is written before a place, if the place is the start of a line or file: something is missing
// there.
func (s *syntaxScan) behind(at hcl.Range) hcl.Range {
	for i, t := range s.tokens {
		if t.Range.Start.Byte < at.Start.Byte {
			continue
		}
		for i--; i >= 0 && (s.tokens[i].Type == hclsyntax.TokenNewline || s.tokens[i].Type == hclsyntax.TokenComment); i-- {
		}
		if i >= 0 && s.tokens[i].Range.End.Line < at.Start.Line {
			return s.tokens[i].Range
		}
		return at
	}
	return at
}

// found describes what is written at a place.
func (s *syntaxScan) found(at hcl.Range) string {
	from, to := at.Start.Byte-s.start.Byte, at.End.Byte-s.start.Byte
	if from < 0 || from >= len(s.src) {
		return "the end of the file"
	}
	switch text := string(s.src[from:min(to, len(s.src))]); {
	case strings.HasPrefix(text, "\n"), strings.HasPrefix(text, "\r"):
		return "the end of the line"
	case text == "":
		return "nothing"
	default:
		return text
	}
}
