package compiler

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/timetext"
)

// setupKill is how long the setup may take to end after SIGTERM.
const setupKill = 10 * time.Second

// deregister is the time between a task's removal from the service catalogue and its SIGTERM. It is short because it only
// has to keep the order: no load balancer uses these entries.
const deregister = 100 * time.Millisecond

// serviceTask returns the task of one instance of a service.
func (m *machine) serviceTask(at instance, res *nomad.Resources) *nomad.Task {
	s, self := at.service, at.self()
	t := m.task(at.name)
	t.Resources = res
	t.KillTimeout, t.KillSignal = new(s.KillTimeout), s.KillSignal
	t.LogConfig = logs(s.Logs)
	fetch(t, s.Artifacts)
	if at.gpu <= 0 { // the same for all instances
		m.checkKill(s.KillAt, fmt.Sprintf("service %q", s.Name), *t.KillTimeout)
	}
	// A service that keeps dying ends its machine, so that Nomad tries another one elsewhere.
	t.RestartPolicy = restart(s.Restart)
	var ports []string
	if s.Port != "" {
		ports = []string{self.port}
		t.Services = []*nomad.Service{m.registration(at)}
		t.ShutdownDelay = deregister
	}
	m.run(t, self, program{image: s.Image, command: s.Command, args: s.Args, ports: ports, config: s.Config})
	m.environment(t, self, merged(m.Env, s.Env), merged(m.Secrets, s.Secrets))
	if s.Ready != nil && s.Port != "" {
		path, needsDollar := self.env(s.Ready.Path)
		if needsDollar {
			giveDollar(t)
		}
		t.Services[0].Checks = []nomad.ServiceCheck{check("ready", path, self.port, s.Ready.Interval, s.Ready.Timeout)}
	}
	return t
}

// checkKill warns if a client's own limit would kill a task earlier than the profile's kill timeout.
func (m *machine) checkKill(at hcl.Range, who string, timeout time.Duration) {
	if timeout <= clientKillLimit {
		return
	}
	m.warn(at, "Longer than a Nomad client waits by default", fmt.Sprintf(
		"The kill timeout of %s is %s, but a client kills a task after %s unless its configuration says otherwise.", who, timetext.Duration(timeout), timetext.Duration(clientKillLimit)), fmt.Sprintf(
		"Set max_kill_timeout = %q in the client block of the machines' Nomad clients, or shorten it.", timetext.Duration(timeout)))
}

// registration returns the entry of a listening instance in Nomad's own service catalogue.
func (m *machine) registration(at instance) *nomad.Service {
	tags := []string{m.Name}
	if at.name != at.service.Name {
		tags = append(tags, at.name)
	}
	return &nomad.Service{
		Name:      serviceName(m.pool.Name, at.service.Name),
		Provider:  nomadServices,
		PortLabel: manifest.PortLabel(at.name),
		Tags:      tags,
	}
}

func check(name, path, port string, interval, timeout time.Duration) nomad.ServiceCheck {
	return nomad.ServiceCheck{
		Name: name, Type: "http", Method: "GET", Path: path, PortLabel: port,
		Interval: interval, Timeout: timeout,
	}
}

var notInServiceName = regexp.MustCompile(`[^a-z0-9-]+`)

// serviceName returns a name that is valid by RFC 1123, with at most 63 characters.
func serviceName(pool, service string) string {
	name := notInServiceName.ReplaceAllString(strings.ToLower(pool+"-"+service), "-")
	if len(name) > 63 {
		name = name[:63]
	}
	return strings.Trim(name, "-")
}

// setupTask returns the task that runs once before the others start.
func (m *machine) setupTask(share shares) *nomad.Task {
	t := m.task(manifest.TaskSetup)
	t.Lifecycle = &nomad.TaskLifecycle{Hook: nomad.TaskLifecycleHookPrestart}
	t.Resources = share.setup
	t.KillTimeout = new(setupKill)
	t.RestartPolicy = restart(m.Setup.Restart)
	fetch(t, m.Setup.Artifacts)
	command, args := m.Setup.Command, m.Setup.Args
	if m.Driver == profile.DriverDocker {
		command = inContainer(command)
	}
	if m.Setup.Timeout > 0 {
		command, args = withTimeout(m.Setup.Timeout, command, args)
	}
	m.run(t, selfer{}, program{image: m.Image, command: command, args: args})
	m.environment(t, selfer{}, merged(m.Env, m.Setup.Env), merged(m.Secrets, m.Setup.Secrets))
	return t
}
