package view

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// replaced renders a value and its replacement, see [sides]. Both are equal only if they are masked.
func (s Screen) replaced(before, after string, limit int) string {
	if before == after {
		return "(sensitive, changed)"
	}
	before, after = sides(before, after, limit)
	return before + s.paint(faint, " → ") + after
}

// sides renders a value and its replacement, each within limit columns, so that they never look alike. Without room for the
// whole values, it shows the part around their first difference. It quotes values that a reader could not distinguish or
// see completely. In quotes, a space near the difference is "·", and invisible characters are written as \n, \r, \t, \u00a0
// or \xff.
func sides(before, after string, limit int) (string, string) {
	return pair{symbols(before), symbols(after), limit}.render()
}

// symbol is a rune of a value, or a byte that is not valid UTF-8.
type symbol struct {
	r     rune
	width int // in bytes; 1 for an invalid byte, where r is utf8.RuneError
	raw   byte
}

func symbols(text string) []symbol {
	list := make([]symbol, 0, len(text))
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		list = append(list, symbol{r, n, text[i]})
		i += n
	}
	return list
}

// pair holds two values that differ.
type pair struct {
	before, after []symbol
	limit         int
}

func (p pair) render() (string, string) {
	alike := p.alike()
	if isPlain(p.before) && isPlain(p.after) && len(p.before) <= p.limit && len(p.after) <= p.limit && !alike {
		return text(p.before), text(p.after)
	}
	common := 0
	for common < min(len(p.before), len(p.after)) && p.before[common] == p.after[common] {
		common++
	}
	tail := 0
	for tail < min(len(p.before), len(p.after))-common && p.before[len(p.before)-1-tail] == p.after[len(p.after)-1-tail] {
		tail++
	}
	return quote(p.before, common, len(p.before)-tail, p.limit, alike), quote(p.after, common, len(p.after)-tail, p.limit, alike)
}

// alike reports whether the values may look the same although all their characters are visible: they are forms of the same
// text, or the first letters that differ are of different scripts.
func (p pair) alike() bool {
	if norm.NFKC.String(text(p.before)) == norm.NFKC.String(text(p.after)) {
		return true
	}
	for i := range min(len(p.before), len(p.after)) {
		b, a := p.before[i].r, p.after[i].r
		if b != a {
			return unicode.IsLetter(b) && unicode.IsLetter(a) && unicode.Is(unicode.Latin, b) != unicode.Is(unicode.Latin, a)
		}
	}
	return false
}

// isPlain reports whether a value needs no quotes: all its characters are visible, and none has a special meaning here. A text in
// quotes, such as "" for an empty one, has them already.
func isPlain(value []symbol) bool {
	quoted := len(value) > 0 && value[0].r == '"'
	if quoted && !json.Valid([]byte(text(value))) {
		return false
	}
	for i, c := range value {
		switch {
		case c.r == ' ':
			if i == 0 || i == len(value)-1 || value[i-1].r == ' ' {
				return false
			}
		case !isSeen(c):
			return false
		}
	}
	return len(value) > 0
}

// isSeen reports whether a symbol is visible by itself. Combining characters are not: they may change another one's look.
func isSeen(c symbol) bool {
	switch c.r {
	case utf8.RuneError, '·', '…':
		return false
	}
	return unicode.IsPrint(c.r) && !unicode.Is(unicode.M, c.r)
}

func text(value []symbol) string {
	var b strings.Builder
	for _, c := range value {
		b.WriteRune(c.r)
	}
	return b.String()
}

// ahead is the fraction of the shown part that comes before the difference: a quarter.
const ahead = 4

// quote returns a value in quotes, cut to limit columns around the part between from and to.
func quote(value []symbol, from, to, limit int, alike bool) string {
	shown := func(i int) string {
		// Spaces beside the difference are made visible, so that a reader can count them.
		return value[i].escaped(i >= from-1 && i <= to, alike && i >= from && i < to)
	}
	room := max(limit, shortestSide) - len(`""`) - len("…")
	start := from
	for used := 0; start > 0; start-- {
		if used += utf8.RuneCountInString(shown(start - 1)); used > room/ahead {
			break
		}
	}
	whole := 0
	for i := range value {
		whole += utf8.RuneCountInString(shown(i))
	}
	var b strings.Builder
	if whole <= room {
		start = 0
	}
	if start > 0 {
		b.WriteString("…")
	}
	b.WriteByte('"')
	used, i := 0, start
	for ; i < len(value); i++ {
		next := shown(i)
		if used += utf8.RuneCountInString(next); used > room && i > from {
			break
		}
		b.WriteString(next)
	}
	b.WriteByte('"')
	if i < len(value) {
		b.WriteString("…")
	}
	return b.String()
}

// shortestSide is the room for ellipses, quotes, and the first character of a difference.
const shortestSide = 12

// escaped returns a symbol for use in quotes. dot makes a space visible; number writes letters outside of ASCII as code
// points.
func (c symbol) escaped(dot, number bool) string {
	switch {
	case c.r == ' ' && dot:
		return "·"
	case c.r == ' ':
		return " "
	case c.r == '"', c.r == '\\':
		return `\` + string(c.r)
	case c.r == '\n':
		return `\n`
	case c.r == '\r':
		return `\r`
	case c.r == '\t':
		return `\t`
	case c.r == utf8.RuneError && c.width == 1:
		return fmt.Sprintf(`\x%02x`, c.raw)
	case isSeen(c) && (!number || c.r < utf8.RuneSelf):
		return string(c.r)
	case c.r > 0xffff:
		return fmt.Sprintf(`\U%08x`, c.r)
	default:
		return fmt.Sprintf(`\u%04x`, c.r)
	}
}
