package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Screen writes text for people.
type Screen struct {
	W io.Writer
	// Color enables ANSI colors.
	Color bool
	// Width is the terminal's width in columns, to which lines are wrapped and values cut. 0 means no limit.
	Width int
	// Verbose adds Nomad's own difference to plans.
	Verbose bool
	// Owners adds the owning project to each pool of a plan, for plans without a profile.
	Owners bool
}

// ANSI sequences.
const (
	reset  = "\x1b[0m"
	bold   = "\x1b[1m"
	faint  = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	cyan   = "\x1b[36m"
)

// Printf writes one or more lines.
func (s Screen) Printf(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	for i, line := range lines {
		lines[i] = s.wrap(line)
	}
	// Applying continues even if the terminal is gone; the exit code reports the outcome.
	_, _ = fmt.Fprintln(s.W, strings.Join(lines, "\n"))
}

// paint colors text if colors are enabled.
func (s Screen) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return code + text + reset
}

// Bold styles a name. It and the four functions below are the styles that all views share.
func (s Screen) Bold(text string) string { return s.paint(bold, text) }

// Faint styles what matters least.
func (s Screen) Faint(text string) string { return s.paint(faint, text) }

// Good styles what succeeded.
func (s Screen) Good(text string) string { return s.paint(green, text) }

// Warn styles what needs attention.
func (s Screen) Warn(text string) string { return s.paint(yellow, text) }

// Bad styles what failed.
func (s Screen) Bad(text string) string { return s.paint(red, text) }

// seen returns the number of columns that text takes on a terminal.
func seen(text string) int {
	n := utf8.RuneCountInString(text)
	for rest := text; ; {
		_, after, found := strings.Cut(rest, "\x1b[")
		if !found {
			return n
		}
		code, after, found := strings.Cut(after, "m")
		if !found {
			return n
		}
		n -= len("\x1b[") + len(code) + len("m")
		rest = after
	}
}

// count returns a number with its noun: "1 machine", "2 machines".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// JSON writes a document as indented JSON.
func JSON(w io.Writer, doc any) error { return writeJSON(w, doc, "  ") }

// JSONLine writes a document like [JSON], on one line.
func JSONLine(w io.Writer, doc any) error { return writeJSON(w, doc, "") }

func writeJSON(w io.Writer, doc any, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(doc)
}

// Error writes an error.
func (s Screen) Error(err error) {
	s.Printf("%s %s", s.paint(red+bold, "Error:"), err)
}
