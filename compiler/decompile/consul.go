package decompile

import (
	"slices"
	"strconv"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// Where services are registered.
const (
	inConsul = "consul"
	inNomad  = "nomad"
)

// withoutConsul registers a foreign job's services in Nomad's own catalogue. All services of a group have one provider, and the
// provider of a machine's own services is Nomad, where apply reads whether they are ready.
func (s *sketch) withoutConsul() {
	g := s.group
	g.Tasks = slices.DeleteFunc(g.Tasks, injected)
	for _, n := range g.Networks {
		n.DynamicPorts = slices.DeleteFunc(n.DynamicPorts, func(p nomad.Port) bool { return strings.HasPrefix(p.Label, "connect-") })
	}
	g.Services = s.registered(g.Services)
	for _, t := range g.Tasks {
		t.Services = s.registered(t.Services)
	}
}

// injected reports whether Nomad's servers made the task, for a connect block.
func injected(t *nomad.Task) bool {
	kind, _, _ := strings.Cut(t.Kind, ":")
	return strings.HasPrefix(kind, "connect-") && kind != "connect-native"
}

func (s *sketch) registered(list []*nomad.Service) []*nomad.Service {
	var kept []*nomad.Service
	for _, r := range list {
		if r.Provider != inConsul && r.Provider != "" {
			kept = append(kept, r)
			continue
		}
		_, number := strconv.Atoi(r.PortLabel)
		switch {
		case r.Connect != nil && r.Connect.Gateway != nil:
			s.notef("the service %q (a gateway of Consul's mesh)", r.Name)
			continue
		case number == nil && s.portOf(r.PortLabel) == nil:
			s.notef("the service %q (its port %s is not a label of the network and is reached through Consul's mesh only)", r.Name, r.PortLabel)
			continue
		case r.Connect != nil:
			s.notef("the connect block of service %q (it is no longer in Consul's mesh, and NOMAD_UPSTREAM_… are not set)", r.Name)
		}
		s.notef("the registration of service %q in Consul (it is registered in Nomad's own catalogue)", r.Name)
		kept = append(kept, s.plainService(r))
	}
	return kept
}

// plainService returns a service reduced to what Nomad's own catalogue supports.
func (s *sketch) plainService(r *nomad.Service) *nomad.Service {
	out := &nomad.Service{
		Name: r.Name, Provider: inNomad, PortLabel: r.PortLabel, AddressMode: r.AddressMode, Address: r.Address,
		TaskName: r.TaskName, Tags: r.Tags, CanaryTags: r.CanaryTags, OnUpdate: r.OnUpdate, CheckRestart: r.CheckRestart,
	}
	for what, there := range map[string]bool{
		"meta": len(r.Meta)+len(r.CanaryMeta) > 0, "tagged addresses": len(r.TaggedAddresses) > 0, "weights": r.Weights != nil, "identity": r.Identity != nil,
	} {
		if there {
			s.notef("the %s of service %q (only Consul has them)", what, r.Name)
		}
	}
	for _, c := range r.Checks {
		if c.Type != "http" && c.Type != "tcp" {
			s.notef("the %s check of service %q (Nomad's own checks are http and tcp)", c.Type, r.Name)
			continue
		}
		out.Checks = append(out.Checks, nomad.ServiceCheck{
			Name: c.Name, Type: c.Type, Path: c.Path, Protocol: c.Protocol, PortLabel: c.PortLabel, AddressMode: c.AddressMode, Interval: c.Interval,
			Timeout: c.Timeout, Method: c.Method, Body: c.Body, Header: c.Header, CheckRestart: c.CheckRestart, OnUpdate: c.OnUpdate, TLSSkipVerify: c.TLSSkipVerify,
		})
	}
	return out
}
