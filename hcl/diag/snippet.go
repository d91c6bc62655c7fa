package diag

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
)

// snippet writes the line where at starts, with carets below the part that is meant.
func (p Printer) snippet(out *strings.Builder, at hcl.Range, color string) {
	line, ok := sourceLine(p.Sources[at.Filename], at.Start.Line)
	if !ok {
		return
	}
	start, end := span(line, at)
	number := fmt.Sprintf("%d", at.Start.Line)
	gutter := strings.Repeat(" ", len(number))
	cut := p.cut(line, start, end, len(number))
	fmt.Fprintf(out, "  %s %s\n", p.paint(faint, number+" |"), cut.text)
	fmt.Fprintf(out, "  %s %s%s\n", p.paint(faint, gutter+" |"), cut.indent, p.paint(color, strings.Repeat("^", cut.carets)))
}

// sourceLine returns one line, counted from 1, without its end.
func sourceLine(src []byte, number int) (string, bool) {
	for i := 1; i < number; i++ {
		_, rest, found := bytes.Cut(src, []byte{'\n'})
		if !found {
			return "", false
		}
		src = rest
	}
	line, _, _ := bytes.Cut(src, []byte{'\n'})
	text := strings.ToValidUTF8(strings.TrimSuffix(string(line), "\r"), "\uFFFD")
	return text, strings.TrimSpace(text) != ""
}

// span returns the part of the line that a range covers, as rune positions. A range of several lines covers the rest of this
// one. The span is never empty, but may lie after the line's end, where something is missing.
func span(line string, at hcl.Range) (start, end int) {
	length := utf8.RuneCountInString(line)
	start = min(max(at.Start.Column-1, 0), length)
	end = length
	if at.End.Line == at.Start.Line {
		end = min(at.End.Column-1, length)
	}
	return start, max(end, start+1)
}

// excerpt is the shown part of a line.
type excerpt struct {
	text   string
	indent string // printed below the text before the carets; tabs are kept
	carets int
}

// cut shortens a line to the printer's width and keeps the start of the span visible.
func (p Printer) cut(line string, start, end, numberWidth int) excerpt {
	runes := []rune(line)
	for i, r := range runes {
		if r != '\t' && (r < ' ' || r == '\x7f') {
			runes[i] = '\uFFFD' // a source can't send sequences to the terminal
		}
	}
	from, to := 0, len(runes)
	if room := p.Width - numberWidth - len("   | "); p.Width > 0 && len(runes) > room {
		room = max(room, 20)
		from = max(0, min(start-room/4, len(runes)-room))
		to = min(len(runes), from+room)
	}
	text := string(runes[from:to])
	indent := make([]rune, 0, start-from)
	for _, r := range runes[from:min(start, len(runes))] {
		if r != '\t' {
			r = ' '
		}
		indent = append(indent, r)
	}
	if from > 0 {
		text = "…" + string(runes[from+1:to])
	}
	if to < len(runes) {
		text = string([]rune(text)[:to-from-1]) + "…"
	}
	return excerpt{text: text, indent: string(indent), carets: max(1, min(end, max(to, start+1))-start)}
}
