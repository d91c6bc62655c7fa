package decompile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// sketch is one group of a job on its way to a profile.
type sketch struct {
	*redaction
	job   *nomad.Job
	group *nomad.TaskGroup
	// doc and policy are what machinectl wrote into the job; nil for a foreign job.
	doc    *manifest.Agent
	policy *manifest.Policy

	pool, machine string
	driver        string
	setup, agent  *nomad.Task
	services      []*service
	gpus          int // 0: none
	// leftovers holds constraints that the language can't express.
	leftovers []*nomad.Constraint
	accepted  []nomadItem
	standIns  bool // the commands are in the nomad block
}

// service is a process that is kept running, with one task per instance.
type service struct {
	name   string
	perGPU bool
	tasks  []*nomad.Task
	port   string // Nomad's label; empty if it doesn't listen
	ready  *nomad.ServiceCheck
	where  *nomad.Port
}

func (s *service) task() *nomad.Task { return s.tasks[0] }

func (s *service) runtime() runtime { return runtime{port: s.port} }

// ours reports whether machinectl compiled the group.
func (s *sketch) ours() bool { return s.doc != nil }

func (s *sketch) notef(format string, args ...any) {
	note := fmt.Sprintf(format, args...)
	if !slices.Contains(s.notes, note) {
		s.notes = append(s.notes, note)
	}
}

// ofOurs makes a sketch of a group that machinectl compiled.
func (s *sketch) ofOurs() {
	s.pool, s.machine = s.policy.Pool, s.policy.Machine
	for _, t := range s.group.Tasks {
		switch t.Name {
		case manifest.TaskAgent:
			s.agent = t
		case manifest.TaskSetup:
			s.setup = t
		}
	}
	s.driver = s.agent.Driver
	for _, d := range s.doc.Services {
		t := s.task(d.Name)
		if t == nil {
			s.notef("service %s (it has no task)", d.Name)
			continue
		}
		name, instance := d.Name, 0
		if d.GPU >= 0 {
			name, instance = strings.TrimSuffix(d.Name, fmt.Sprintf("-gpu%d", d.GPU)), d.GPU
			s.gpus = max(s.gpus, d.GPU+1)
		}
		if i := slices.IndexFunc(s.services, func(o *service) bool { return o.name == name && o.perGPU }); i >= 0 && instance > 0 {
			s.services[i].tasks = append(s.services[i].tasks, t)
			continue
		}
		one := &service{name: name, perGPU: d.GPU >= 0, tasks: []*nomad.Task{t}, port: d.Port}
		if d.Port != "" {
			one.where = s.portOf(d.Port)
			for _, r := range t.Services {
				for i := range r.Checks {
					if r.PortLabel == d.Port && r.Checks[i].Name == "ready" {
						one.ready = &r.Checks[i]
					}
				}
			}
		}
		s.services = append(s.services, one)
	}
}

func (s *sketch) task(name string) *nomad.Task {
	i := slices.IndexFunc(s.group.Tasks, func(t *nomad.Task) bool { return t.Name == name })
	if i < 0 {
		return nil
	}
	return s.group.Tasks[i]
}

// ofForeign makes a sketch of a foreign group: its first prestart task is the setup, every other task a service.
func (s *sketch) ofForeign() {
	for _, t := range s.group.Tasks {
		if t.Lifecycle != nil && t.Lifecycle.Hook == nomad.TaskLifecycleHookPrestart && !t.Lifecycle.Sidecar && s.setup == nil && command(t) != "" {
			s.setup = t
			continue
		}
		one := &service{name: t.Name, tasks: []*nomad.Task{t}}
		switch n := gpusOf(t); {
		case n == 1 && s.gpus == 0:
			one.perGPU, s.gpus = true, 1
		case n > 0:
			s.notef("the GPUs of task %s as a gpu block, which gives each GPU to one instance of one service (they are in the nomad block)", t.Name)
		}
		s.services = append(s.services, one)
	}
	s.rename()
	for _, one := range s.services {
		s.listens(one)
	}
	s.withoutOtherPorts()
	s.driver = s.mainDriver()
}

// mainDriver returns the driver that most tasks use, among those in the language.
func (s *sketch) mainDriver() string {
	best, count := "", map[string]int{}
	for _, t := range s.group.Tasks {
		d := t.Driver
		switch d {
		case "docker", "exec", "raw_exec":
		default:
			if _, image := t.Config["image"]; image {
				d = "docker"
			} else {
				d = "exec"
			}
		}
		if count[d]++; count[d] > count[best] {
			best = d
		}
	}
	return best
}

// gpusOf returns how many GPUs a task requests.
func gpusOf(t *nomad.Task) int {
	n := 0
	if t.Resources == nil {
		return 0
	}
	for _, d := range t.Resources.Devices {
		if isGPU(d.Name) {
			n += int(deref(d.Count))
		}
	}
	return n
}

func isGPU(device string) bool { return slices.Contains(strings.Split(device, "/"), "gpu") }

func (s *sketch) portOf(label string) *nomad.Port {
	for _, n := range s.group.Networks {
		for _, list := range [][]nomad.Port{n.ReservedPorts, n.DynamicPorts} {
			for i := range list {
				if list[i].Label == label {
					return &list[i]
				}
			}
		}
	}
	return nil
}

var notInName = regexp.MustCompile(`[^a-z0-9]+`)

// nameOf turns any name into a valid one that isn't in taken, and adds it there.
func nameOf(name, otherwise string, taken map[string]bool) string {
	const limit = profile.MaxName
	name = strings.Trim(notInName.ReplaceAllString(strings.ToLower(name), "-"), "-")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.Trim(otherwise+"-"+name, "-")
	}
	name = strings.TrimRight(name[:min(len(name), limit)], "-")
	out := name
	for n := 2; taken[out]; n++ {
		end := fmt.Sprintf("-%d", n)
		out = name[:min(len(name), limit-len(end))] + end
	}
	if taken != nil {
		taken[out] = true
	}
	return out
}

// rename gives the tasks of a foreign group the names that a compiled job would use.
func (s *sketch) rename() {
	taken := map[string]bool{manifest.TaskAgent: true, manifest.TaskSetup: true}
	for _, one := range s.services {
		old := one.name
		one.name = nameOf(old, "task", taken)
		instance := one.name
		if one.perGPU {
			instance += "-gpu0"
		}
		if old != one.name {
			s.notef("the name of task %q (it is now %q)", old, one.name)
		}
		s.renameTask(one.task(), old, instance)
	}
	if s.setup != nil {
		s.renameTask(s.setup, s.setup.Name, manifest.TaskSetup)
	}
}

// renameTask renames a task and updates references to its name.
func (s *sketch) renameTask(t *nomad.Task, old, now string) {
	t.Name = now
	if secrets, ok := s.env[old]; ok && old != now {
		delete(s.env, old)
		s.env[now] = secrets
	}
	for _, r := range s.group.Services {
		if r.TaskName == old {
			r.TaskName = now
		}
		for i := range r.Checks {
			if r.Checks[i].TaskName == old {
				r.Checks[i].TaskName = now
			}
		}
	}
}
