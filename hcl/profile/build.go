package profile

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// build makes the typed profile out of the merged objects. A machine that others extend and that no pool uses is a base:
// it may be incomplete, and isn't part of the profile.
func (l *loader) build(p *Profile) {
	pooled, extended := l.references()
	for _, m := range l.machines {
		if extended[m.name] && !pooled[m.name] {
			continue
		}
		o := l.merged[m.name]
		l.complete(o)
		p.Machines[m.name] = l.machine(m.name, o)
	}
	for _, d := range l.pools {
		l.complete(d.object)
		p.Pools = append(p.Pools, l.pool(d, p.Machines))
	}
}

// references says which machines pools use and which ones other machines extend.
func (l *loader) references() (pooled, extended map[string]bool) {
	pooled, extended = map[string]bool{}, map[string]bool{}
	for _, d := range l.pools {
		if name, ok := d.reference("machine"); ok {
			pooled[name] = true
		}
	}
	for _, m := range l.machines {
		if name, ok := m.parent(); ok {
			extended[name] = true
		}
	}
	return pooled, extended
}

// warn reports what is of no use. It is asked only where there are no errors: after an error much looks unused.
func (l *loader) warn() {
	for _, v := range l.variables {
		if !l.scope.used[v.name] {
			l.report(diag.Warning(v.header, fmt.Sprintf("Variable %q is not used", v.name), fmt.Sprintf("Nothing refers to var.%s.", v.name), "Take it out, or use it."))
		}
	}
	pooled, extended := l.references()
	for _, m := range l.machines {
		if !pooled[m.name] && !extended[m.name] {
			l.report(diag.Warning(m.header, fmt.Sprintf("Machine %q is in no pool", m.name), "No pool refers to it, so none will ever run.",
				fmt.Sprintf("Write pool \"<name>\" { machine = machine.%s … }.", m.name)))
		}
	}
	if len(l.pools) == 0 && len(l.files) > 0 {
		l.report(diag.Warning(hcl.Range{}, "The profile has no pools", "Without a pool nothing runs.", "Write pool \"<name>\" { machine = machine.<name> … }."))
	}
}
