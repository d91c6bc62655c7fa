package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Screen writes for people.
type Screen struct {
	W io.Writer
	// Color adds ANSI colours.
	Color bool
	// Width is the terminal's, in columns: longer lines are broken, longer values cut. 0: as long as they are.
	Width int
	// Verbose shows Nomad's own difference in plans too.
	Verbose bool
	// Owners shows in plans whose pools they are about: there is no profile that says it.
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

// Printf writes a line, or several.
func (s Screen) Printf(format string, args ...any) {
	lines := strings.Split(fmt.Sprintf(format, args...), "\n")
	for i, line := range lines {
		lines[i] = s.wrap(line)
	}
	// A terminal that is gone is no reason to stop applying; the exit code tells what happened.
	_, _ = fmt.Fprintln(s.W, strings.Join(lines, "\n"))
}

// paint colours text, if there are colours.
func (s Screen) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return code + text + reset
}

// Bold is a name. It and the four below are the colours that all views share.
func (s Screen) Bold(text string) string { return s.paint(bold, text) }

// Faint is what matters least.
func (s Screen) Faint(text string) string { return s.paint(faint, text) }

// Good is what went well.
func (s Screen) Good(text string) string { return s.paint(green, text) }

// Warn is what deserves a look.
func (s Screen) Warn(text string) string { return s.paint(yellow, text) }

// Bad is what went wrong.
func (s Screen) Bad(text string) string { return s.paint(red, text) }

// seen is how many columns text takes on a terminal.
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

// count says "1 machine", "2 machines".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// JSON writes a document, indented.
func JSON(w io.Writer, doc any) error { return writeJSON(w, doc, "  ") }

// JSONLine is [JSON] on one line.
func JSONLine(w io.Writer, doc any) error { return writeJSON(w, doc, "") }

func writeJSON(w io.Writer, doc any, indent string) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(doc)
}

// Error writes what went wrong.
func (s Screen) Error(err error) {
	s.Printf("%s %s", s.paint(red+bold, "Error:"), err)
}
