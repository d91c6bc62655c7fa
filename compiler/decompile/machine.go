package decompile

import (
	"github.com/emprops/machinectl/hcl/profile"
)

// machineBlock writes the machine, without its nomad block.
func (s *sketch) machineBlock(file *body) *body {
	m := file.block("machine", s.machine)
	m.set("kind", quote(s.kind()))
	if s.driver != string(profile.DriverDocker) {
		m.str("driver", s.driver)
	}
	image := s.image()
	if image != "" {
		m.set("image", s.constant(image, runtime{}.config))
	} else if s.driver == string(profile.DriverDocker) {
		m.args = append(m.args, arg{"image", quote("change-me"), "a stand-in; the job has no image"})
	}
	if s.policy != nil {
		unusual(m, "start_time", s.policy.StartTime.D())
	}
	s.resources(m)
	s.gpu(m)
	s.network(m)
	s.volumes(m)
	if s.setup != nil {
		s.setupBlock(m)
	}
	s.agentBlock(m)
	for _, one := range s.services {
		s.serviceBlock(m, one, image)
	}
	s.workers(m)
	s.failures(m)
	return m
}

func (s *sketch) kind() string {
	switch {
	case s.ours():
		return s.doc.Kind
	case s.gpus > 0:
		return string(profile.KindGPU)
	default:
		return string(profile.KindAPI)
	}
}

// image returns the machine's image: the agent's, or the first service's.
func (s *sketch) image() string {
	if s.driver != string(profile.DriverDocker) {
		return ""
	}
	if s.agent != nil {
		return configText(s.agent, "image")
	}
	for _, one := range s.services {
		if image := configText(one.task(), "image"); image != "" {
			return image
		}
	}
	return ""
}

func mib(n *int) int64 { return int64(deref(n)) << 20 }
