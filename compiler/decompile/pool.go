package decompile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// poolBlock writes the pool, without its nomad block.
func (s *sketch) poolBlock(file *body) *body {
	p := file.block("pool", s.pool)
	p.set("machine", "machine."+s.machine)
	if n := deref(s.job.Priority); n >= 1 && n <= 100 {
		unusual(p, "priority", n)
	}
	s.size(p)
	if s.policy != nil {
		c := p.section("scale")
		unusual(c, "target_wait", s.policy.TargetWait.D())
		unusual(c, "up_cooldown", s.policy.UpCooldown.D())
		unusual(c, "down_cooldown", s.policy.DownCooldown.D())
		unusual(c, "idle_after", s.policy.IdleAfter.D())
		p.optional("scale", c)
	}
	s.placement(p)
	return p
}

func (s *sketch) size(p *body) {
	b := p.block("size")
	least, most := deref(s.group.Count), max(deref(s.group.Count), 1)
	switch scaling := s.group.Scaling; {
	case s.policy != nil:
		least, most = s.policy.Min, s.policy.Max
	case scaling != nil:
		if scaling.Min != nil {
			least = int(*scaling.Min)
		}
		if scaling.Max != nil {
			most = max(int(*scaling.Max), 1)
		}
		if len(scaling.Policy) > 0 {
			s.notef("the group's scaling policy (a pool is scaled by its waiting jobs; see the scale block)")
		}
	}
	b.num("min", min(least, most))
	b.num("max", most)
}

func (s *sketch) placement(p *body) {
	b := p.section("placement")
	if r := deref(s.job.Region); r != "" && r != nomad.GlobalRegion {
		b.str("region", r)
	}
	if n := deref(s.job.Namespace); n != "" && n != nomad.DefaultNamespace {
		b.str("namespace", n)
	}
	constraints := slices.Clone(s.group.Constraints)
	datacenters, nodePool := s.job.Datacenters, deref(s.job.NodePool)
	if s.ours() {
		datacenters, nodePool, constraints = placeOf(constraints)
	} else {
		constraints = append(slices.Clone(s.job.Constraints), constraints...)
	}
	if nodePool != "" && nodePool != nomad.NodePoolDefault {
		b.str("node_pool", nodePool)
	}
	if len(datacenters) > 0 && !slices.Contains(datacenters, "*") {
		b.strings("datacenters", datacenters)
	}
	for _, c := range constraints {
		if !nodeConstraint(c) {
			s.leftovers = append(s.leftovers, c)
			continue
		}
		writeConstraint(b, c)
	}
	affinities, spreads := slices.Clone(s.group.Affinities), slices.Clone(s.group.Spreads)
	if !s.ours() {
		affinities, spreads = append(slices.Clone(s.job.Affinities), affinities...), append(slices.Clone(s.job.Spreads), spreads...)
	}
	for _, a := range affinities {
		if !preference(a) {
			s.notef("the affinity for %s %s", a.LTarget, a.Operand)
			continue
		}
		writeAffinity(b, a)
	}
	for _, sp := range spreads {
		s.spread(b, sp)
	}
	p.optional("placement", b)
}

func (s *sketch) spread(b *body, sp *nomad.Spread) {
	if attribute(sp.Attribute) == "" || deref(sp.Weight) < 0 {
		s.notef("the spread over %s", sp.Attribute)
		return
	}
	r := b.block("spread")
	r.str("attribute", attribute(sp.Attribute))
	if w := int(deref(sp.Weight)); w > 0 {
		unusual(r, "weight", w)
	}
	for _, t := range sp.SpreadTarget {
		if t.Percent > 0 {
			r.block("target", t.Value).set("percent", fmt.Sprint(t.Percent))
		}
	}
}

var (
	anyOf     = regexp.MustCompile(`^\^\((.*)\)\$$`)
	unescaped = regexp.MustCompile(`\\(.)`)
)

// placeOf extracts datacenters and node pool from the constraints that the compiler makes for them.
func placeOf(list []*nomad.Constraint) (datacenters []string, nodePool string, rest []*nomad.Constraint) {
	if len(list) > 0 && list[0].LTarget == "${node.datacenter}" {
		switch m := anyOf.FindStringSubmatch(list[0].RTarget); {
		case list[0].Operand == "=":
			datacenters, list = []string{list[0].RTarget}, list[1:]
		case list[0].Operand == nomad.ConstraintRegex && m != nil:
			for _, name := range strings.Split(m[1], "|") {
				datacenters = append(datacenters, unescaped.ReplaceAllString(strings.ReplaceAll(name, ".*", "*"), "$1"))
			}
			list = list[1:]
		}
	}
	if len(list) > 0 && list[0].LTarget == "${node.pool}" && list[0].Operand == "=" {
		return datacenters, list[0].RTarget, list[1:]
	}
	return datacenters, nomad.NodePoolAll, list
}

// operator returns the language's name for one of Nomad's operators.
func operator(o string) string {
	switch o {
	case "", "==", "is":
		return "="
	case "not":
		return "!="
	default:
		return o
	}
}

func constraintOperators() []string { return profile.Choices("pool.placement.constraint.operator") }

func deviceOperators() []string { return profile.Choices("machine.gpu.constraint.operator") }

func affinityOperators() []string { return profile.Choices("pool.placement.affinity.operator") }

var interpolated = regexp.MustCompile(`^\$\{((?:node|attr|meta|device)\.[^${} ]+)\}$`)

// attribute returns the name within "${…}", or "" if it is not an attribute of a node or device.
func attribute(target string) string {
	if m := interpolated.FindStringSubmatch(target); m != nil {
		return m[1]
	}
	return ""
}

// nodeConstraint reports whether the language can express the constraint.
func nodeConstraint(c *nomad.Constraint) bool {
	if operator(c.Operand) == "distinct_hosts" {
		return c.LTarget == ""
	}
	return complete(c, constraintOperators()) && !strings.HasPrefix(c.LTarget, "${device.")
}

// complete reports whether a constraint has an attribute, one of the operators, and a value that the operator takes.
func complete(c *nomad.Constraint, operators []string) bool {
	op := operator(c.Operand)
	alone := op == "is_set" || op == "is_not_set" || op == "distinct_property"
	return slices.Contains(operators, op) && attribute(c.LTarget) != "" && (alone || c.RTarget != "") && profile.ValidComparison(op, c.RTarget)
}

// preference reports whether the language can express an affinity, of a node or of a device.
func preference(a *nomad.Affinity) bool {
	op := operator(a.Operand)
	return slices.Contains(affinityOperators(), op) && attribute(a.LTarget) != "" && a.RTarget != "" && profile.ValidComparison(op, a.RTarget) && deref(a.Weight) != 0
}

func writeConstraint(b *body, c *nomad.Constraint) {
	r := b.block("constraint")
	r.str("attribute", attribute(c.LTarget))
	unusual(r, "operator", operator(c.Operand))
	r.str("value", c.RTarget)
}

func writeAffinity(b *body, a *nomad.Affinity) {
	r := b.block("affinity")
	r.str("attribute", attribute(a.LTarget))
	unusual(r, "operator", operator(a.Operand))
	r.str("value", a.RTarget)
	unusual(r, "weight", int(deref(a.Weight)))
}
