package decompile

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
)

// listens finds the port on which a foreign job's task listens, and gives it the label that a compiled job would use.
func (s *sketch) listens(one *service) {
	t := one.task()
	candidates := s.labelsOf(t)
	i := slices.IndexFunc(candidates, func(l string) bool { return s.portOf(l) != nil })
	if i < 0 {
		return
	}
	label := candidates[i]
	one.port = manifest.PortLabel(t.Name)
	s.relabel(label, one.port)
	one.where = s.portOf(one.port)
	for _, r := range s.registrations(t) {
		for i := range r.Checks {
			c := &r.Checks[i]
			port := c.PortLabel
			if port == "" {
				port = r.PortLabel
			}
			if c.Type == "http" && port == one.port && one.ready == nil && strings.HasPrefix(c.Path, "/") && (c.Protocol == "" || c.Protocol == "http") {
				one.ready = c
			}
		}
	}
}

// registrations returns the services of a task: its own, and the group's that refer to it.
func (s *sketch) registrations(t *nomad.Task) []*nomad.Service {
	list := slices.Clone(t.Services)
	for _, r := range s.group.Services {
		if r.TaskName == t.Name || r.TaskName == "" {
			list = append(list, r)
		}
	}
	return list
}

var portReference = regexp.MustCompile(`NOMAD_(?:PORT|ADDR|IP|HOST_PORT|HOST_ADDR|HOST_IP|ALLOC_PORT)_([A-Za-z0-9_]+)`)

// labelsOf returns the port labels that a task uses, the strongest evidence first: those that it publishes, registers,
// or refers to. If there is only one task and one port, the port is the task's.
func (s *sketch) labelsOf(t *nomad.Task) []string {
	var list []string
	if ports, ok := t.Config["ports"].([]any); ok {
		for _, p := range ports {
			if label, ok := p.(string); ok {
				list = append(list, label)
			}
		}
	}
	for _, r := range t.Services {
		list = append(list, r.PortLabel)
	}
	for _, r := range s.group.Services {
		if r.TaskName == t.Name {
			list = append(list, r.PortLabel)
		}
	}
	b, err := json.Marshal([]any{t.Config, t.Env, t.Templates})
	if err == nil {
		for _, m := range portReference.FindAllSubmatch(b, -1) {
			list = append(list, string(m[1]))
		}
	}
	if len(s.services) == 1 {
		for _, n := range s.group.Networks {
			for _, ports := range [][]nomad.Port{n.ReservedPorts, n.DynamicPorts} {
				for _, p := range ports {
					list = append(list, p.Label)
				}
			}
		}
	}
	return slices.DeleteFunc(list, func(l string) bool { return l == "" || s.taken(l) })
}

// taken reports whether a port already belongs to another service.
func (s *sketch) taken(label string) bool {
	return slices.ContainsFunc(s.services, func(o *service) bool { return o.port == label })
}

// relabel changes a port's label everywhere in the group.
func (s *sketch) relabel(old, now string) {
	if old == now {
		return
	}
	s.notef("the port label %q (it is now %q, and NOMAD_PORT_%s in the environment)", old, now, now)
	b, err := json.Marshal(s.group)
	if err != nil {
		return
	}
	b = portReference.ReplaceAllFunc(b, func(m []byte) []byte {
		if string(portReference.FindSubmatch(m)[1]) == old {
			return append(m[:len(m)-len(old):len(m)-len(old)], now...)
		}
		return m
	})
	var g nomad.TaskGroup
	if json.Unmarshal(b, &g) != nil {
		return
	}
	tasks := s.group.Tasks
	*s.group = g
	for i := range tasks { // they refer to the port by its address
		*tasks[i] = *g.Tasks[i]
	}
	s.group.Tasks = tasks
	for _, n := range s.group.Networks {
		for _, ports := range [][]nomad.Port{n.ReservedPorts, n.DynamicPorts} {
			for i := range ports {
				if ports[i].Label == old {
					ports[i].Label = now
				}
			}
		}
	}
	relabelServices(s.group.Services, old, now)
	for _, t := range s.group.Tasks {
		relabelServices(t.Services, old, now)
		if list, ok := t.Config["ports"].([]any); ok {
			for i := range list {
				if list[i] == old {
					list[i] = now
				}
			}
		}
	}
}

func relabelServices(list []*nomad.Service, old, now string) {
	for _, r := range list {
		if r.PortLabel == old {
			r.PortLabel = now
		}
		for i := range r.Checks {
			if r.Checks[i].PortLabel == old {
				r.Checks[i].PortLabel = now
			}
		}
	}
}

// withoutOtherPorts removes references to ports that the machine won't have, because a service has only one port.
func (s *sketch) withoutOtherPorts() {
	gone := func(label string) bool { return label != "" && s.portOf(label) != nil && !s.taken(label) }
	withoutPort := func(list []*nomad.Service) []*nomad.Service {
		return slices.DeleteFunc(list, func(r *nomad.Service) bool {
			if gone(r.PortLabel) {
				s.notef("the service %q on port %q", r.Name, r.PortLabel)
				return true
			}
			r.Checks = slices.DeleteFunc(r.Checks, func(c nomad.ServiceCheck) bool { return gone(c.PortLabel) })
			return false
		})
	}
	s.group.Services = withoutPort(s.group.Services)
	for _, t := range s.group.Tasks {
		t.Services = withoutPort(t.Services)
		if ports, ok := t.Config["ports"].([]any); ok {
			t.Config["ports"] = slices.DeleteFunc(ports, func(p any) bool {
				label, _ := p.(string)
				return gone(label)
			})
		}
	}
}
