package view

import "strings"

// Widths that a table's columns keep while others can be narrowed.
const (
	readableNote = 24 // of the last column, which contains the reason
	shortestNote = 10
	shortestCell = 4
)

// Rows writes cells in columns. Color codes don't count towards a cell's width. A column without any text, including its
// head, takes no room. If the terminal is too narrow, Rows first cuts the last column, then leaves out the columns in spare,
// in that order, then cuts the widest ones.
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

// over returns by how many columns the table is wider than width.
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

// narrow makes the table fit as far as possible.
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
