package decompile

import (
	"regexp"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

func (s *sketch) ownNetwork() bool {
	return len(s.group.Networks) > 0 && (s.group.Networks[0].Mode == "bridge" || strings.HasPrefix(s.group.Networks[0].Mode, "cni/"))
}

// network writes the machine's network block and its ports.
func (s *sketch) network(m *body) {
	if len(s.group.Networks) == 0 {
		return
	}
	n := s.group.Networks[0]
	b := &body{}
	switch mode := n.Mode; {
	case mode == "" || mode == "host":
	case mode == "bridge" || networkCNI.MatchString(mode):
		b.set("mode", quote(mode))
		b.str("hostname", n.Hostname)
	default:
		s.notef("the network mode %q", mode)
	}
	if n.DNS != nil {
		d := &body{}
		d.strings("servers", n.DNS.Servers)
		d.strings("searches", n.DNS.Searches)
		d.strings("options", n.DNS.Options)
		b.optional("dns", d)
	}
	m.optional("network", b)
	if s.ours() {
		return
	}
	if len(s.group.Networks) > 1 {
		s.notef("the group's networks after the first")
	}
	for _, ports := range [][]nomad.Port{n.ReservedPorts, n.DynamicPorts} {
		for _, p := range ports {
			if !s.taken(p.Label) {
				s.notef("port %q (a service has one port, and every task uses another one first)", p.Label)
			}
		}
	}
}

var networkCNI = regexp.MustCompile(`^cni/[a-zA-Z0-9_.-]+$`)
