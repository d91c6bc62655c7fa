package view

import (
	"strings"
	"unicode/utf8"
)

// tab replaces a tab, whose width on a terminal depends on its column.
const tab = "    "

// wrap breaks a line that is wider than the terminal, between words if possible. It indents the continuation a little
// deeper than the line.
func (s Screen) wrap(line string) string {
	if s.Width <= 0 {
		return line
	}
	if line = strings.ReplaceAll(line, "\t", tab); seen(line) <= s.Width {
		return line
	}
	start := len(line) - len(strings.TrimLeft(line, " "))
	indent := strings.Repeat(" ", min(start+2, s.Width/3))
	var out strings.Builder
	out.WriteString(line[:start])
	column, gap := start, ""
	for _, word := range words(line[start:]) {
		if strings.HasPrefix(word, " ") {
			gap = word
			continue
		}
		if column > len(indent) && column+len(gap)+seen(word) > s.Width {
			out.WriteString("\n" + indent)
			column, gap = len(indent), ""
		}
		out.WriteString(gap)
		column += len(gap)
		gap = ""
		for column+seen(word) > s.Width { // wider than a line
			head, rest := split(word, s.Width-column)
			out.WriteString(head + "\n" + indent)
			word, column = rest, len(indent)
		}
		out.WriteString(word)
		column += seen(word)
	}
	return out.String()
}

// words returns a line's words and the spaces between them, in order.
func words(line string) []string {
	var list []string
	for line != "" {
		n := strings.IndexByte(line, ' ')
		if n == 0 {
			n = len(line) - len(strings.TrimLeft(line, " "))
		}
		if n < 0 {
			n = len(line)
		}
		list = append(list, line[:n])
		line = line[n:]
	}
	return list
}

// split cuts text after the given number of columns. Color codes take none.
func split(text string, columns int) (head, rest string) {
	i := 0
	for i < len(text) {
		if n := code(text[i:]); n > 0 {
			i += n
			continue
		}
		if columns <= 0 {
			break
		}
		_, size := utf8.DecodeRuneInString(text[i:])
		i += size
		columns--
	}
	return text[:i], text[i:]
}

// code returns the length of the color code at the start of text, or 0.
func code(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	return strings.IndexByte(text, 'm') + 1
}

// cut shortens text to the given number of columns.
func cut(text string, columns int) string {
	if seen(text) <= columns {
		return text
	}
	head, _ := split(text, columns-1)
	if strings.Contains(head, "\x1b[") {
		return head + "…" + reset
	}
	return head + "…"
}
