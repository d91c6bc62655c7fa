package decompile

import (
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// settle removes from a group what Nomad's servers added at registration and will add again.
func settle(g *nomad.TaskGroup) {
	g.Constraints = slices.DeleteFunc(g.Constraints, implied)
	for _, n := range g.Networks {
		for _, ports := range [][]nomad.Port{n.ReservedPorts, n.DynamicPorts} {
			for i := range ports {
				if ports[i].HostNetwork == "default" {
					ports[i].HostNetwork = ""
				}
			}
		}
	}
	for _, t := range g.Tasks {
		t.Constraints = slices.DeleteFunc(t.Constraints, implied)
		for _, r := range t.Services {
			if r.TaskName == t.Name {
				r.TaskName = ""
			}
			for i := range r.Checks {
				if r.Checks[i].TaskName == t.Name {
					r.Checks[i].TaskName = ""
				}
			}
		}
	}
}

// implied reports whether Nomad derives the constraint from other parts of a group: service and check blocks, Vault,
// signals, and bridge networks.
func implied(c *nomad.Constraint) bool {
	switch name := attribute(c.LTarget); {
	case c.Operand == nomad.ConstraintSemver:
		known := map[string]string{"attr.nomad.version": ">= 1.4.0", "attr.consul.version": ">= 1.8.0", "attr.vault.version": ">= 0.6.1"}
		return known[name] == c.RTarget && c.RTarget != "" || strings.HasPrefix(name, "attr.plugins.cni.version.")
	case name == "attr.nomad.service_discovery":
		return c.RTarget == "true"
	case name == "attr.os.signals":
		return c.Operand == nomad.ConstraintSetContains
	default:
		return false
	}
}
