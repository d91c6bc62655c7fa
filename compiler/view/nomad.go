package view

import (
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// nomadDiff writes Nomad's own difference, with Nomad's names.
func (s Screen) nomadDiff(d *nomad.JobDiff) {
	const indent = "      "
	s.Printf("%s%s", indent, s.paint(faint, "Nomad's difference:"))
	s.diffBody(indent+"  ", d.Fields, d.Objects)
	for _, g := range d.TaskGroups {
		s.Printf("%s%s group %q", indent+"  ", s.diffMark(g.Type), g.Name)
		s.diffBody(indent+"      ", g.Fields, g.Objects)
		for _, t := range g.Tasks {
			s.Printf("%s%s task %q", indent+"      ", s.diffMark(t.Type), t.Name)
			s.diffBody(indent+"          ", t.Fields, t.Objects)
		}
	}
}

func (s Screen) diffBody(indent string, fields []*nomad.FieldDiff, objects []*nomad.ObjectDiff) {
	var rows [][]string
	for _, f := range fields {
		value := s.replaced(f.Old, f.New, s.half())
		switch f.Type {
		case "Added":
			value = s.value(f.New)
		case "Deleted":
			value = s.value(f.Old)
		}
		rows = append(rows, []string{s.diffMark(f.Type), f.Name, value})
	}
	s.Rows(indent, rows)
	for _, o := range objects {
		s.Printf("%s%s %s", indent, s.diffMark(o.Type), strings.TrimSpace(o.Name))
		s.diffBody(indent+"    ", o.Fields, o.Objects)
	}
}

func (s Screen) diffMark(diffType string) string {
	switch diffType {
	case "Added":
		return s.paint(green, "+")
	case "Deleted":
		return s.paint(red, "-")
	default:
		return s.paint(yellow, "~")
	}
}

// half returns the number of columns for a value beside another one.
func (s Screen) half() int {
	if s.Width <= 0 {
		return longest
	}
	return max(leastSide, (s.Width-40)/2)
}
