package decompile

import (
	"fmt"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/spec"
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
		m.args = append(m.args, arg{"image", quote("change-me"), "the job names none"})
	}
	if s.policy != nil {
		m.duration("start_time", s.policy.StartTime.D(), profile.DefaultStartTime)
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

// image is that of the machine: the agent's, or the first service's.
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

func configText(t *nomad.Task, name string) string {
	text, _ := t.Config[name].(string)
	return text
}

// expression writes a text that Nomad expands in the given way; what a profile can't say is written literally, and the
// comparison puts it right.
func (s *sketch) expression(nomadText string, read func(string) (text, bool)) string {
	if name, ok := s.variable(nomadText); ok {
		return name
	}
	t, ok := read(nomadText)
	if !ok {
		return quote(nomadText)
	}
	return t.expression()
}

// constant is [sketch.expression] where a profile takes no run-time values.
func (s *sketch) constant(nomadText string, read func(string) (text, bool)) string {
	if name, ok := s.variable(nomadText); ok {
		return name
	}
	if literal, ok := literalText(read, nomadText); ok {
		return quote(literal)
	}
	return quote(nomadText)
}

// literalText is a text without its escapes, if it has no run-time values.
func literalText(read func(string) (text, bool), nomadText string) (string, bool) {
	t, ok := read(nomadText)
	switch {
	case !ok || len(t) > 1 || len(t) == 1 && t[0].value != "":
		return "", false
	case len(t) == 0:
		return "", true
	default:
		return t[0].literal, true
	}
}

func readyPath(one *service) string {
	if one.ready == nil {
		return ""
	}
	return one.ready.Path
}

// program is what a task runs: the entrypoint or command, and the arguments.
func program(t *nomad.Task) (command string, args []string) {
	list := func(name string) (out []string) {
		items, _ := t.Config[name].([]any)
		for _, item := range items {
			text, _ := item.(string)
			out = append(out, text)
		}
		return out
	}
	command, args = configText(t, "command"), list("args")
	if _, image := t.Config["image"]; !image && t.Driver != "docker" {
		return command, args
	}
	// The image's entrypoint gets the command and the arguments, unless another one is named.
	if command != "" {
		args = append([]string{command}, args...)
	}
	if entry := list("entrypoint"); len(entry) > 0 {
		return entry[0], append(entry[1:len(entry):len(entry)], args...)
	}
	return "", args
}

// command is what a task starts, or empty where an image says it.
func command(t *nomad.Task) string {
	name, args := program(t)
	if name == "" && len(args) > 0 {
		return args[0]
	}
	return name
}

// run writes a task's command, arguments and environment.
func (s *sketch) run(b *body, cmd string, tasks []*nomad.Task, args [][]string, rt runtime, leaveOut ...string) {
	if cmd != "" {
		b.set("command", s.expression(cmd, rt.config))
	}
	if len(args[0]) > 0 {
		list, said := make([]string, len(args[0])), true
		for i, a := range args[0] {
			_, ok := rt.config(a)
			said = said && ok
			list[i] = s.perGPU(a, sibling(args, i), rt.config)
		}
		if said { // else the comparison takes care of it
			b.set("args", "["+strings.Join(list, ", ")+"]")
		}
	}
	s.environmentOf(b, tasks, rt, leaveOut...)
}

// sibling is the second instance's text in the place of the first one's; empty where there is none.
func sibling(args [][]string, i int) string {
	if len(args) < 2 || i >= len(args[1]) {
		return ""
	}
	return args[1][i]
}

// perGPU writes a text of the first instance. Where the second instance has 1 for its 0, that is the GPU's index.
func (s *sketch) perGPU(first, second string, read func(string) (text, bool)) string {
	a, okA := read(first)
	b, okB := read(second)
	if _, isSecret := s.variable(first); isSecret || !okA || !okB || second == "" {
		return s.expression(first, read)
	}
	x, y := a.runes(), b.runes()
	if len(x) != len(y) {
		return s.expression(first, read)
	}
	var out text
	for i := range x {
		switch {
		case x[i] == y[i] && x[i].value == "":
			out = out.add(x[i].literal)
		case x[i] == y[i]:
			out = append(out, x[i])
		case x[i].literal == "0" && y[i].literal == "1":
			out = append(out, piece{value: profile.SelfGPU})
		default:
			return s.expression(first, read)
		}
	}
	return out.expression()
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
		s.notef("task %s: a command; its driver %s has none, and the one here is a stand-in", t.Name, t.Driver)
	}
	s.run(b, cmd, one.tasks, s.arguments(one), rt)
	b.duration("kill_timeout", s.unlessNomads(deref(t.KillTimeout), 5*time.Second), profile.DefaultKillTimeout)
	if slices.Contains(killSignals(), t.KillSignal) && t.KillSignal != profile.DefaultKillSignal {
		b.str("kill_signal", t.KillSignal)
	}
	if _, ok := literalText(rt.env, readyPath(one)); one.ready != nil && !ok {
		s.notef("the check of task %s on a path that is known on the machine only, but in the nomad block", t.Name)
	} else if one.ready != nil {
		r := b.block("ready")
		if one.ready.Path != profile.DefaultReadyPath {
			r.set("path", s.constant(one.ready.Path, rt.env))
		}
		r.duration("interval", max(one.ready.Interval, time.Second), profile.DefaultReadyInterval)
		r.duration("timeout", max(one.ready.Timeout, time.Second), profile.DefaultReadyTimeout)
		if r.empty() {
			r.set("path", quote(profile.DefaultReadyPath))
		}
	}
	s.serviceResources(b, one)
	s.artifacts(b, t, rt)
	s.restart(b, t, nomad.RestartPolicy{Attempts: new(5), Interval: new(10 * time.Minute), Delay: new(3 * time.Second), Mode: new("fail")})
	if s.agent != nil && !sameAny(t.LogConfig, s.agent.LogConfig) {
		s.logs(b, t.LogConfig, true)
	}
}

