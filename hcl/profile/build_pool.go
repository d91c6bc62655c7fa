package profile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/emprops/machinectl/hcl/diag"
)

// pool builds a pool and checks it.
func (l *loader) pool(d declared, m *Machine) *Pool {
	p := &Pool{Name: d.name, Machine: m, Priority: d.num("priority"), Range: d.header}
	if s := d.child("size"); s != nil {
		p.Min, p.Max = s.num("min"), s.num("max")
		if _, ok := s.get("max"); ok && p.Min > p.Max {
			l.report(diag.Error(s.at("min"), "The pool's least size is above its largest", fmt.Sprintf("min is %d and max is %d.", p.Min, p.Max), fmt.Sprintf("Write min = %d, or raise max.", p.Max)))
		}
	} else if !d.partial {
		l.report(diag.Error(d.header, "Missing block \"size\"", fmt.Sprintf("Pool %q doesn't state how large it may become.", p.Name), "Write size { min = 0 max = 4 }, each on a line of its own."))
	}
	scale := d.section("scale")
	p.Scale = Scale{
		TargetWait: scale.dur("target_wait"), UpCooldown: scale.dur("up_cooldown"),
		DownCooldown: scale.dur("down_cooldown"), IdleAfter: scale.dur("idle_after"), Range: scale.header,
	}
	p.Placement = l.placement(d.section("placement"))
	p.NomadBlock = l.nomadBlock(d.object)
	if p.Machine != nil {
		l.checkNomadTasks(p.Machine, p.NomadBlock)
	}
	return p
}

func (l *loader) placement(o *object) Placement {
	p := Placement{
		Region: o.str("region"), Namespace: o.str("namespace"), NodePool: o.str("node_pool"), Datacenters: o.list("datacenters"),
		Range: o.header,
	}
	if o.has("datacenters") && len(o.list("datacenters")) == 0 {
		if _, ok := o.get("datacenters"); ok {
			l.report(diag.Error(o.at("datacenters"), "No datacenters", "With an empty list nothing could be placed.", "Write datacenters = [\"*\"], or remove it."))
		}
	}
	if _, ok := o.get("spread"); ok {
		p.Spread = l.attribute(o, "spread", nodeRoots()...)
	}
	for _, c := range o.children("constraint") {
		p.Constraints = append(p.Constraints, l.constraint(c, nodeRoots()...))
	}
	for _, a := range o.children("affinity") {
		p.Affinities = append(p.Affinities, l.affinity(a, nodeRoots()...))
	}
	for _, s := range o.children("spread") {
		p.Spreads = append(p.Spreads, l.spread(s))
	}
	return p
}

func (l *loader) constraint(o *object, roots ...string) Constraint {
	c := Constraint{Operator: o.str("operator"), Value: o.str("value")}
	if _, ok := o.get("attribute"); ok {
		c.Attribute = l.attribute(o, "attribute", roots...)
	}
	if o.wrong("operator") {
		return c // what else it needs depends on the operator
	}
	l.compared(o)
	if o.lacks("value") && !slices.Contains(operatorsAlone(), c.Operator) {
		l.report(diag.Error(o.header, "Missing argument \"value\"", fmt.Sprintf("The operator %q compares with a value.", c.Operator), "Write value = \"…\"."))
	}
	if o.lacks("attribute") && c.Operator != "distinct_hosts" {
		l.report(diag.Error(o.header, "Missing argument \"attribute\"", "A constraint is about an attribute.", "Write, for example, attribute = \"attr.cpu.arch\"."))
	}
	return c
}

func (l *loader) affinity(o *object, roots ...string) Affinity {
	a := Affinity{Operator: o.str("operator"), Value: o.str("value"), Weight: o.num("weight")}
	if _, ok := o.get("attribute"); ok {
		a.Attribute = l.attribute(o, "attribute", roots...)
	}
	l.compared(o)
	if a.Weight == 0 {
		l.report(diag.Error(o.at("weight"), "The affinity has no weight", "With 0 it would change nothing.", "Write a weight from 1 to 100, or from -100 to -1 for what is to be avoided."))
	}
	return a
}

func (l *loader) spread(o *object) Spread {
	s := Spread{Weight: o.num("weight")}
	if _, ok := o.get("attribute"); ok {
		s.Attribute = l.attribute(o, "attribute", nodeRoots()...)
	}
	sum := 0
	for _, t := range o.children("target") {
		s.Targets = append(s.Targets, SpreadTarget{Value: t.label, Percent: t.num("percent")})
		if sum += t.num("percent"); sum > 100 {
			l.report(diag.Error(t.at("percent"), "The targets are more than everything", fmt.Sprintf("Up to here they are %d percent.", sum), ""))
		}
	}
	return s
}

func nodeRoots() []string { return []string{"node.", "attr.", "meta."} }

// attribute reads the name of an attribute and writes it as Nomad does: "node.class" → "${node.class}". It must start
// with one of the roots.
func (l *loader) attribute(o *object, arg string, roots ...string) string {
	name := o.str(arg)
	name = strings.TrimSuffix(strings.TrimPrefix(name, "${"), "}")
	if slices.ContainsFunc(roots, func(r string) bool { return strings.HasPrefix(name, r) && len(name) > len(r) }) && !strings.ContainsAny(name, "${} ") {
		return "${" + name + "}"
	}
	if roots[0] == "device." {
		l.report(diag.Error(o.at(arg), fmt.Sprintf("%q is not a device attribute", name), "A device attribute starts with device., as Nomad shows it.", "Write, for example, \"device.model\" or \"device.attr.memory\"."))
	} else {
		l.report(diag.Error(o.at(arg), fmt.Sprintf("%q is not a node attribute", name), "A node attribute starts with node., attr. or meta., as Nomad shows it.",
			"Write, for example, \"node.class\", \"attr.cpu.arch\" or \"meta.rack\"."))
	}
	return "${" + name + "}"
}
