package compiler

import (
	"regexp"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// group returns the machine's task group, without name, count and scaling block.
func (m *machine) group() *nomad.TaskGroup {
	share := m.shareOut()
	g := &nomad.TaskGroup{
		Constraints:      m.constraints(),
		Spreads:          m.spreads(),
		Networks:         []*nomad.NetworkResource{m.network()},
		Affinities:       affinities(m.pool.Placement.Affinities),
		Volumes:          m.volumes(),
		ReschedulePolicy: m.reschedule(),
		Disconnect:       m.disconnect(),
	}
	if m.Resources.Disk > 0 {
		g.EphemeralDisk = &nomad.EphemeralDisk{SizeMB: new(mebibytes(m.Resources.Disk))}
	}
	if m.Setup != nil {
		g.Tasks = append(g.Tasks, m.setupTask(share))
	}
	for i, at := range m.instances {
		g.Tasks = append(g.Tasks, m.serviceTask(at, share.services[i]))
	}
	g.Tasks = append(g.Tasks, m.agentTask(share))
	m.mergeIntoGroup(g)
	m.checkProviders(g)
	m.checkPlaces(g)
	return g
}

// network requests one port per listening instance, and one for the agent.
func (m *machine) network() *nomad.NetworkResource {
	n := &nomad.NetworkResource{Hostname: m.Network.Hostname}
	if m.ownNetwork() {
		n.Mode = m.Network.Mode
	}
	if d := m.Network.DNS; d != nil {
		n.DNS = &nomad.DNSConfig{Servers: d.Servers, Searches: d.Searches, Options: d.Options}
	}
	for _, at := range m.instances {
		s := at.service
		port := nomad.Port{Label: manifest.PortLabel(at.name), Value: s.StaticPort, To: s.ContainerPort}
		switch {
		case s.Port == "":
		case port.Value > 0:
			n.ReservedPorts = append(n.ReservedPorts, port)
		default:
			n.DynamicPorts = append(n.DynamicPorts, port)
		}
	}
	n.DynamicPorts = append(n.DynamicPorts, nomad.Port{Label: manifest.PortAgent})
	return n
}

// ownNetwork reports whether the machine's tasks share a network of their own.
func (m *machine) ownNetwork() bool {
	return m.Network.Mode != "" && m.Network.Mode != "host"
}

// constraints returns the pool's placement. Datacenters and node pool are constraints too: on the job, a change of them
// would stop running machines immediately instead of letting the dispatcher move the pool over.
func (m *machine) constraints() []*nomad.Constraint {
	p := m.pool.Placement
	list := []*nomad.Constraint{}
	if c := datacenters(p.Datacenters); c != nil {
		list = append(list, c)
	}
	switch p.NodePool {
	case nomad.NodePoolAll:
	case "":
		list = append(list, nomad.NewConstraint("${node.pool}", "=", nomad.NodePoolDefault))
	default:
		list = append(list, nomad.NewConstraint("${node.pool}", "=", p.NodePool))
	}
	for _, c := range p.Constraints {
		list = append(list, constraint(c))
	}
	return list
}

func constraint(c profile.Constraint) *nomad.Constraint {
	switch c.Operator {
	case nomad.ConstraintDistinctHosts:
		// It has no attribute. Its only value turns it off.
		return nomad.NewConstraint("", c.Operator, c.Value)
	case "":
		return nomad.NewConstraint(reference(c.Attribute), "=", c.Value)
	default:
		return nomad.NewConstraint(reference(c.Attribute), c.Operator, c.Value)
	}
}

// datacenters returns the constraint for some datacenters, or nil if all are allowed. Names may contain the wildcard that
// Nomad's own field takes.
func datacenters(names []string) *nomad.Constraint {
	const attribute = "${node.datacenter}"
	if len(names) == 0 {
		return nil
	}
	patterns := make([]string, len(names))
	wild := len(names) > 1
	for i, name := range names {
		if name == "*" {
			return nil
		}
		wild = wild || strings.Contains(name, "*")
		patterns[i] = strings.ReplaceAll(regexp.QuoteMeta(name), `\*`, `.*`)
	}
	if !wild {
		return nomad.NewConstraint(attribute, "=", names[0])
	}
	return nomad.NewConstraint(attribute, nomad.ConstraintRegex, "^("+strings.Join(patterns, "|")+")$")
}

func (m *machine) spreads() []*nomad.Spread {
	var list []*nomad.Spread
	if m.pool.Placement.Spread != "" {
		list = append(list, nomad.NewSpread(reference(m.pool.Placement.Spread), 100, nil))
	}
	for _, s := range m.pool.Placement.Spreads {
		var targets []*nomad.SpreadTarget
		for _, t := range s.Targets {
			targets = append(targets, nomad.NewSpreadTarget(t.Value, uint8(t.Percent)))
		}
		list = append(list, nomad.NewSpread(reference(s.Attribute), int8(s.Weight), targets))
	}
	return list
}

func affinities(list []profile.Affinity) []*nomad.Affinity {
	var out []*nomad.Affinity
	for _, a := range list {
		out = append(out, nomad.NewAffinity(reference(a.Attribute), a.Operator, a.Value, int8(a.Weight)))
	}
	return out
}

// reference returns an attribute's name in Nomad's syntax: "attr.kernel.name" and "${attr.kernel.name}" are the same.
func reference(attribute string) string {
	if strings.HasPrefix(attribute, "${") {
		return attribute
	}
	return "${" + attribute + "}"
}

// stopSignal stops the agent and the setup.
const stopSignal = "SIGTERM"

// task returns what the agent, the setup and services have in common.
func (m *machine) task(name string) *nomad.Task {
	return &nomad.Task{
		Name:         name,
		Driver:       string(m.Driver),
		KillSignal:   stopSignal,
		LogConfig:    logs(m.Logs),
		VolumeMounts: m.mounts(),
	}
}

// merged returns the machine's map, overridden by the task's own values.
func merged[V string | profile.Secret](machine, task map[string]V) map[string]V {
	out := make(map[string]V, len(machine)+len(task))
	for k, v := range machine {
		out[k] = v
	}
	for k, v := range task {
		out[k] = v
	}
	return out
}
