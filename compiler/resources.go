package compiler

import (
	"fmt"
	"regexp"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// shares holds each task's share of the machine's resources.
type shares struct {
	setup    *nomad.Resources
	services []*nomad.Resources // by instance
	agent    *nomad.Resources
}

// shareOut divides the machine's resources. The agent and the services with resources of their own get theirs first. The
// rest of each resource is divided equally among the instances that don't name an amount of it. The setup gets everything,
// since nothing else runs at the same time. The loader has checked that the resources suffice.
func (m *machine) shareOut() shares {
	agent := m.Agent.Resources
	each := make([]profile.Resources, len(m.instances))
	own := func(of func(profile.Resources) int64) []int64 {
		list := make([]int64, len(m.instances))
		for i, at := range m.instances {
			if at.service.Resources != nil {
				list[i] = of(*at.service.Resources)
			}
		}
		return list
	}
	cpu := func(r profile.Resources) int64 { return int64(r.CPU) }
	cores := func(r profile.Resources) int64 { return int64(r.Cores) }
	memory := func(r profile.Resources) int64 { return r.Memory }
	perCPU := divide(cpu(m.Resources)-cpu(agent), own(cpu))
	perCores := divide(cores(m.Resources)-cores(agent), own(cores))
	perMemory := divide(memory(m.Resources)-memory(agent), own(memory))

	s := shares{agent: resources(agent), setup: resources(m.Resources), services: make([]*nomad.Resources, len(m.instances))}
	for i, at := range m.instances {
		each[i] = profile.Resources{CPU: int(perCPU[i]), Cores: int(perCores[i]), Memory: perMemory[i]}
		if r := at.service.Resources; r != nil && r.CPU > 0 {
			each[i].Cores = 0
		}
		s.services[i] = resources(each[i])
		if at.gpu >= 0 && m.GPU != nil {
			s.services[i].Devices = []*nomad.RequestedDevice{m.device()}
		}
	}
	if m.Setup != nil && m.Setup.Resources != nil {
		s.setup = resources(*m.Setup.Resources)
	}
	return s
}

// divide returns own, with each 0 replaced by an equal part of what the others leave of rest.
func divide(rest int64, own []int64) []int64 {
	sharing := int64(0)
	for _, n := range own {
		rest -= n
		if n == 0 {
			sharing++
		}
	}
	each := make([]int64, len(own))
	for i, n := range own {
		each[i] = n
		if n == 0 {
			each[i] = max(rest, 0) / sharing
		}
	}
	return each
}

// resources converts resources to Nomad's form. What is 0 is left to Nomad's defaults.
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

// mebibytes converts bytes to MiB, the unit of Nomad's fields that end in MB.
func mebibytes(bytes int64) int { return int(bytes >> 20) }

// LackingMemory is the percentage of its nominal memory that a GPU may lack and still count as that size. Error correction and
// firmware use some of it: a "24 GiB" RTX 4090 reports 24564 MiB, a "24 GiB" L4 23034 MiB. No two sizes of cards are this
// close together.
const LackingMemory = 8

// device returns the request for one GPU.
func (m *machine) device() *nomad.RequestedDevice {
	d := &nomad.RequestedDevice{Name: m.GPU.Device, Count: new(uint64(1))}
	m.models(d)
	if m.GPU.Memory > 0 {
		least := (m.GPU.Memory >> 20) * (100 - LackingMemory) / 100
		d.Constraints = append(d.Constraints, nomad.NewConstraint("${device.attr.memory}", ">=", fmt.Sprintf("%d MiB", least)))
	}
	if m.GPU.Driver != "" {
		d.Constraints = append(d.Constraints, nomad.NewConstraint("${device.attr.driver_version}", nomad.ConstraintVersion, m.GPU.Driver))
	}
	for _, c := range m.GPU.Constraints {
		d.Constraints = append(d.Constraints, constraint(c))
	}
	d.Affinities = append(d.Affinities, affinities(m.GPU.Affinities)...)
	return d
}

// models adds to a device request which models are accepted, and which are preferred. A MIG slice is a device of its own,
// named after its GPU and its profile.
func (m *machine) models(d *nomad.RequestedDevice) {
	const attribute = "${device.model}"
	g := m.GPU
	slice := ""
	if g.MIG != "" {
		slice = " MIG " + g.MIG
	}
	switch {
	case len(g.Models) > 0:
		names := make([]string, len(g.Models))
		for i, name := range g.Models {
			names[i] = name + slice
			// The first model has weight 100 and the last one the least. None has 0, which Nomad refuses.
			weight := 100 - i*100/len(g.Models)
			d.Affinities = append(d.Affinities, nomad.NewAffinity(attribute, "=", names[i], int8(weight)))
		}
		d.Constraints = append(d.Constraints, nomad.NewConstraint(attribute, nomad.ConstraintSetContainsAny, strings.Join(names, ",")))
	case g.Model != "":
		d.Constraints = append(d.Constraints, nomad.NewConstraint(attribute, "=", g.Model+slice))
	case slice != "":
		d.Constraints = append(d.Constraints, nomad.NewConstraint(attribute, nomad.ConstraintRegex, regexp.QuoteMeta(slice)+"$"))
	}
}
