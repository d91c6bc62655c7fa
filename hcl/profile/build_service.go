package profile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
)

// portForm is what a port label looks like.
var portForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,15}$`)

// services builds the machine's services and checks them.
func (l *loader) services(m *Machine, o *object) {
	perGPU, partial := "", o.partial
	for _, b := range o.children("service") {
		if _, good := b.get("per"); b.has("per") && !good {
			partial = true
		}
		s := l.service(m, b)
		m.Services = append(m.Services, s)
		if !s.PerGPU {
			continue
		}
		switch {
		case m.GPU == nil && m.Kind == KindAPI:
			l.report(diag.Error(b.at("per"), "A service per GPU, without GPUs", fmt.Sprintf("Machine %q is of kind \"api\" and has no gpu block.", m.Name),
				"Write kind = \"gpu\" and gpu { count = 1 }, or take per out."))
		case perGPU != "":
			l.report(diag.Error(b.at("per"), "Two services per GPU", fmt.Sprintf("Each GPU belongs to one task, and service %q already has them.", perGPU), "Let only one service have per = \"gpu\"."))
		}
		perGPU = s.Name
	}
	if m.GPU != nil && perGPU == "" && !partial {
		l.report(diag.Error(m.GPU.Range, "No service uses the GPUs", fmt.Sprintf("Machine %q has a gpu block, and a GPU goes to an instance of a service with per = \"gpu\".", m.Name),
			"Write per = \"gpu\" in the service that needs them."))
	}
	l.instanceNames(m, o)
}

func (l *loader) service(m *Machine, o *object) *Service {
	env := o.env()
	s := &Service{
		Name: o.label, PerGPU: o.str("per") == "gpu", Image: o.strOr("image", m.Image), Command: o.str("command"),
		Args: o.list("args"), Env: env.plain, Secrets: env.secrets, Port: o.str("port"), Range: o.header,
		StaticPort: o.num("static_port"), ContainerPort: o.num("container_port"), Artifacts: l.artifacts(o), Restart: l.restart(o),
		KillTimeout: o.dur("kill_timeout"), KillAt: o.at("kill_timeout"), KillSignal: o.str("kill_signal"),
		Config: o.passed(),
	}
	l.forDriver(m, o)
	l.imageReference(m, o)
	l.checkPath(s.Command, o.at("command"))
	if m.Driver.ofHost() && o.lacks("command") && !o.has("image") {
		l.report(diag.Error(o.header, "Missing argument \"command\"", fmt.Sprintf("Only docker can run a service without one, if its image has a default; this machine's driver is %s.", m.Driver), "Write command = \"/path/to/program\"."))
	}
	if s.Port != "" && !portForm.MatchString(s.Port) {
		advice := "Write port = \"http\"."
		if _, err := strconv.Atoi(s.Port); err == nil {
			advice += " The number is chosen by Nomad; pass self.port to the command."
		}
		l.report(diag.Error(o.at("port"), fmt.Sprintf("%q is not a port label", s.Port), "A port is named, not numbered: lower-case letters, digits and underscores.", advice))
	}
	if r := o.child("ready"); r != nil {
		s.Ready = &Ready{Path: r.str("path"), Interval: r.dur("interval"), Timeout: r.dur("timeout"), Range: r.header}
		if o.lacks("port") {
			l.missingPort(o, diag.Error(r.header, "Readiness without a port", fmt.Sprintf("Service %q listens on no port, so it can't be checked.", s.Name), "Write port = \"http\" in the service."))
		}
		l.atLeast(r, "interval", time.Second)
		l.atLeast(r, "timeout", time.Second)
		if !strings.HasPrefix(s.Ready.Path, "/") {
			l.report(diag.Error(r.at("path"), fmt.Sprintf("%q is not a path", s.Ready.Path), "The path of a URL starts with a slash.", fmt.Sprintf("Write path = %q.", "/"+s.Ready.Path)))
		}
	}
	if r := o.child("resources"); r != nil {
		s.Resources = l.resources(r)
	}
	s.Logs = m.Logs
	if b := o.child("logs"); b != nil {
		s.Logs = l.logs(b)
	}
	l.selfValues(s, o)
	return s
}

// selfValues checks that the run-time values which a service uses are there.
func (l *loader) selfValues(s *Service, o *object) {
	for _, arg := range []string{"command", "args", "env"} {
		v, ok := o.get(arg)
		if !ok {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(usedPlaceholders(v.v))) {
			switch {
			case (name == SelfPort || name == SelfAddr) && s.Port == "" && o.lacks("port"):
				l.missingPort(o, diag.Error(v.at, fmt.Sprintf("%s without a port", name), fmt.Sprintf("Service %q listens on no port.", s.Name), "Write port = \"http\" in the service."))
			case name == SelfGPU && !s.PerGPU && !o.wrong("per"):
				l.report(diag.Error(v.at, "self.gpu without a GPU", fmt.Sprintf("Service %q has one instance per machine, which owns no GPU.", s.Name), "Write per = \"gpu\" in the service."))
			}
		}
	}
}

// missingPort reports that something needs a service's port, which is missing. It reports this once per service.
func (l *loader) missingPort(service *object, d *hcl.Diagnostic) {
	if !l.portless[service.header] {
		l.portless[service.header] = true
		l.report(d)
	}
}

// usedPlaceholders returns the run-time values within an argument's value.
func usedPlaceholders(v any) map[string]bool {
	var texts []string
	switch v := v.(type) {
	case string:
		texts = []string{v}
	case []string:
		texts = v
	case environment:
		texts = slices.Collect(maps.Values(v.plain))
	}
	used := map[string]bool{}
	for _, name := range placeholdersIn(strings.Join(texts, "")) {
		used[name] = true
	}
	return used
}

// Instances returns the names of a service's instances, which are also those of their Nomad tasks: its own name, or with
// per = "gpu" one name per GPU.
func (m *Machine) Instances(s *Service) []string {
	if !s.PerGPU || m.GPU == nil {
		return []string{s.Name}
	}
	names := make([]string, m.GPU.Count)
	for i := range names {
		names[i] = fmt.Sprintf("%s-gpu%d", s.Name, i)
	}
	return names
}

// TaskNames returns the names of the machine's Nomad tasks, in the order in which they start.
func (m *Machine) TaskNames() []string {
	var names []string
	if m.Setup != nil {
		names = append(names, manifest.TaskSetup)
	}
	for _, s := range m.Services {
		names = append(names, m.Instances(s)...)
	}
	return append(names, manifest.TaskAgent)
}

// instanceNames checks that no two tasks of the machine have the same name.
func (l *loader) instanceNames(m *Machine, o *object) {
	taken := map[string]string{manifest.TaskAgent: "the agent", manifest.TaskSetup: "the setup"}
	blocks := o.children("service")
	for i, s := range m.Services {
		for _, name := range m.Instances(s) {
			if by, ok := taken[name]; ok {
				l.report(diag.Error(blocks[i].header, fmt.Sprintf("The name %q is taken", name), fmt.Sprintf("It is the name of the task of %s.", by), "Give the service another name."))
				break
			}
			taken[name] = fmt.Sprintf("service %q", s.Name)
		}
	}
}
