package view

import "strings"

// Widths that a table's columns keep while others can give way.
const (
	readableNote = 24 // of the last column, which says why
	shortestNote = 10
	shortestCell = 4
)

// Rows writes cells in columns; a cell is padded by what is seen of it, not by its colour codes. A column without any text,
// its head included, takes no room. Where the terminal is too
// narrow, the last column is cut first, then the columns that spare lists are left out, in that order, then the widest ones
// are cut.
func (s Screen) Rows(indent string, rows [][]string, spare ...int) {
	t := newTable(indent, rows)
	t.narrow(s.Width, spare)
	for _, row := range rows {
		line := indent
		for i, cell := range row {
			if t.widths[i] == left {
				continue
			}
			cell = cut(cell, t.widths[i])
			line += cell + strings.Repeat(" ", t.widths[i]-seen(cell)+len(between))
		}
		s.Printf("%s", strings.TrimRight(line, " "))
	}
}

const (
	between = "  "
	left    = -1 // the width of a column that is left out
)

type table struct {
	indent string
	widths []int
}

func newTable(indent string, rows [][]string) *table {
	t := &table{indent: indent}
	for _, row := range rows {
		for i, cell := range row {
			if i == len(t.widths) {
				t.widths = append(t.widths, 0)
			}
			t.widths[i] = max(t.widths[i], seen(cell))
		}
	}
	for i, width := range t.widths {
		if width == 0 {
			t.widths[i] = left
		}
	}
	return t
}

// over is how many columns of the terminal are missing.
func (t *table) over(width int) int {
	sum, cells := len(t.indent), 0
	for _, w := range t.widths {
		if w == left {
			continue
		}
		sum += w
		cells++
	}
	return sum + max(0, cells-1)*len(between) - width
}

// narrow makes the table fit, as far as it can.
func (t *table) narrow(width int, spare []int) {
	if width <= 0 || len(t.widths) == 0 {
		return
	}
	note := &t.widths[len(t.widths)-1]
	give := func(least int) {
		if over := t.over(width); over > 0 && *note > least {
			*note = max(least, *note-over)
		}
	}
	give(readableNote)
	for _, i := range spare {
		if t.over(width) > 0 {
			t.widths[i] = left
		}
	}
	give(shortestNote)
	for t.over(width) > 0 {
		widest := 0
		for i, w := range t.widths {
			if w > t.widths[widest] {
				widest = i
			}
		}
		if t.widths[widest] <= shortestCell {
			return
		}
		t.widths[widest]--
	}
}
