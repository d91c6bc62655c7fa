package profile

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
)

// Capabilities that follow from what a worker is bound to, without being written in a profile.
const (
	FlagGPU       = "gpu"        // a worker of a service per GPU
	FlagAPI       = "api"        // a worker of an api or hybrid machine whose connector talks to a provider over HTTP
	AttrGPUModel  = "gpu.model"  // from gpu { model }
	AttrGPUMemory = "gpu.memory" // from gpu { memory }, as a size: "24GiB"
	AttrGPUDriver = "driver"     // from gpu { driver = ">= x" }: x, which the driver is at least
)

// workers builds the machine's workers and checks them.
func (l *loader) workers(m *Machine, o *object) {
	blocks := o.children("worker")
	if len(blocks) == 0 && !o.partial {
		l.absent(o, diag.Error(o.header, "The machine has no worker", fmt.Sprintf("Without a worker, machine %q runs no jobs.", m.Name),
			"Write worker \"<name>\" { connector = "+quoteAll(connectors(true))+" }."))
	}
	for _, b := range blocks {
		m.Workers = append(m.Workers, l.worker(m, b, o))
	}
}

func (l *loader) worker(m *Machine, o, machine *object) *Worker {
	w := &Worker{
		Name: o.label, Connector: o.str("connector"), Service: o.str("service"), Concurrency: o.num("concurrency"),
		Count: o.num("count"), Settings: o.dict("settings"), Range: o.header,
	}
	names := make([]string, len(m.Services))
	for i, s := range m.Services {
		names[i] = s.Name
	}
	i := slices.Index(names, w.Service)
	known, _ := manifest.ConnectorNamed(w.Connector)
	switch {
	case o.has("service") && w.Service != "" && i < 0 && !machine.partial:
		advice := diag.DidYouMean(w.Service, names)
		if len(names) == 0 {
			advice = fmt.Sprintf("Write service %q { … } in the machine.", w.Service)
		}
		l.report(diag.Error(o.at("service"), fmt.Sprintf("No service %q", w.Service), fmt.Sprintf("Machine %q has no service of this name.", m.Name), advice))
	case i >= 0 && machine.children("service")[i].lacks("port"):
		l.missingPort(machine.children("service")[i], diag.Error(o.at("service"), fmt.Sprintf("Service %q has no port", w.Service), "The worker can't talk to a service that listens nowhere.",
			fmt.Sprintf("Write port = \"http\" in service %q.", w.Service)))
	case known.Service && o.lacks("service"):
		l.report(diag.Error(o.header, "Missing argument \"service\"", fmt.Sprintf("The connector %s runs jobs on a service of the machine.", w.Connector), "Write service = \"<name>\"."))
	}
	if o.both("service", "count") {
		l.report(diag.Error(o.at("count"), "Both service and count", "There is one worker per instance of the service.", "Remove count; concurrency says how many jobs each worker runs at once."))
	}
	var bound *Service
	if i >= 0 {
		bound = m.Services[i]
	}
	l.spell(o)
	l.settings(known, o)
	w.Offer = offer(m, bound, known, o.list("capabilities"), o.attrs("offers"))
	return w
}

// settings checks a worker's settings by those of its connector.
func (l *loader) settings(c manifest.Connector, o *object) {
	v, ok := o.get("settings")
	if !ok || c.Name == "" {
		return
	}
	settings := o.dict("settings")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		s, known := c.Setting(name)
		switch where := itemRange(v, name); {
		case !known:
			l.report(diag.Error(where, fmt.Sprintf("Unknown setting %q", name), fmt.Sprintf("The connector %s has no setting of this name.", c.Name), diag.DidYouMean(name, c.SettingNames())))
		case !s.Accepts(settings[name]):
			l.report(diag.Error(where, fmt.Sprintf("Wrong value for %q", name), fmt.Sprintf("It takes %s, and this is %q.", s.Type, settings[name]), fmt.Sprintf("Write, for example, %s = %s.", name, s.Default)))
		}
	}
}

// offer adds what follows from the machine to what the profile sets. What the profile sets wins.
func offer(m *Machine, s *Service, c manifest.Connector, flags []string, attrs map[string]any) capability.Offer {
	o := capability.Offer{Type: c.Name, Flags: slices.Clone(flags), Attrs: map[string]any{}}
	if s != nil && s.PerGPU && m.GPU != nil {
		o.Flags = append(o.Flags, FlagGPU)
		if m.GPU.Model != "" {
			o.Attrs[AttrGPUModel] = m.GPU.Model
		}
		if m.GPU.Memory > 0 {
			o.Attrs[AttrGPUMemory] = FormatSize(m.GPU.Memory)
		}
		if v := leastVersion(m.GPU.Driver); v != "" {
			o.Attrs[AttrGPUDriver] = v
		}
	}
	if (m.Kind == KindAPI || m.Kind == KindHybrid) && c.Hosted {
		o.Flags = append(o.Flags, FlagAPI)
	}
	for name, v := range attrs {
		o.Attrs[name] = v
	}
	slices.Sort(o.Flags)
	o.Flags = slices.Compact(o.Flags)
	if len(o.Attrs) == 0 {
		o.Attrs = nil
	}
	return o
}

// atLeast is a comparison that guarantees a least version.
var atLeast = regexp.MustCompile(`^(>=|=|~>)\s*([0-9.]+)$`)

// leastVersion returns the version that a constraint guarantees: "550" for ">= 550". It returns "" if it guarantees none.
func leastVersion(constraint string) string {
	for _, part := range strings.Split(constraint, ",") {
		if m := atLeast.FindStringSubmatch(strings.TrimSpace(part)); m != nil {
			return m[2]
		}
	}
	return ""
}
