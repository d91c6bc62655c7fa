package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
)

var (
	// versionConstraint is Nomad's: comparisons with versions, joined by commas.
	versionConstraint = regexp.MustCompile(`^\s*(=|!=|>|>=|<|<=|~>)?\s*[0-9]+(\.[0-9]+)*\s*(,\s*(=|!=|>|>=|<|<=|~>)?\s*[0-9]+(\.[0-9]+)*\s*)*$`)
	// migProfile is NVIDIA's name for a MIG instance's size, such as 1g.10gb or 1g.10gb+me.
	migProfile = regexp.MustCompile(`^[0-9]+g\.[0-9]+gb([+.][a-z0-9.]+)*$`)
	// deviceName is Nomad's: type, vendor/type or vendor/type/model.
	deviceName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+(/[a-zA-Z0-9_.-]+(/[^/]+)?)?$`)
)

// machine builds a machine from its merged block and checks it.
func (l *loader) machine(name string, o *object) *Machine {
	env := o.env()
	m := &Machine{
		Name:      name,
		Kind:      Kind(o.str("kind")),
		Driver:    Driver(o.str("driver")),
		Image:     o.str("image"),
		StartTime: o.dur("start_time"),
		Env:       env.plain,
		Secrets:   env.secrets,
		Range:     o.header,
	}
	if o.wrong("driver") {
		m.Driver = ""
	}
	l.image(m, o)
	if r := o.child("resources"); r != nil {
		m.Resources = *l.resources(r)
		if r.lacks("cpu") && r.lacks("cores") {
			l.report(diag.Error(r.header, "Missing argument \"cpu\"", "A machine must state how much CPU it needs.", "Write, for example, cpu = 2000 (MHz), or cores = 2."))
		}
	} else if !o.partial {
		l.absent(o, diag.Error(o.header, "Missing block \"resources\"", fmt.Sprintf("Machine %q doesn't state what it needs.", name),
			"Write resources { cpu = 2000 memory = \"4GiB\" }, each on a line of its own."))
	}
	m.Logs = l.logs(o.section("logs"))
	l.gpu(m, o)
	l.setup(m, o)
	l.services(m, o)
	l.agent(m, o)
	l.workers(m, o)
	l.volumes(m, o)
	l.network(m, o)
	l.failures(m, o)
	m.NomadBlock = l.nomadBlock(o)
	if !o.partial && !instancesUnknown(o) {
		l.checkNomadTasks(m, m.NomadBlock)
	}
	l.fit(m, o)
	return m
}

// instancesUnknown reports whether an error hides how many instances the services have.
func instancesUnknown(o *object) bool {
	gpu := o.child("gpu")
	return gpu != nil && gpu.wrong("count") || slices.ContainsFunc(o.children("service"), func(s *object) bool { return s.wrong("per") })
}

func (l *loader) image(m *Machine, o *object) {
	l.forDriver(m, o)
	if m.Driver == DriverDocker && o.lacks("image") {
		l.absent(o, diag.Error(o.header, "Missing argument \"image\"", fmt.Sprintf("Machine %q is run by docker, which needs a container image.", m.Name),
			"Write image = \"registry/name:tag\", or driver = \"exec\" or \"raw_exec\"."))
	}
	l.imageReference(m, o)
}

// imageReference checks the form of an image argument, of a machine or a service.
func (l *loader) imageReference(m *Machine, o *object) {
	if _, ok := o.get("image"); !ok || m.Driver != DriverDocker {
		return
	}
	image := o.str("image")
	if image == "" || strings.ContainsFunc(image, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) {
		l.report(diag.Error(o.at("image"), fmt.Sprintf("%q is not an image reference", image), "An image reference is a registry, a name and a tag or digest, without spaces.",
			"Write, for example, image = \"registry.example/comfyui:1.2\"."))
	}
}

func (l *loader) resources(o *object) *Resources {
	if o.both("cpu", "cores") {
		l.report(diag.Error(o.at("cores"), "Both cpu and cores", "cpu is a share in MHz, cores are whole ones reserved; Nomad takes one of the two.", "Remove one of them; cores = null removes an inherited one."))
	}
	r := &Resources{CPU: o.num("cpu"), Cores: o.num("cores"), Memory: o.size("memory"), Disk: o.size("disk"), Range: o.header}
	if r.Cores > 0 {
		r.CPU = 0 // a default
	}
	return r
}

func (l *loader) gpu(m *Machine, o *object) {
	g := o.child("gpu")
	needs := m.Kind == KindGPU || m.Kind == KindHybrid
	switch {
	case g == nil && needs && !o.partial:
		l.absent(o, diag.Error(o.header, "Missing block \"gpu\"", fmt.Sprintf("Machine %q is of kind %q and doesn't state which GPUs it needs.", m.Name, m.Kind),
			"Write gpu { count = 1 }, or kind = \"api\"."))
	case g != nil && m.Kind == KindAPI:
		l.report(diag.Error(g.header, "GPU on an api machine", "A machine of kind \"api\" has no GPUs.", "Remove the block, or write kind = \"hybrid\"."))
	}
	if g == nil {
		return
	}
	if gpu := l.gpus(g); gpu.Count > 0 { // otherwise it is the CPU-only form
		m.GPU = gpu
	}
}

func (l *loader) gpus(o *object) *GPU {
	g := &GPU{
		Count: o.num("count"), Device: o.str("device"), Model: o.str("model"), Models: o.list("models"), MIG: o.str("mig"),
		Memory: o.size("memory"), Driver: o.str("driver"), Range: o.header,
	}
	for _, c := range o.children("constraint") {
		g.Constraints = append(g.Constraints, l.constraint(c, "device."))
	}
	for _, a := range o.children("affinity") {
		g.Affinities = append(g.Affinities, l.affinity(a, "device."))
	}
	if o.both("model", "models") {
		l.report(diag.Error(o.at("models"), "Both model and models", "model is the only acceptable one, models are several.", "Remove one of them; null removes an inherited one."))
	}
	if _, ok := o.get("models"); ok {
		l.models(g, o)
	}
	if g.MIG != "" && !migProfile.MatchString(g.MIG) {
		l.report(diag.Error(o.at("mig"), fmt.Sprintf("%q is not a MIG profile", g.MIG), "It is the last part of the device's name in Nomad: slices, a dot and memory.",
			"Write, for example, mig = \"3g.47gb\"."))
	}
	if g.Driver != "" && !versionConstraint.MatchString(g.Driver) {
		l.report(diag.Error(o.at("driver"), fmt.Sprintf("%q is not a version constraint", g.Driver), "It is comparisons with versions, joined by commas.",
			"Write, for example, driver = \">= 550\"."))
	}
	if !deviceName.MatchString(g.Device) {
		l.report(diag.Error(o.at("device"), fmt.Sprintf("%q is not a device name", g.Device), "Nomad names a device by type, vendor/type or vendor/type/model.",
			"Write, for example, device = \"nvidia/gpu\"."))
	}
	return g
}

// models checks a list of acceptable models; a single one is a model like any other.
func (l *loader) models(g *GPU, o *object) {
	seen := map[string]bool{}
	for _, name := range g.Models {
		switch {
		case name == "" || strings.Contains(name, ","):
			l.report(diag.Error(o.at("models"), fmt.Sprintf("%q is not a model name", name), "It is the device's name as Nomad shows it, and has no comma.", ""))
		case seen[name]:
			l.report(diag.Error(o.at("models"), fmt.Sprintf("%q is listed twice", name), "Each model has one place in the order of preference.", "Remove one of them."))
		}
		seen[name] = true
	}
	switch len(g.Models) {
	case 0:
		l.report(diag.Error(o.at("models"), "No models", "With an empty list no GPU would do.", "Name one, or take models out."))
	case 1:
		g.Model, g.Models = g.Models[0], nil
	}
}

func (l *loader) setup(m *Machine, o *object) {
	s := o.child("setup")
	if s == nil {
		return
	}
	env := s.env()
	m.Setup = &Setup{
		Command: s.str("command"), Args: s.list("args"), Env: env.plain, Secrets: env.secrets,
		Timeout: s.dur("timeout"), Artifacts: l.artifacts(s), Restart: l.restart(s), Range: s.header,
	}
	l.checkPath(m.Setup.Command, s.at("command"))
	if r := s.child("resources"); r != nil {
		m.Setup.Resources = l.resources(r)
	}
}

// agent builds the agent's part. Its resources are complete: what the profile sets or the defaults; in a machine without
// services, everything that the machine has.
func (l *loader) agent(m *Machine, o *object) {
	a := o.section("agent")
	env := a.env()
	m.Agent = Agent{
		Artifact: a.str("artifact"), Args: a.list("args"), Redis: a.str("redis"), Blobs: a.str("blobs"),
		Grace: a.dur("grace"), GraceAt: a.at("grace"), CommandAt: a.at("command"), ArtifactAt: a.at("artifact"), RedisAt: a.at("redis"), BlobsAt: a.at("blobs"),
		Env: env.plain, Secrets: env.secrets, Restart: l.restart(a), Range: a.header,
	}
	command := DefaultAgentCommand
	if a.has("artifact") {
		command = DefaultArtifactAgent
	}
	m.Agent.Command = a.strOr("command", command)
	l.checkPath(m.Agent.Command, a.at("command"))
	m.Agent.Resources = l.agentResources(m, a)
	l.agentURLs(m, o, a)
}

func (l *loader) agentResources(m *Machine, a *object) Resources {
	own := l.resources(a.section("resources"))
	if len(m.Services) == 0 {
		return Resources{CPU: m.Resources.CPU, Cores: m.Resources.Cores, Memory: m.Resources.Memory, Range: own.Range}
	}
	return *own
}

func (l *loader) agentURLs(m *Machine, o, a *object) {
	if _, ok := a.get("redis"); ok && m.Agent.Redis == "" && !m.hasAgentEnv(manifest.EnvRedis) {
		l.report(diag.Error(a.at("redis"), "The agent's redis is empty", "It is the queue from which the agent takes jobs.", "Write, for example, redis = \"redis://host:6379\"."))
	}
	if a.lacks("redis") && !a.partial && !m.hasAgentEnv(manifest.EnvRedis) {
		l.absent(o, diag.Error(a.header, "The agent has no queue", fmt.Sprintf("Machine %q doesn't name the Redis from which its agent takes jobs.", m.Name),
			fmt.Sprintf("Write agent { redis = \"redis://host:6379\" }, or env = { %s = secret(\"path\", \"key\") }.", manifest.EnvRedis)))
	}
	if _, ok := a.get("redis"); ok && m.Agent.Redis != "" {
		l.queueURL("The agent's redis", m.Agent.Redis, a.at("redis"))
	}
	l.urlVariables(o)
	l.urlVariables(a)
	if _, ok := a.get("blobs"); ok && m.Agent.Blobs != "" {
		if d := storeURL("The agent's blobs", m.Agent.Blobs, a.at("blobs")); d != nil {
			l.report(d)
		}
	}
}

// urlVariables checks the variables of an environment that win over the agent's redis and blobs. A run-time value is known on
// the machine only.
func (l *loader) urlVariables(o *object) {
	known := func(text string) bool {
		return text != "" && Expand(text, nil, func(string) string { return "" }) == text
	}
	plain := o.env().plain
	if text := plain[manifest.EnvRedis]; known(text) {
		l.queueURL(manifest.EnvRedis, text, o.at("env"))
	}
	if text := plain[manifest.EnvBlobs]; known(text) {
		if d := storeURL(manifest.EnvBlobs, text, o.at("env")); d != nil {
			l.report(d)
		}
	}
}

func (m *Machine) hasAgentEnv(name string) bool {
	_, a := m.Agent.Env[name]
	_, b := m.Agent.Secrets[name]
	_, c := m.Env[name]
	_, d := m.Secrets[name]
	return a || b || c || d
}
