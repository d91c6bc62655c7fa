package compiler

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/hcl/wiretime"
)

const (
	// agentMargin is how much longer Nomad waits for the agent than the agent's own grace, so that the agent can give its
	// jobs back and unregister.
	agentMargin = 5 * time.Second
	// clientKillLimit is the max_kill_timeout of a Nomad client that doesn't set it.
	clientKillLimit = 30 * time.Second
)

// agentTask returns the task of the agent, the machine's leader. When its process dies, it restarts in place and its
// services stay up. The machine ends only when that fails for good.
func (m *machine) agentTask(share shares) *nomad.Task {
	t := m.task(manifest.TaskAgent)
	t.Leader = true
	t.Resources = share.agent
	t.RestartPolicy = restart(m.Agent.Restart)
	t.KillTimeout = new(m.Agent.Grace + agentMargin)
	if *t.KillTimeout > clientKillLimit {
		m.warn(m.Agent.GraceAt, "Longer than a Nomad client waits by default", fmt.Sprintf(
			"A grace of %s makes a kill timeout of %s, but a client kills a task after %s unless its configuration says otherwise.",
			timetext.Duration(m.Agent.Grace), timetext.Duration(*t.KillTimeout), timetext.Duration(clientKillLimit)), fmt.Sprintf(
			"Set max_kill_timeout = %q in the client block of the machines' Nomad clients, or lower the grace to %s.",
			timetext.Duration(*t.KillTimeout), timetext.Duration(clientKillLimit-agentMargin)))
	}
	// The Task API answers workload identities only.
	t.Identity = &nomad.WorkloadIdentity{Name: "default", Audience: []string{"nomadproject.io"}, Env: true}

	self := selfer{port: manifest.PortAgent}
	m.run(t, self, program{image: m.Image, command: m.agentCommand(t), args: m.Agent.Args, ports: []string{manifest.PortAgent}})
	m.environment(t, self, merged(m.Env, m.Agent.Env), merged(m.Secrets, m.Agent.Secrets))
	setEnv(t, manifest.EnvSpec, "${NOMAD_TASK_DIR}/machine.json")
	setEnv(t, manifest.EnvNode, "${node.unique.name}")
	t.Templates = append(t.Templates, m.agentDocument(self))
	t.ShutdownDelay = deregister
	t.Services = []*nomad.Service{{
		Name: serviceName(m.pool.Name, manifest.TaskAgent), Provider: nomadServices, PortLabel: manifest.PortAgent, Tags: []string{m.Name},
		Checks: []nomad.ServiceCheck{check("ready", "/ready", manifest.PortAgent, 2*time.Second, 2*time.Second)},
	}}
	return t
}

// agentCommand returns the path of the agent's binary. It adds the artifact that brings the binary, if there is one.
func (m *machine) agentCommand(t *nomad.Task) string {
	if m.Agent.Artifact != "" {
		source, needsDollar := selfer{}.env(m.Agent.Artifact)
		if needsDollar {
			giveDollar(t)
		}
		artifact := &nomad.TaskArtifact{GetterSource: new(source), GetterMode: new("file"), RelativeDest: new(profile.DefaultArtifactAgent)}
		if archive.MatchString(m.Agent.Artifact) {
			artifact.GetterMode, artifact.RelativeDest = new("any"), new("local/")
		}
		t.Artifacts = []*nomad.TaskArtifact{artifact}
	}
	command := m.Agent.Command
	if m.Agent.Artifact != "" && m.Driver == profile.DriverDocker && !strings.HasPrefix(command, "/") {
		// A container starts in its image's directory; the task's is mounted at the root.
		command = "/" + command
	}
	return command
}

// archive matches the URLs of files that Nomad unpacks.
var archive = regexp.MustCompile(`\.(zip|t?gz|tar(\.(gz|xz|bz2|zst))?|txz|tbz2)(\?|$)`)

// agentDocument returns the template with the agent's instructions.
func (m *machine) agentDocument(self selfer) *nomad.Template {
	b, err := json.MarshalIndent(m.instructions(), "", "  ")
	if err != nil {
		m.fail(m.Range, "The agent's instructions can't be encoded", err.Error(), "")
	}
	return &nomad.Template{
		EmbeddedTmpl: new(self.document(string(b)) + "\n"),
		DestPath:     new("local/machine.json"),
		LeftDelim:    new(docLeft),
		RightDelim:   new(docRight),
		ChangeMode:   new("noop"),
		Perms:        new("0644"),
	}
}

func (m *machine) instructions() manifest.Agent {
	doc := manifest.Agent{
		Version: manifest.AgentVersion,
		Pool:    m.pool.Name,
		Machine: m.Name,
		Kind:    string(m.Kind),
		Redis:   m.Agent.Redis,
		Blobs:   m.Agent.Blobs,
		Grace:   wiretime.Duration(m.Agent.Grace),
		Workers: m.workers,
	}
	for _, at := range m.instances {
		s := manifest.Service{Name: at.name, GPU: at.gpu}
		if at.service.Port != "" {
			s.Port = manifest.PortLabel(at.name)
			s.Ready = ready(at.service.Ready)
		}
		doc.Services = append(doc.Services, s)
	}
	return doc
}

func ready(r *profile.Ready) *manifest.Check {
	if r == nil {
		return nil
	}
	return &manifest.Check{
		Path:     r.Path,
		Interval: wiretime.Duration(r.Interval),
		Timeout:  wiretime.Duration(r.Timeout),
	}
}
