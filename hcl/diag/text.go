package diag

import (
	"fmt"
	"io"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/mitchellh/go-wordwrap"
)

// Printer writes diagnostics for people:
//
//	Error: Unknown argument "memmory"
//
//	  profiles.hcl:12:5
//	  12 |     memmory = "4GiB"
//	     |     ^^^^^^^
//
//	  A resources block has no argument of this name.
//	  → Did you mean "memory"?
type Printer struct {
	// Sources holds the bytes of each file, for snippets. A file that isn't in it is named without a snippet.
	Sources map[string][]byte
	// Color adds ANSI colours.
	Color bool
	// Width is the terminal's, in columns. Text is wrapped and long source lines are cut, but places stay whole, so that they can
	// be copied. 0 means no limit.
	Width int
}

// ANSI sequences.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
)

// Text writes the diagnostics in their order, each followed by an empty line.
func (p Printer) Text(w io.Writer, diags hcl.Diagnostics) error {
	var out strings.Builder
	for _, d := range diags {
		p.one(&out, d)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func (p Printer) one(out *strings.Builder, d *hcl.Diagnostic) {
	kind, color := "Error", red
	if d.Severity == hcl.DiagWarning {
		kind, color = "Warning", yellow
	}
	headline := p.wrap(kind+": "+d.Summary, "")
	headline = p.paint(color+bold, kind+":") + p.paint(bold, strings.TrimPrefix(headline, kind+":"))
	out.WriteString(headline + "\n\n")
	if d.Subject != nil {
		fmt.Fprintf(out, "  %s:%d:%d\n", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
		p.snippet(out, *d.Subject, color)
		out.WriteString("\n")
	}
	if d.Detail != "" {
		out.WriteString(p.wrap(d.Detail, "  ") + "\n")
	}
	if advice := AdviceOf(d); advice != "" {
		text := p.wrap("→ "+advice, "  ")
		out.WriteString("  " + p.paint(green, "→") + strings.TrimPrefix(text, "  →") + "\n")
	}
	if d.Detail != "" || AdviceOf(d) != "" {
		out.WriteString("\n")
	}
}

func (p Printer) paint(code, text string) string {
	if !p.Color || text == "" {
		return text
	}
	return code + text + reset
}

// wrap breaks text into lines that fit, each indented.
func (p Printer) wrap(text, indent string) string {
	if p.Width > 0 {
		room := max(20, p.Width-len(indent))
		text = chop(wordwrap.WrapString(text, uint(room)), room)
	}
	return indent + strings.ReplaceAll(text, "\n", "\n"+indent)
}

// chop breaks the lines that are one word too long for any.
func chop(text string, room int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		runes := []rune(line)
		lines[i] = ""
		for len(runes) > room {
			lines[i] += string(runes[:room]) + "\n"
			runes = runes[room:]
		}
		lines[i] += string(runes)
	}
	return strings.Join(lines, "\n")
}

// Count describes the number of errors and warnings: "2 errors, 1 warning", or "" for none.
func Count(diags hcl.Diagnostics) string {
	errs, warnings := Split(diags)
	var parts []string
	for _, n := range []struct {
		count int
		word  string
	}{{len(errs), "error"}, {len(warnings), "warning"}} {
		switch {
		case n.count == 1:
			parts = append(parts, "1 "+n.word)
		case n.count > 1:
			parts = append(parts, fmt.Sprintf("%d %ss", n.count, n.word))
		}
	}
	return strings.Join(parts, ", ")
}