// arguments are those of each instance, with the first one's port in all of them.
func (s *sketch) arguments(one *service) [][]string {
	var out [][]string
	for _, t := range one.tasks {
		_, args := program(t)
		for i := range args {
			args[i] = s.asFirst(args[i], t, one)
		}
		out = append(out, args)
	}
	return out
}

// asFirst is an instance's text as if it spoke of the first one's port.
func (s *sketch) asFirst(text string, t *nomad.Task, one *service) string {
	if one.port == "" || t == one.task() {
		return text
	}
	own := spec.PortLabel(t.Name)
	for _, prefix := range []string{"NOMAD_PORT_", "NOMAD_ADDR_"} {
		text = strings.ReplaceAll(text, "${"+prefix+own+"}", "${"+prefix+one.port+"}")
	}
	return text
}

// unlessNomads is a time, or 0 where a stranger's job has it from Nomad.
func (s *sketch) unlessNomads(d, usual time.Duration) time.Duration {
	if !s.ours() && d == usual {
		return 0
	}
	return d
}

func killSignals() []string {
	return []string{"SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGKILL"}
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
		s.notef("port %s: the number %d within, since in the host's network a program listens on the host's port", one.port, one.where.To)
	case s.ownNetwork() && (one.perGPU && !s.ours() || s.listensBefore(one)):
		s.notef("port %s: the number %d within, since all instances share the machine's network; let the program listen on self.port", one.port, one.where.To)
	default:
		b.num("container_port", one.where.To)
	}
	if one.where.HostNetwork != "" && one.where.HostNetwork != "default" {
		s.notef("port %s: the host network %s", one.port, one.where.HostNetwork)
	}
}

// listensBefore says that another service has the number within.
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

// setupBlock writes the setup. The compiler bounds its time with timeout(1).
func (s *sketch) setupBlock(m *body) {
	b := m.block("setup")
	cmd, args := program(s.setup)
	if cmd == "" { // an image's own entrypoint
		cmd, args = args[0], args[1:]
		s.notef("task %s: that the image's own entrypoint starts %s", s.setup.Name, cmd)
	}
	limit := time.Duration(0)
	if s.ours() && cmd == "timeout" && len(args) > 3 && args[0] == "-k" {
		if d, err := time.ParseDuration(args[2] + "s"); err == nil {
			limit, cmd, args = d, args[3], args[4:]
		}
	}
	s.run(b, cmd, []*nomad.Task{s.setup}, [][]string{args}, runtime{})
	b.duration("timeout", limit, profile.DefaultSetupTimeout)
	s.setupResources(b)
	s.artifacts(b, s.setup, runtime{})
	s.restart(b, s.setup, nomad.RestartPolicy{Attempts: new(2), Interval: new(30 * time.Minute), Delay: new(5 * time.Second), Mode: new("fail")})
}

