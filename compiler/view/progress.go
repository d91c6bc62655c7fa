package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/emprops/machinectl/compiler/plan"
)

// Progress writes how far pools are, a line whenever something has changed.
type Progress struct {
	Screen Screen
	last   map[string]string
}

// Show writes what is new.
func (p *Progress) Show(all []plan.Progress) {
	if p.last == nil {
		p.last = map[string]string{}
	}
	wide := 0
	for _, one := range all {
		wide = max(wide, seen(one.Pool))
	}
	for _, one := range all {
		line := p.words(one)
		expected := one.Done && (one.Goal == 0 || one.Unchanged && p.last[one.Pool] == "")
		if p.last[one.Pool] == line || expected {
			continue
		}
		p.last[one.Pool] = line
		p.Screen.Printf("  %s%s  %s", one.Pool, strings.Repeat(" ", wide-seen(one.Pool)), line)
	}
}

func (p *Progress) words(one plan.Progress) string {
	s := p.Screen
	line := fmt.Sprintf("%d/%d ready", one.Ready, one.Goal)
	if one.Old > 0 {
		line += fmt.Sprintf(", %s of older revisions still there", count(one.Old, "machine"))
	}
	if one.Done {
		return s.paint(green, line)
	}
	if f := one.Failure; f != nil {
		return s.paint(red, line) + s.paint(faint, "  "+s.note(cmp.Or(f.Machine.Failing.Task, "a machine")+" fails: "+f.Machine.Failing.Why))
	}
	if len(one.Trouble) > 0 {
		// One machine stands for all: they usually wait for the same.
		line += s.paint(faint, "  "+s.note(slices.Min(one.Trouble)))
	}
	return line
}

// note is cut where a terminal would have to break it: what matters of it is said again at the end.
func (s Screen) note(text string) string {
	if s.Width <= 0 {
		return s.line(text)
	}
	return s.value(text)
}
