package decompile

import (
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// amount is what a task gets.
type amount struct {
	cpu, cores int
	memory     int64
}

func amountOf(t *nomad.Task) amount {
	r := t.Resources
	if r == nil {
		r = nomad.DefaultResources()
	}
	a := amount{cpu: deref(r.CPU), cores: deref(r.Cores), memory: mib(r.MemoryMB)}
	if a.cores > 0 {
		a.cpu = 0
	}
	return a
}

// agentAmount is what the agent gets; a stranger's machine gets one of the usual size.
func (s *sketch) agentAmount() amount {
	if s.agent != nil {
		return amountOf(s.agent)
	}
	return amount{cpu: profile.DefaultAgentCPU, memory: profile.DefaultAgentMemory}
}

// whole is what the tasks get together. In cores, a task that has MHz still takes part in what is shared out, with one.
func (s *sketch) whole() amount {
	sum := s.agentAmount()
	if len(s.services) == 0 {
		return sum
	}
	inCores := s.inCores()
	for _, one := range s.services {
		for _, t := range one.tasks {
			a := amountOf(t)
			sum.memory += max(a.memory, 16<<20)
			sum.cpu += a.cpu
			sum.cores += a.cores
			if inCores && a.cores == 0 {
				sum.cores++
			}
		}
	}
	if inCores {
		sum.cpu = 0
	}
	// The setup has all there is: what a division left over, too.
	if a := s.setupAmount(); s.ours() && a.memory >= sum.memory && a.memory-sum.memory < 64<<20 {
		sum.memory = a.memory
		if !inCores && a.cpu >= sum.cpu && a.cpu-sum.cpu < 64 {
			sum.cpu = a.cpu
		}
		if inCores && a.cores >= sum.cores && a.cores-sum.cores < 64 {
			sum.cores = a.cores
		}
	}
	return sum
}

func (s *sketch) inCores() bool {
	return s.agentAmount().cores > 0 || slices.ContainsFunc(s.services, func(o *service) bool { return amountOf(o.task()).cores > 0 })
}

func (s *sketch) setupAmount() amount {
	if s.setup == nil {
		return amount{}
	}
	return amountOf(s.setup)
}

func (a amount) write(b *body) {
	b.num("cores", a.cores)
	if a.cores == 0 {
		b.num("cpu", a.cpu)
	}
	b.size("memory", a.memory)
}

func (s *sketch) resources(m *body) {
	b := m.block("resources")
	s.whole().write(b)
	if d := s.group.EphemeralDisk; d != nil && deref(d.SizeMB) != deref(nomad.DefaultEphemeralDisk().SizeMB) {
		b.size("disk", mib(d.SizeMB))
	}
}

// serviceResources leaves out what the service gets anyhow: an equal share.
func (s *sketch) serviceResources(m *body, one *service) {
	if s.sharedEqually() {
		return
	}
	b := &body{}
	a := amountOf(one.task())
	a.memory = max(a.memory, 16<<20)
	a.write(b)
	m.optional("resources", b)
}

func (s *sketch) sharedEqually() bool {
	whole, agent := s.whole(), s.agentAmount()
	n := 0
	first := amountOf(s.services[0].task())
	for _, one := range s.services {
		for _, t := range one.tasks {
			if amountOf(t) != first {
				return false
			}
			n++
		}
	}
	share := amount{cores: (whole.cores - agent.cores) / n, memory: (whole.memory - agent.memory) / int64(n) >> 20 << 20}
	if whole.cores == 0 {
		share.cpu = (whole.cpu - agent.cpu) / n
	}
	return share == first
}

func (s *sketch) agentResources(m *body) {
	a := amountOf(s.agent)
	if len(s.services) == 0 || a == (amount{cpu: profile.DefaultAgentCPU, memory: profile.DefaultAgentMemory}) {
		return
	}
	b := &body{}
	a.write(b)
	m.optional("resources", b)
}

func (s *sketch) setupResources(m *body) {
	a := amountOf(s.setup)
	if a == s.whole() {
		return
	}
	a.memory = min(a.memory, s.whole().memory)
	b := &body{}
	a.write(b)
	m.optional("resources", b)
}

// gpu writes what GPUs the machine needs.
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
		if d.Name != profile.DefaultDevice {
			b.str("device", d.Name)
		}
		g := &gpuWords{constraints: slices.Clone(d.Constraints), affinities: slices.Clone(d.Affinities)}
		g.models(b)
		g.rest(b, s)
		return
	}
}

// gpuWords takes a device's constraints apart, in the order in which the compiler makes them.
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

// next takes the first constraint if it is such a one.
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

// firmware is the compiler's: the part of a nominal size, in percent, that a card may lack.
const firmware = 8

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
		if !strings.HasPrefix(c.LTarget, "${device.") || !complete(c) {
			s.notef("the constraint on GPUs for %s", c.LTarget)
			continue
		}
		writeConstraint(b, c)
	}
	for _, a := range g.affinities {
		if !strings.HasPrefix(attribute(a.LTarget), "device.") || !slices.Contains(affinityOperators(), operator(a.Operand)) || deref(a.Weight) == 0 || a.RTarget == "" {
			s.notef("the preference among GPUs for %s", a.LTarget)
			continue
		}
		writeAffinity(b, a)
	}
}

// nominal is the size in whole GiB, or else MiB, that the compiler makes such a bound of; 0 if it is none.
func nominal(bound string) int64 {
	n := int64(0)
	for _, r := range bound {
		n = n*10 + int64(r-'0')
		if n > 1<<30 {
			return 0
		}
	}
	for _, unit := range []int64{1024, 512, 1} {
		first := n * 100 / (100 - firmware) / unit * unit
		for size := max(first-unit, 0); size <= first+unit; size += unit {
			if size > 0 && size*(100-firmware)/100 == n {
				return size << 20
			}
		}
	}
	return 0
}