// agentBlock writes the agent; a stranger's machine gets one with a queue to be named.
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
	if redis := s.doc.Redis; sensitive("", redis) {
		if s.env[t.Name] == nil {
			s.env[t.Name] = map[string]profile.Secret{}
		}
		s.env[t.Name][spec.EnvRedis] = s.secret(spec.EnvRedis)
		s.notef("the agent's redis, which holds a password: it is the secret %s now", spec.EnvRedis)
	} else if redis != "" {
		b.set("redis", quote(redis))
	}
	if blobs := s.doc.Blobs; sensitive("", blobs) {
		if s.env[t.Name] == nil {
			s.env[t.Name] = map[string]profile.Secret{}
		}
		s.env[t.Name][spec.EnvBlobs] = s.secret(spec.EnvBlobs)
		s.notef("the agent's blobs, which holds a password: it is the secret %s now", spec.EnvBlobs)
	} else if blobs != "" {
		b.set("blobs", quote(blobs))
	}
	b.duration("grace", s.doc.Grace.D(), profile.DefaultGrace)
	s.run(b, cmd, []*nomad.Task{t}, [][]string{args}, rt, spec.EnvSpec, spec.EnvNode)
	s.agentResources(b)
	s.restart(b, t, nomad.RestartPolicy{Attempts: new(5), Interval: new(10 * time.Minute), Delay: new(time.Second), Mode: new("fail")})
}

func (s *sketch) ownNetwork() bool {
	return len(s.group.Networks) > 0 && (s.group.Networks[0].Mode == "bridge" || strings.HasPrefix(s.group.Networks[0].Mode, "cni/"))
}

func mib(n *int) int64 { return int64(deref(n)) << 20 }

func (s *sketch) restart(b *body, t *nomad.Task, usual nomad.RestartPolicy) {
	p := t.RestartPolicy
	if p == nil || !s.ours() && sameAny(withoutRender(p), withoutRender(nomadsRestart(s.job))) {
		return
	}
	if attempts, interval := deref(p.Attempts), deref(p.Interval); interval < 5*time.Second || time.Duration(attempts)*deref(p.Delay) > interval {
		s.notef("the restart block of task %s, which Nomad would refuse: its interval is too short", t.Name)
		return
	}
	r := &body{}
	if deref(p.Attempts) != deref(usual.Attempts) {
		r.set("attempts", fmt.Sprint(deref(p.Attempts)))
	}
	r.duration("interval", deref(p.Interval), deref(usual.Interval))
	r.duration("delay", deref(p.Delay), deref(usual.Delay))
	if deref(p.Mode) != deref(usual.Mode) {
		r.str("mode", deref(p.Mode))
	}
	b.optional("restart", r)
}

// nomadsRestart is what Nomad gives a task that says nothing.
func nomadsRestart(job *nomad.Job) *nomad.RestartPolicy {
	g := nomad.NewTaskGroup("g", 1).AddTask(nomad.NewTask("t", "exec"))
	g.Canonicalize(&nomad.Job{Type: job.Type, ID: job.ID, Name: job.Name})
	return g.Tasks[0].RestartPolicy
}

func withoutRender(p *nomad.RestartPolicy) nomad.RestartPolicy {
	c := *p
	c.RenderTemplates = nil
	return c
}

// logs writes how output is kept; anyhow says to do so even where it is as usual, because the machine has it otherwise.
func (s *sketch) logs(b *body, l *nomad.LogConfig, anyhow bool) {
	if l == nil {
		return
	}
	r := &body{}
	if n := deref(l.MaxFiles); n != profile.DefaultLogFiles && n > 0 && n <= 100 {
		r.num("files", n)
	}
	if n := mib(l.MaxFileSizeMB); n != profile.DefaultLogFileSize {
		r.size("file_size", n)
	}
	if deref(l.Disabled) {
		r.set("disabled", "true")
	}
	if r.empty() && anyhow {
		r.num("files", profile.DefaultLogFiles)
	}
	b.optional("logs", r)
}
