package decompile

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// workers writes the workers: those in the agent's document or, for a foreign job without an agent, one per service
// that listens.
func (s *sketch) workers(m *body) {
	if !s.ours() {
		s.guess(m)
		return
	}
	list := slices.Clone(s.doc.Workers)
	for len(list) > 0 {
		w := list[0]
		n := s.alike(list)
		list = list[n:]
		s.worker(m, w, n)
	}
}

// understood removes connectors and settings that the language doesn't accept from the workers, and adds notes on them.
func (s *sketch) understood() {
	for i := range s.doc.Workers {
		w := &s.doc.Workers[i]
		known, _ := manifest.ConnectorNamed(w.Connector)
		if !known.Implemented {
			s.notef("the connector %[2]s of worker %[1]s (no agent has it; simulation stands in for it)", w.Name, w.Connector)
			w.Connector, w.Settings = "simulation", nil
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(w.Settings)) {
			if set, ok := known.Setting(name); !ok || !set.Accepts(w.Settings[name]) {
				s.notef("the setting %[2]s of worker %[1]s (connector %[3]s has no such setting, or not with this value)", w.Name, name, w.Connector)
				delete(w.Settings, name)
			}
		}
	}
}

// alike returns how many workers at the start of the list come from one block.
func (s *sketch) alike(list []manifest.Worker) int {
	base, one := list[0].Name, s.instanceOf(list[0].Service)
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s%d", strings.TrimSuffix(base, "0"), n)
		if one != nil && one.perGPU {
			name = fmt.Sprintf("%s-gpu%d", strings.TrimSuffix(base, "-gpu0"), n)
		}
		if n == len(list) || list[n].Name != name || one == nil && !strings.HasSuffix(base, "0") || one != nil && !one.perGPU {
			return n
		}
		a, b := list[0], list[n]
		a.Name, b.Name, a.Service, b.Service = "", "", "", ""
		if !reflect.DeepEqual(a, b) {
			return n
		}
	}
}

// instanceOf returns the service that an instance belongs to.
func (s *sketch) instanceOf(instance string) *service {
	for _, one := range s.services {
		for _, t := range one.tasks {
			if t.Name == instance {
				return one
			}
		}
	}
	return nil
}

func (s *sketch) worker(m *body, w manifest.Worker, n int) {
	one := s.instanceOf(w.Service)
	name := w.Name
	switch {
	case one != nil && one.perGPU:
		name = strings.TrimSuffix(name, "-gpu0")
	case one == nil && n > 1:
		name = strings.TrimSuffix(name, "0")
	}
	b := m.block("worker", name)
	b.str("connector", w.Connector)
	if one != nil {
		b.str("service", one.name)
	} else if n > 1 {
		b.num("count", n)
	}
	if w.Concurrency != 1 {
		b.num("concurrency", w.Concurrency)
	}
	implied := s.implied(w, one)
	b.strings("capabilities", slices.DeleteFunc(slices.Clone(w.Offer.Flags), func(f string) bool { return slices.Contains(implied, f) }))
	items := map[string]string{}
	for name, v := range w.Offer.Attrs {
		if !slices.Contains(implied, name) {
			items[name] = s.literal(reflect.ValueOf(v))
		}
	}
	if len(items) > 0 {
		b.set("offers", object(items))
	}
	settings := map[string]string{}
	for name, v := range w.Settings {
		settings[name] = s.literalText(v)
	}
	if len(settings) > 0 {
		b.set("settings", object(settings))
	}
}

// implied returns the capabilities that follow from the machine and need not be written.
func (s *sketch) implied(w manifest.Worker, one *service) []string {
	var list []string
	if one != nil && one.perGPU {
		list = append(list, profile.FlagGPU, profile.AttrGPUModel, profile.AttrGPUMemory, profile.AttrGPUDriver)
	}
	if c, ok := manifest.ConnectorNamed(w.Connector); ok && c.Hosted && s.doc.Kind != string(profile.KindGPU) {
		list = append(list, profile.FlagAPI)
	}
	return list
}

// guess writes workers for a foreign job's services. The user has to say which jobs they run.
func (s *sketch) guess(m *body) {
	made := 0
	for _, one := range s.services {
		if one.port == "" {
			continue
		}
		what := strings.ToLower(one.name + " " + configText(one.task(), "image") + " " + fmt.Sprint(program(one.task())))
		connector := "simulation"
		if strings.Contains(what, "comfyui") {
			connector = "comfyui"
		}
		b := m.block("worker", one.name)
		if connector == "simulation" {
			b.args = append(b.args, arg{"connector", quote(connector), "a stand-in; write the connector for this service"})
		} else {
			b.set("connector", quote(connector))
		}
		b.str("service", one.name)
		if gpusOf(one.task()) > 1 {
			b.strings("capabilities", []string{profile.FlagGPU})
		}
		made++
	}
	if made == 0 {
		b := m.block("worker", "jobs")
		b.args = append(b.args, arg{"connector", quote("simulation"), "a stand-in; write the connector for the jobs that this machine runs"})
	}
}
