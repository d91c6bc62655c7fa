package decompile

import (
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/profile"
)

// gpu writes the machine's gpu block.
func (s *sketch) gpu(m *body) {
	if s.gpus == 0 {
		if s.ours() && s.doc.Kind != string(profile.KindAPI) {
			m.block("gpu").set("count", "0")
		}
		return
	}
	b := m.block("gpu")
	b.num("count", s.gpus)
	i := slices.IndexFunc(s.services, func(o *service) bool { return o.perGPU })
	for _, d := range s.services[i].task().Resources.Devices {
		if !isGPU(d.Name) && !s.ours() {
			continue
		}
		unusual(b, "device", d.Name)
		g := &gpuWords{constraints: slices.Clone(d.Constraints), affinities: slices.Clone(d.Affinities)}
		g.models(b)
		g.rest(b, s)
		return
	}
}

// gpuWords parses a device's constraints, in the order in which the compiler makes them.
type gpuWords struct {
	constraints []*nomad.Constraint
	affinities  []*nomad.Affinity
}

var (
	migModel = regexp.MustCompile(`^(.*) MIG ([0-9]+g\.[0-9]+gb[a-z0-9.+]*)$`)
	migAlone = regexp.MustCompile(`^ MIG ([0-9]+g)\\\.([0-9]+gb)\$$`)
	memory   = regexp.MustCompile(`^([0-9]+) MiB$`)
	versions = regexp.MustCompile(`^\s*(=|!=|>|>=|<|<=|~>)?\s*[0-9]+(\.[0-9]+)*\s*(,\s*(=|!=|>|>=|<|<=|~>)?\s*[0-9]+(\.[0-9]+)*\s*)*$`)
)

// next consumes the first constraint if it has the given attribute and operator.
func (g *gpuWords) next(attribute, operator string) (value string, ok bool) {
	if len(g.constraints) == 0 || g.constraints[0].LTarget != attribute || g.constraints[0].Operand != operator {
		return "", false
	}
	return g.constraints[0].RTarget, true
}

func (g *gpuWords) models(b *body) {
	const attribute = "${device.model}"
	if value, ok := g.next(attribute, "="); ok {
		if m := migModel.FindStringSubmatch(value); m != nil {
			b.str("model", m[1])
			b.str("mig", m[2])
		} else {
			b.str("model", value)
		}
		g.constraints = g.constraints[1:]
		return
	}
	if value, ok := g.next(attribute, nomad.ConstraintRegex); ok {
		if m := migAlone.FindStringSubmatch(value); m != nil {
			b.str("mig", m[1]+"."+m[2])
			g.constraints = g.constraints[1:]
		}
		return
	}
	value, ok := g.next(attribute, nomad.ConstraintSetContainsAny)
	names := strings.Split(value, ",")
	if !ok || len(names) < 2 || len(g.affinities) < len(names) || slices.Contains(names, "") {
		return
	}
	for i, name := range names {
		a := g.affinities[i]
		if a.LTarget != attribute || a.RTarget != name || int(deref(a.Weight)) != 100-i*100/len(names) {
			return
		}
	}
	g.constraints, g.affinities = g.constraints[1:], g.affinities[len(names):]
	if m := migModel.FindStringSubmatch(names[0]); m != nil {
		b.str("mig", m[2])
		for i := range names {
			names[i] = strings.TrimSuffix(names[i], " MIG "+m[2])
		}
	}
	b.strings("models", names)
}

func (g *gpuWords) rest(b *body, s *sketch) {
	if value, ok := g.next("${device.attr.memory}", ">="); ok {
		if m := memory.FindStringSubmatch(value); m != nil {
			if size := nominal(m[1]); size > 0 {
				b.size("memory", size)
				g.constraints = g.constraints[1:]
			}
		}
	}
	if value, ok := g.next("${device.attr.driver_version}", nomad.ConstraintVersion); ok && versions.MatchString(value) {
		b.str("driver", value)
		g.constraints = g.constraints[1:]
	}
	for _, c := range g.constraints {
		if !strings.HasPrefix(c.LTarget, "${device.") || !complete(c, deviceOperators()) {
			s.notef("the constraint on GPUs for %s", c.LTarget)
			continue
		}
		writeConstraint(b, c)
	}
	for _, a := range g.affinities {
		if !strings.HasPrefix(attribute(a.LTarget), "device.") || !preference(a) {
			s.notef("the preference among GPUs for %s", a.LTarget)
			continue
		}
		writeAffinity(b, a)
	}
}

// nominal returns the size, in whole GiB or else MiB, for which the compiler makes the given bound, or 0 if there is
// none.
func nominal(bound string) int64 {
	n := int64(0)
	for _, r := range bound {
		n = n*10 + int64(r-'0')
		if n > 1<<30 {
			return 0
		}
	}
	for _, unit := range []int64{1024, 512, 1} {
		first := n * 100 / (100 - compiler.LackingMemory) / unit * unit
		for size := max(first-unit, 0); size <= first+unit; size += unit {
			if size > 0 && size*(100-compiler.LackingMemory)/100 == n {
				return size << 20
			}
		}
	}
	return 0
}
