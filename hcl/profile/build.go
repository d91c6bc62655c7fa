package profile

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// build makes the typed profile out of the merged objects. A machine that others extend, or pools override, and that no
// pool uses as it is, is a base: it may be incomplete, and isn't part of the profile.
func (l *loader) build(p *Profile) {
	uses, lost := l.uses(), l.referencesLost()
	for _, m := range l.machines {
		if u := uses[m.name]; !u.pooled && (u.extended || lost && !m.has("extends")) {
			continue
		}
		o := l.merged[m.name]
		if o.broken {
			continue
		}
		if o.partial {
			o = o.loosened()
		}
		l.complete(o)
		p.Machines[m.name] = l.machine(m.name, o)
	}
	for _, d := range l.pools {
		l.complete(d.object)
		p.Pools = append(p.Pools, l.pool(d, l.machineOf(d, p.Machines)))
	}
	l.reportAbsent()
}

// disguise makes the profile a second time, with Hidden for the sensitive texts, and returns the diagnostics of that.
func (l *loader) disguise(p *Profile) hcl.Diagnostics {
	d := *l
	d.diags, d.spelled, d.portless = nil, map[string][]spelled{}, map[hcl.Range]bool{}
	d.machines, d.pools, d.merged = slices.Clone(l.machines), slices.Clone(l.pools), map[string]*object{}
	for i := range d.machines {
		d.machines[i].object = d.machines[i].disguised()
	}
	for i := range d.pools {
		d.pools[i].object = d.pools[i].disguised()
	}
	for name, o := range l.merged {
		d.merged[name] = o.disguised()
	}
	p.Disguise = &Profile{Machines: map[string]*Machine{}, Order: l.order}
	d.build(p.Disguise)
	return d.diags
}

// machineOf returns a pool's machine: the one it names, or a variant of that by the rules of inheritance.
func (l *loader) machineOf(d declared, machines map[string]*Machine) *Machine {
	name, ok := d.reference("machine")
	override := d.child("override")
	if !ok || override == nil || l.merged[name] == nil {
		return machines[name]
	}
	if l.merged[name].broken {
		return nil
	}
	o := merge(l.merged[name], override)
	o.grammar = l.grammar.child("machine")
	if o.partial {
		o = o.loosened()
	}
	l.complete(o)
	return l.machine(name, o)
}

// referencesLost reports whether an error hides which machine something refers to: another one may be a base for it.
func (l *loader) referencesLost() bool {
	return slices.ContainsFunc(l.machines, func(d declared) bool { return d.wrong("extends") }) ||
		slices.ContainsFunc(l.pools, func(d declared) bool { return d.wrong("machine") })
}

// use records what refers to a machine.
type use struct {
	pooled   bool // a pool, without an override
	extended bool // another machine, or a pool's override
}

func (l *loader) uses() map[string]use {
	uses := map[string]use{}
	for _, d := range l.pools {
		if name, ok := d.reference("machine"); ok {
			u := uses[name]
			if d.child("override") == nil {
				u.pooled = true
			} else {
				u.extended = true
			}
			uses[name] = u
		}
	}
	for _, m := range l.machines {
		if name, ok := m.parent(); ok {
			u := uses[name]
			u.extended = true
			uses[name] = u
		}
	}
	return uses
}

// warn reports what is unused. It is called only if there are no errors, because after an error much looks unused.
func (l *loader) warn() {
	l.warnVariables()
	l.warnSpelling()
	uses := l.uses()
	for _, m := range l.machines {
		if uses[m.name] == (use{}) && len(l.empty) == 0 { // a pool that makes none may mean it
			l.report(diag.Warning(m.header, fmt.Sprintf("Machine %q is in no pool", m.name), "No pool refers to it, so none will ever run.",
				fmt.Sprintf("Write pool \"<name>\" { machine = machine.%s … }.", m.name)))
		}
	}
	for _, b := range l.empty {
		l.report(diag.Warning(b.Body.Attributes["for_each"].Expr.Range(), fmt.Sprintf("Pool %q makes no pools", b.Labels[0]), "Its for_each is empty.", ""))
	}
	if len(l.pools) == 0 && len(l.files) > 0 && len(l.empty) == 0 {
		l.report(diag.Warning(hcl.Range{}, "The profile has no pools", "Without a pool nothing runs.", "Write pool \"<name>\" { machine = machine.<name> … }."))
	}
}

func (l *loader) warnVariables() {
	for _, v := range l.variables {
		if !l.scope.used[v.name] {
			l.report(diag.Warning(v.header, fmt.Sprintf("Variable %q is not used", v.name), fmt.Sprintf("Nothing refers to var.%s.", v.name), "Remove it, or use it."))
		}
	}
}
