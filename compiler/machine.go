package compiler

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/spec"
)

// machine is one pool's machine on its way to a task group.
type machine struct {
	*profile.Machine
	pool      *profile.Pool
	instances []instance
	workers   []spec.Worker
	diags     hcl.Diagnostics
}

// instance is one process of a service: one Nomad task.
type instance struct {
	service *profile.Service
	name    string // of the task: "comfyui", "comfyui-gpu0"
	suffix  string // what distinguishes it from its siblings: "", "-gpu0"
	gpu     int    // index of its GPU, or -1
}

func (i instance) self() selfer {
	s := selfer{port: portLabel(i.name)}
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
	names := map[string]hcl.Range{spec.TaskAgent: m.Agent.Range, spec.TaskSetup: m.Range}
	for _, s := range m.Services {
		for _, i := range m.instancesOf(s) {
			if _, taken := names[i.name]; taken {
				m.fail(s.Range, "Two tasks with one name",
					fmt.Sprintf("Service %q becomes a task %q, and the machine already has one of that name.", s.Name, i.name), "Rename the service.")
			}
			names[i.name] = s.Range
			m.instances = append(m.instances, i)
		}
	}
	m.layOutWorkers()
}

func (m *machine) instancesOf(s *profile.Service) []instance {
	if !s.PerGPU {
		return []instance{{service: s, name: s.Name, gpu: -1}}
	}
	if m.GPU == nil {
		m.fail(s.Range, "A service per GPU on a machine without GPUs",
			fmt.Sprintf("Service %q says per = \"gpu\", but machine %q has no gpu block.", s.Name, m.Name), "Add a gpu block, or remove per.")
		return nil
	}
	var list []instance
	for g := range m.GPU.Count {
		suffix := fmt.Sprintf("-gpu%d", g)
		list = append(list, instance{service: s, name: s.Name + suffix, suffix: suffix, gpu: g})
	}
	return list
}

// layOutWorkers names one worker per service instance, or Count of them where a worker has no service.
func (m *machine) layOutWorkers() {
	taken := map[string]bool{}
	add := func(w *profile.Worker, name string, at *instance) {
		if taken[name] {
			m.fail(w.Range, "Two workers with one name",
				fmt.Sprintf("Worker %q becomes %q, and the machine already has a worker of that name.", w.Name, name), "Rename one of them.")
		}
		taken[name] = true
		m.workers = append(m.workers, m.worker(w, name, at))
	}
	for _, w := range m.Workers {
		if w.Service == "" {
			for n := range max(w.Count, 1) {
				name := w.Name
				if w.Count > 1 {
					name = fmt.Sprintf("%s%d", w.Name, n)
				}
				add(w, name, nil)
			}
			continue
		}
		found := false
		for i := range m.instances {
			if at := &m.instances[i]; at.service.Name == w.Service {
				found = true
				add(w, w.Name+at.suffix, at)
			}
		}
		if !found && !m.diags.HasErrors() {
			m.fail(w.Range, "No such service", fmt.Sprintf("Worker %q names service %q, which machine %q does not have.", w.Name, w.Service, m.Name), "Add the service, or name another.")
		}
	}
	if len(m.workers) == 0 {
		m.fail(m.Range, "A machine without workers", fmt.Sprintf("Machine %q would never take a job.", m.Name), "Add a worker block.")
	}
}
