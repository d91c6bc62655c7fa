package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// inherit merges each machine with those it extends into l.merged.
func (l *loader) inherit() {
	for _, m := range l.machines {
		l.byName[m.name] = m.object
	}
	for _, m := range l.machines {
		l.resolve(m.name, nil)
	}
}

// resolve returns a machine after inheritance. In a circle the first machine counts as having no parent.
func (l *loader) resolve(name string, path []string) *object {
	if o, ok := l.merged[name]; ok {
		return o
	}
	own := l.machineObject(name)
	if i := slices.Index(path, name); i >= 0 {
		cycle := append(slices.Clone(path[i:]), name)
		l.report(diag.Error(l.against(cycle).at("extends"), "Machines extend each other in a circle", strings.Join(cycle, " extends ")+".", "Remove one of the extends arguments."))
		broken := *own
		broken.broken = true
		return &broken
	}
	out := own
	switch parent, ok := own.parent(); {
	case ok && l.byName[parent] != nil:
		out = merge(l.resolve(parent, append(path, name)), own)
	case own.has("extends"):
		out.broken = true
	}
	l.merged[name] = out
	return out
}

// against returns the machine of a circle whose extends is probably wrong: most people declare extended machines either all
// before those that extend them, or all after them.
func (l *loader) against(cycle []string) *object {
	place := func(name string) int {
		return slices.IndexFunc(l.machines, func(d declared) bool { return d.name == name })
	}
	var forward, backward []string
	for i, name := range cycle[:len(cycle)-1] {
		if place(name) <= place(cycle[i+1]) {
			forward = append(forward, name)
		} else {
			backward = append(backward, name)
		}
	}
	if len(backward) == 1 && len(forward) > 1 {
		return l.machineObject(backward[0])
	}
	return l.machineObject(forward[0])
}

func (l *loader) machineObject(name string) *object {
	return l.byName[name]
}

// parent returns the name of the machine that a machine extends.
func (o *object) parent() (string, bool) { return o.reference("extends") }

func (o *object) reference(arg string) (string, bool) {
	v, ok := o.get(arg)
	if !ok {
		return "", false
	}
	ref, ok := v.v.(*reference)
	if !ok {
		return "", false
	}
	return ref.name, true
}

// complete reports the arguments a block must have and hasn't, within it too.
func (l *loader) complete(o *object) {
	for _, a := range o.grammar.args {
		if a.required && o.lacks(a.name) {
			if d := missing(o.grammar, &a, o.header); o.grammar.name == "machine" {
				l.absent(o, d)
			} else {
				l.report(d)
			}
		}
	}
	for _, b := range o.blocks {
		if b.grammar.name == "override" {
			continue // it is complete with what it is merged into
		}
		l.complete(b)
	}
}

func missing(g *block, a *argument, at hcl.Range) *hcl.Diagnostic {
	advice := fmt.Sprintf("Write %s = …", a.name)
	switch {
	case len(a.oneOf) > 0:
		advice = fmt.Sprintf("Write %s = %s.", a.name, quoteAll(a.oneOf))
	case a.typ == typeSize:
		advice = fmt.Sprintf("Write, for example, %s = \"4GiB\".", a.name)
	case a.typ == typeMachine:
		advice = fmt.Sprintf("Write %s = machine.<name>.", a.name)
	case a.typ == typeInt:
		advice = fmt.Sprintf("Write, for example, %s = 4.", a.name)
	}
	return diag.Error(at, fmt.Sprintf("Missing argument %q", a.name), fmt.Sprintf("A %s block must have it. %s", g.name, a.doc), advice)
}
