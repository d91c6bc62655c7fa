package decompile

import (
	"slices"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// amount is a task's share of resources.
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

// agentAmount returns the agent's resources; in a foreign job's machine they are the defaults.
func (s *sketch) agentAmount() amount {
	if s.agent != nil {
		return amountOf(s.agent)
	}
	return usualAgent()
}

// usualAgent returns what an agent gets if the profile doesn't set it.
func usualAgent() amount {
	const block = "machine.agent.resources."
	return amount{cpu: profile.Default[int](block + "cpu"), memory: profile.Default[int64](block + "memory")}
}

// whole returns the sum of the tasks' resources. If they are in cores, a task with MHz counts as one core, because it
// takes part in the division.
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
	// The setup has the whole machine, including the remainder of a division.
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

// serviceResources writes a service's resources, except an equal share, which is the default.
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
	if len(s.services) == 0 || a == usualAgent() {
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
