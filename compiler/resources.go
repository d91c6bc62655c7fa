package compiler

import (
	"fmt"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// What the agent gets where its profile says nothing, and the least that any task gets.
const (
	agentCPU    = 100       // MHz
	agentMemory = 128 << 20 // bytes
	leastCPU    = 50        // MHz
	leastMemory = 32 << 20  // bytes
	leastDiskMB = 64        // the logs of one task, and some room
)

// shares says what each task of a machine gets of the machine's resources.
type shares struct {
	setup    *nomad.Resources
	services []*nomad.Resources // by instance
	agent    *nomad.Resources
}

// shareOut divides the machine's resources. The agent and services that name their own come first; what is left is
// divided equally among the other instances. The setup has everything, since it runs while nothing else does.
func (m *machine) shareOut() shares {
	total := m.Resources
	if total.Disk > 0 && mebibytes(total.Disk) < leastDiskMB {
		m.fail(total.Range, "Too little disk", "A machine's disk holds the logs of its tasks.", fmt.Sprintf("Ask for %d MiB or more.", leastDiskMB))
	}
	s := shares{services: make([]*nomad.Resources, len(m.instances))}
	agent := m.agentResources()
	s.agent = resources(agent)

	rest := profile.Resources{CPU: total.CPU - agent.CPU, Cores: total.Cores - agent.Cores, Memory: total.Memory - agent.Memory}
	var sharing []int
	for i, at := range m.instances {
		own := at.service.Resources
		if own == nil {
			sharing = append(sharing, i)
			continue
		}
		rest.CPU -= own.CPU
		rest.Cores -= own.Cores
		rest.Memory -= own.Memory
		s.services[i] = resources(*own)
	}
	m.checkRest(rest, len(sharing))
	if n := len(sharing); n > 0 {
		each := resources(profile.Resources{CPU: max(rest.CPU, 0) / n, Cores: max(rest.Cores, 0) / n, Memory: max(rest.Memory, 0) / int64(n)})
		for _, i := range sharing {
			r := *each
			s.services[i] = &r
		}
	}
	for i, at := range m.instances {
		if at.gpu >= 0 {
			s.services[i].Devices = []*nomad.RequestedDevice{m.device()}
		}
	}
	s.setup = resources(total)
	if m.Setup != nil && m.Setup.Resources != nil {
		s.setup = resources(*m.Setup.Resources)
	}
	return s
}

// agentResources: a machine without services is all the agent's.
func (m *machine) agentResources() profile.Resources {
	r := m.Agent.Resources
	if len(m.instances) == 0 && r.CPU == 0 && r.Cores == 0 && r.Memory == 0 {
		r = m.Resources
	}
	if r.CPU == 0 && r.Cores == 0 {
		r.CPU = agentCPU
	}
	if r.Memory == 0 {
		r.Memory = agentMemory
	}
	return r
}

// checkRest says so where the machine's resources don't go round.
func (m *machine) checkRest(rest profile.Resources, sharing int) {
	total := m.Resources
	complain := func(what, has, left string) {
		m.fail(total.Range, "The machine's "+what+" doesn't go round", fmt.Sprintf(
			"Machine %q has %s. After the agent and the services with resources of their own, %s is left for %d more service instances.",
			m.Name, has, left, sharing), fmt.Sprintf("Raise the machine's %s, or lower theirs.", what))
	}
	n := max(sharing, 1)
	if total.Memory > 0 && (rest.Memory < 0 || sharing > 0 && rest.Memory/int64(n) < leastMemory) {
		complain("memory", fmt.Sprintf("%d MiB", total.Memory>>20), fmt.Sprintf("%d MiB", rest.Memory>>20))
	}
	if total.CPU > 0 && (rest.CPU < 0 || sharing > 0 && rest.CPU/n < leastCPU) {
		complain("cpu", fmt.Sprintf("%d MHz", total.CPU), fmt.Sprintf("%d MHz", rest.CPU))
	}
	if total.Cores > 0 && (rest.Cores < 0 || sharing > 0 && rest.Cores/n < 1) {
		complain("cores", fmt.Sprintf("%d cores", total.Cores), fmt.Sprintf("%d", rest.Cores))
	}
	if total.Cores > 0 && sharing > 0 && rest.Cores > 0 && rest.Cores%n != 0 {
		m.warn(total.Range, "Cores that nobody gets", fmt.Sprintf(
			"Machine %q has %d cores for %d service instances; %d of them stay unused.", m.Name, rest.Cores, sharing, rest.Cores%n), "")
	}
}

// resources puts them in Nomad's form. What isn't said is left to Nomad's defaults.
func resources(r profile.Resources) *nomad.Resources {
	out := &nomad.Resources{}
	if r.Cores > 0 {
		out.Cores = new(r.Cores)
	} else if r.CPU > 0 {
		out.CPU = new(r.CPU)
	}
	if r.Memory > 0 {
		out.MemoryMB = new(mebibytes(r.Memory))
	}
	return out
}

// mebibytes is Nomad's unit; its field names say MB.
func mebibytes(bytes int64) int { return int(bytes >> 20) }

// firmware is the part of a GPU's nominal memory, in percent, that it may lack and still count as that size: error
// correction and firmware take their share (a "24 GiB" RTX 4090 reports 24564 MiB, a "24 GiB" L4 23034 MiB), and no
// two sizes of card are this close together.
const firmware = 8

// device asks for one GPU.
func (m *machine) device() *nomad.RequestedDevice {
	name := m.GPU.Device
	if name == "" {
		name = "nvidia/gpu"
	}
	d := &nomad.RequestedDevice{Name: name, Count: new(uint64(1))}
	if m.GPU.Model != "" {
		d.Constraints = append(d.Constraints, nomad.NewConstraint("${device.model}", "=", m.GPU.Model))
	}
	if m.GPU.Memory > 0 {
		least := (m.GPU.Memory >> 20) * (100 - firmware) / 100
		d.Constraints = append(d.Constraints, nomad.NewConstraint("${device.attr.memory}", ">=", fmt.Sprintf("%d MiB", least)))
	}
	if m.GPU.Driver != "" {
		d.Constraints = append(d.Constraints, nomad.NewConstraint("${device.attr.driver_version}", nomad.ConstraintVersion, m.GPU.Driver))
	}
	return d
}
