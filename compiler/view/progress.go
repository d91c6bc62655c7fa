package view

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/emprops/machinectl/compiler/plan"
)

// Progress writes a line about a pool's progress whenever it changes.
type Progress struct {
	Screen Screen
	last   map[string]string
}

// Show writes what has changed since the last call.
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
		// It shows one machine's trouble, because machines usually wait for the same.
		line += s.paint(faint, "  "+s.note(slices.Min(one.Trouble)))
	}
	return line
}

// note returns a text on one line, cut to the terminal's width. The command's final message repeats what matters.
func (s Screen) note(text string) string {
	if s.Width <= 0 {
		return s.line(text)
	}
	return s.value(text)
}
