package profile

import (
	"fmt"
	"regexp"

	"github.com/emprops/machinectl/hcl/diag"
)

var networkMode = regexp.MustCompile(`^(host|bridge|cni/[a-zA-Z0-9_.-]+)$`)

// network builds the machine's network and checks its ports.
func (l *loader) network(m *Machine, o *object) {
	m.Network.Mode = o.section("network").str("mode")
	if n := o.child("network"); n != nil {
		m.Network = Network{Mode: n.str("mode"), Hostname: n.str("hostname"), Range: n.header}
		if !networkMode.MatchString(m.Network.Mode) {
			l.report(diag.Error(n.at("mode"), fmt.Sprintf("Unknown mode %q", m.Network.Mode), "It is \"host\", \"bridge\" or \"cni/<name>\".", diag.DidYouMean(m.Network.Mode, []string{"host", "bridge"})))
		}
		if m.Network.Mode == "host" && n.has("hostname") {
			l.report(diag.Error(n.at("hostname"), "A hostname in the host's network", "In the host's network, a machine has no hostname of its own.", "Remove it, or write mode = \"bridge\"."))
		}
		if d := n.child("dns"); d != nil {
			m.Network.DNS = &DNS{Servers: d.list("servers"), Searches: d.list("searches"), Options: d.list("options")}
		}
	}
	l.ports(m, o)
}

// ports checks the numbers that services ask for.
func (l *loader) ports(m *Machine, o *object) {
	blocks := o.children("service")
	taken, inside := map[int]string{}, map[int]string{}
	shared := m.Network.Mode != "host"
	for i, s := range m.Services {
		b := blocks[i]
		for _, arg := range []string{"static_port", "container_port"} {
			if b.has(arg) && b.lacks("port") {
				l.missingPort(b, diag.Error(b.at(arg), fmt.Sprintf("%q without a port", arg), fmt.Sprintf("Service %q listens on no port.", s.Name), "Write port = \"http\" in the service."))
			}
		}
		instances := len(m.Instances(s))
		if s.StaticPort > 0 {
			if instances > 1 {
				l.report(diag.Error(b.at("static_port"), "One port for several instances", fmt.Sprintf("Service %q has %d instances, and only one of them can have the port.", s.Name, instances), "Remove static_port; Nomad gives each instance a port of its own, self.port."))
			} else if by, ok := taken[s.StaticPort]; ok {
				l.report(diag.Error(b.at("static_port"), fmt.Sprintf("Port %d is taken", s.StaticPort), fmt.Sprintf("Service %q listens there.", by), "Choose another one, or remove it."))
			}
			taken[s.StaticPort] = s.Name
		}
		if s.ContainerPort == 0 {
			continue
		}
		switch by, ok := inside[s.ContainerPort]; {
		case m.Driver.ofHost() && !shared:
			l.report(diag.Error(b.at("container_port"), "A container port without a network of its own", "In the host's network a program listens on the host's port.", "Write static_port, or network { mode = \"bridge\" }."))
		case shared && (ok || instances > 1):
			if !ok {
				by = s.Name
			}
			l.report(diag.Error(b.at("container_port"), fmt.Sprintf("Port %d is taken in the machine's network", s.ContainerPort), fmt.Sprintf("All tasks share it, and an instance of %q listens there.", by), "Let the program listen on self.port."))
		}
		inside[s.ContainerPort] = s.Name
	}
}
