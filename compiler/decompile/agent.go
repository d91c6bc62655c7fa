package decompile

import (
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// setupBlock writes the setup block. The compiler limits its time with timeout(1).
func (s *sketch) setupBlock(m *body) {
	b := m.block("setup")
	cmd, args := program(s.setup)
	if cmd == "" { // an image's own entrypoint
		cmd, args = args[0], args[1:]
		s.notef("how the image's own entrypoint starts %[2]s in task %[1]s", s.setup.Name, cmd)
	}
	limit := time.Duration(0)
	if s.ours() && cmd == "timeout" && len(args) > 3 && args[0] == "-k" {
		if d, err := time.ParseDuration(args[2] + "s"); err == nil {
			limit, cmd, args = d, args[3], args[4:]
		}
	}
	s.run(b, cmd, []*nomad.Task{s.setup}, [][]string{args}, runtime{})
	if limit > 0 {
		unusual(b, "timeout", limit)
	}
	s.setupResources(b)
	s.artifacts(b, s.setup, runtime{})
	s.restart(b, s.setup)
}

// agentBlock writes the agent block. A foreign job's machine gets one with a placeholder for the queue.
func (s *sketch) agentBlock(m *body) {
	b := m.block("agent")
	if !s.ours() {
		b.set("redis", "var.redis_url")
		return
	}
	t := s.agent
	cmd, args := program(t)
	usual := profile.DefaultAgentCommand
	if len(t.Artifacts) > 0 {
		a := t.Artifacts[0]
		b.set("artifact", s.constant(deref(a.GetterSource), runtime{}.env))
		usual = profile.DefaultArtifactAgent
		if s.driver == string(profile.DriverDocker) {
			usual = "/" + usual
		}
	}
	rt := runtime{port: ""}
	if cmd == usual {
		cmd = ""
	}
	if redis := s.doc.Redis; s.sensitive("", redis, instructionPath("redis")) {
		if s.env[t.Name] == nil {
			s.env[t.Name] = map[string]profile.Secret{}
		}
		s.env[t.Name][manifest.EnvRedis] = s.secret(manifest.EnvRedis)
		s.notef("the agent's redis, which holds a password (it is now the secret %s)", manifest.EnvRedis)
	} else if redis != "" {
		b.set("redis", quote(redis))
	}
	if blobs := s.doc.Blobs; s.sensitive("", blobs, instructionPath("blobs")) {
		if s.env[t.Name] == nil {
			s.env[t.Name] = map[string]profile.Secret{}
		}
		s.env[t.Name][manifest.EnvBlobs] = s.secret(manifest.EnvBlobs)
		s.notef("the agent's blobs, which holds a password (it is now the secret %s)", manifest.EnvBlobs)
	} else if blobs != "" {
		b.set("blobs", quote(blobs))
	}
	unusual(b, "grace", s.doc.Grace.D())
	s.run(b, cmd, []*nomad.Task{t}, [][]string{args}, rt, manifest.EnvSpec, manifest.EnvNode)
	s.agentResources(b)
	s.restart(b, t)
}
