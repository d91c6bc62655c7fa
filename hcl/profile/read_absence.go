package profile

import (
	"github.com/hashicorp/hcl/v2"
)

// absence is something that a machine must have and hasn't, neither of its own nor inherited.
type absence struct {
	base hcl.Range // header of the machine at the root of what it inherits
	d    *hcl.Diagnostic
}

// absent notes that something is missing in a machine.
func (l *loader) absent(o *object, d *hcl.Diagnostic) {
	base := o.base
	if base.Filename == "" {
		base = o.header
	}
	l.absences = append(l.absences, absence{base, d})
}

// reportAbsent reports what is missing in machines. Where several that extend one machine lack the same, it is that one which
// should have it.
func (l *loader) reportAbsent() {
	type key struct {
		base    hcl.Range
		summary string
	}
	places := map[key]map[hcl.Range]bool{}
	for _, a := range l.absences {
		k := key{a.base, a.d.Summary}
		if places[k] == nil {
			places[k] = map[hcl.Range]bool{}
		}
		places[k][*a.d.Subject] = true
	}
	for _, a := range l.absences {
		if len(places[key{a.base, a.d.Summary}]) > 1 {
			at := a.base
			a.d.Subject = &at
		}
		l.report(a.d)
	}
}
