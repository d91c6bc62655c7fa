package compiler

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// machine is a pool's machine while it is compiled to a task group.
type machine struct {
	*profile.Machine
	pool      *profile.Pool
	instances []instance
	workers   []manifest.Worker
	nomadSet  []string // what nomad blocks changed, as shown to users
	diags     hcl.Diagnostics
}

// instance is one process of a service: one Nomad task.
type instance struct {
	service *profile.Service
	name    string // the task's name: "comfyui", "comfyui-gpu0"
	suffix  string // the end of the name that distinguishes siblings: "", "-gpu0"
	gpu     int    // the index of its GPU, or -1
}

func (i instance) self() selfer {
	s := selfer{port: manifest.PortLabel(i.name)}
	if i.gpu >= 0 {
		s.gpu = fmt.Sprint(i.gpu)
	}
	return s
}

func (m *machine) fail(where hcl.Range, summary, detail, advice string) {
	m.diags = append(m.diags, diag.Error(where, summary, detail, advice))
}

func (m *machine) warn(where hcl.Range, summary, detail, advice string) {
	m.diags = append(m.diags, diag.Warning(where, summary, detail, advice))
}

// layOut names the machine's service instances and workers.
func (m *machine) layOut() {
	for _, s := range m.Services {
		for g, name := range m.Instances(s) {
			at := instance{service: s, name: name, suffix: strings.TrimPrefix(name, s.Name), gpu: -1}
			if s.PerGPU && m.GPU != nil {
				at.gpu = g
			}
			m.instances = append(m.instances, at)
		}
	}
	for _, w := range m.Workers {
		m.layOutWorker(w)
	}
	taken := map[string]bool{}
	for _, w := range m.workers {
		if taken[w.Name] {
			m.fail(m.Range, "Two workers with one name",
				fmt.Sprintf("The worker blocks of machine %q make two workers named %q.", m.Name, w.Name), "Rename one of the blocks.")
		}
		taken[w.Name] = true
	}
}

// layOutWorker makes one worker per instance of the block's service. For a block without a service, it makes as many as
// the block's count.
func (m *machine) layOutWorker(w *profile.Worker) {
	if w.Service == "" {
		for n := range max(w.Count, 1) {
			name := w.Name
			if w.Count > 1 {
				name = fmt.Sprintf("%s%d", w.Name, n)
			}
			m.workers = append(m.workers, worker(w, name, ""))
		}
		return
	}
	for _, at := range m.instances {
		if at.service.Name == w.Service {
			m.workers = append(m.workers, worker(w, w.Name+at.suffix, at.name))
		}
	}
}

// worker returns the agent's instruction for one claim loop. instance is the service instance that it uses, or empty.
func worker(w *profile.Worker, name, instance string) manifest.Worker {
	out := manifest.Worker{
		Name: name, Connector: w.Connector, Service: instance,
		Concurrency: max(w.Concurrency, 1), Offer: w.Offer, Settings: w.Settings,
	}
	out.Offer.Type = w.Connector
	return out
}
