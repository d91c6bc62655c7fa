package decompile

import (
	"slices"
	"time"

	"github.com/emprops/machinectl/hcl/profile"
)

func readyPath(one *service) string {
	if one.ready == nil {
		return ""
	}
	return one.ready.Path
}

// serviceBlock writes one service.
func (s *sketch) serviceBlock(m *body, one *service, machineImage string) {
	b := m.block("service", one.name)
	t, rt := one.task(), one.runtime()
	if one.perGPU {
		b.set("per", quote("gpu"))
	}
	if one.port != "" {
		b.set("port", quote("http"))
		s.portNumbers(b, one)
	}
	if image := configText(t, "image"); image != machineImage && image != "" && s.driver == string(profile.DriverDocker) {
		b.set("image", s.constant(image, rt.config))
	}
	cmd, _ := program(t)
	if cmd == "" && s.driver != string(profile.DriverDocker) {
		cmd = "change-me"
		s.notef("a command for task %s (the job has none for its driver %s; the profile has a stand-in)", t.Name, t.Driver)
	}
	s.run(b, cmd, one.tasks, s.arguments(one), rt)
	if d := s.unlessNomads(deref(t.KillTimeout), 5*time.Second); d > 0 {
		unusual(b, "kill_timeout", d)
	}
	s.driverArguments(b, one)
	if slices.Contains(profile.Choices("machine.service.kill_signal"), t.KillSignal) {
		unusual(b, "kill_signal", t.KillSignal)
	}
	if _, ok := literalText(rt.env, readyPath(one)); one.ready != nil && !ok {
		s.notef("the check of task %s as a ready block (its path is known on the machine only; it is in the nomad block)", t.Name)
	} else if one.ready != nil {
		r := b.block("ready")
		usual := profile.Default[string]("machine.service.ready.path")
		if one.ready.Path != usual {
			r.set("path", s.constant(one.ready.Path, rt.env))
		}
		unusual(r, "interval", max(one.ready.Interval, time.Second))
		unusual(r, "timeout", max(one.ready.Timeout, time.Second))
		if r.empty() {
			r.str("path", usual)
		}
	}
	s.serviceResources(b, one)
	s.artifacts(b, t, rt)
	s.restart(b, t)
	if s.agent != nil && !sameAny(t.LogConfig, s.agent.LogConfig) {
		s.logs(b, t.LogConfig, true)
	}
}

// unlessNomads returns d, or 0 if d is Nomad's default in a foreign job.
func (s *sketch) unlessNomads(d, usual time.Duration) time.Duration {
	if !s.ours() && d == usual {
		return 0
	}
	return d
}

func (s *sketch) portNumbers(b *body, one *service) {
	if one.where == nil {
		return
	}
	b.num("static_port", one.where.Value)
	switch {
	case one.where.To == 0:
	case one.where.To < 0: // the same as outside
	case s.driver != string(profile.DriverDocker) && !s.ownNetwork():
		s.notef("the number %[2]d of port %[1]s inside (in the host's network, a program listens on the host's port)", one.port, one.where.To)
	case s.ownNetwork() && (one.perGPU && !s.ours() || s.listensBefore(one)):
		s.notef("the number %[2]d of port %[1]s inside (all instances share the machine's network; let the program listen on self.port)", one.port, one.where.To)
	default:
		b.num("container_port", one.where.To)
	}
	if one.where.HostNetwork != "" && one.where.HostNetwork != "default" {
		s.notef("the host network %[2]s of port %[1]s", one.port, one.where.HostNetwork)
	}
}

// listensBefore reports whether an earlier service uses the same port number inside the network.
func (s *sketch) listensBefore(one *service) bool {
	for _, o := range s.services {
		if o == one {
			break
		}
		if o.where != nil && o.where.To == one.where.To {
			return true
		}
	}
	return false
}
