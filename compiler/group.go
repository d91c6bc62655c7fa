package compiler

import (
	"regexp"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/spec"
)

// How a machine that fails is treated.
const (
	// rescheduleDelay and rescheduleLimit bound the growing pause before a dead machine is placed again.
	rescheduleDelay = 10 * time.Second
	rescheduleLimit = 10 * time.Minute
	// lostAfter is how long a client may be out of reach before its machines are given up. Their jobs go back to the queue
	// much earlier, when their leases end; a machine that comes back in time goes on.
	lostAfter = 5 * time.Minute
)

// group assembles the machine's task group, without name, count and scaling block.
func (m *machine) group() *nomad.TaskGroup {
	share := m.shareOut()
	g := &nomad.TaskGroup{
		Constraints: m.constraints(),
		Spreads:     m.spreads(),
		Networks:    []*nomad.NetworkResource{m.network()},
		ReschedulePolicy: &nomad.ReschedulePolicy{
			Delay:         new(rescheduleDelay),
			DelayFunction: new("exponential"),
			MaxDelay:      new(rescheduleLimit),
			Unlimited:     new(true),
		},
		Disconnect: &nomad.DisconnectStrategy{
			LostAfter: new(lostAfter),
			Replace:   new(false),
			Reconcile: new(nomad.ReconcileOptionKeepOriginal),
		},
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
	return g
}

// network asks for one dynamic port per listening instance, and the agent's.
func (m *machine) network() *nomad.NetworkResource {
	n := &nomad.NetworkResource{}
	for _, at := range m.instances {
		if at.service.Port != "" {
			n.DynamicPorts = append(n.DynamicPorts, nomad.Port{Label: spec.PortLabel(at.name)})
		}
	}
	n.DynamicPorts = append(n.DynamicPorts, nomad.Port{Label: spec.PortAgent})
	return n
}

// constraints are the pool's placement. Datacenters and node pool are among them, not on the job: there, changing them
// would stop running machines at once instead of letting the dispatcher move the pool over.
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
		// It has no attribute, and a value only to turn it off.
		return nomad.NewConstraint("", c.Operator, c.Value)
	case "":
		return nomad.NewConstraint(reference(c.Attribute), "=", c.Value)
	default:
		return nomad.NewConstraint(reference(c.Attribute), c.Operator, c.Value)
	}
}

// datacenters is nil where any will do. Names may hold the wildcard that Nomad's own field takes.
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
	if m.pool.Placement.Spread == "" {
		return nil
	}
	return []*nomad.Spread{nomad.NewSpread(reference(m.pool.Placement.Spread), 100, nil)}
}

// reference puts an attribute's name the way Nomad wants it: "attr.kernel.name" and "${attr.kernel.name}" are the same.
func reference(attribute string) string {
	if strings.HasPrefix(attribute, "${") {
		return attribute
	}
	return "${" + attribute + "}"
}

// task is what the three sorts of task have in common.
func (m *machine) task(name string) *nomad.Task {
	return &nomad.Task{
		Name:       name,
		Driver:     string(m.Driver),
		KillSignal: "SIGTERM",
		LogConfig:  m.logs(),
	}
}

// logs rotates each task's output; Nomad keeps stdout and stderr apart, so a task takes twice this at most.
func (m *machine) logs() *nomad.LogConfig {
	return &nomad.LogConfig{MaxFiles: new(3), MaxFileSizeMB: new(10)}
}

// merged is the machine's map with the task's own values over it.
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
