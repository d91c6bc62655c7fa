package compiler

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"

	"github.com/hashicorp/hcl/v2"
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// escapes are what nomad blocks say, in the order in which they are merged: the machine's, then the pool's.
func (m *machine) escapes() []*profile.Escape {
	return slices.DeleteFunc([]*profile.Escape{m.Escape, m.pool.Escape}, func(e *profile.Escape) bool { return e == nil })
}

// escapeGroup merges them into the group and its tasks.
func (m *machine) escapeGroup(g *nomad.TaskGroup) {
	for _, e := range m.escapes() {
		if e.Group != nil {
			m.overlay(g, e.Group, "the group", "group", map[string]string{
				"count":   "Write size { min = … max = … } in the pool.",
				"scaling": "Write size and scale in the pool.",
				"update":  "Changed machines are rolled out by machinectl's dispatcher.",
				"task":    "Write task \"<name>\" { … } in the nomad block.",
			})
		}
		for _, t := range e.Tasks {
			for _, task := range g.Tasks {
				if task.Name == t.Name || m.service(task.Name) == t.Name {
					m.overlay(task, t.Body, fmt.Sprintf("the task %q", task.Name), "task "+task.Name, map[string]string{
						"leader":   "The agent is the leader, so that it drains while its services are still there.",
						"identity": "The agent's identity is how it reaches Nomad's Task API; write identity blocks of other tasks by their names.",
					})
				}
			}
		}
	}
}

// checkProviders refuses services that a nomad block registers elsewhere than the machine's own: Nomad wants one provider for
// all services of a group.
func (m *machine) checkProviders(g *nomad.TaskGroup) {
	check := func(at hcl.Range, list []*nomad.Service) {
		for _, s := range list {
			if s.Provider == nomadServices {
				continue
			}
			m.fail(at, fmt.Sprintf("A service in %s", cmp.Or(s.Provider, "consul")), fmt.Sprintf("Nomad wants one provider for all services of a machine, and machinectl's own are in Nomad's catalogue; %q is not.", s.Name),
				"Write provider = \"nomad\" in its service block, and no connect block.")
		}
	}
	for _, e := range m.escapes() {
		if e.Group != nil {
			check(e.Group.Range, g.Services)
			break
		}
	}
	for _, t := range g.Tasks {
		at := m.Range
		for _, e := range m.escapes() {
			for _, body := range e.Tasks {
				if body.Name == t.Name || body.Name == m.service(t.Name) {
					at = body.Range
				}
			}
		}
		check(at, t.Services)
	}
}

// nomadServices is the provider of services that Nomad itself keeps.
const nomadServices = "nomad"

// escapeJob merges the pool's nomad { job {} } into its job: only what alters no allocation.
func (m *machine) escapeJob(job *nomad.Job) {
	if m.pool.Escape == nil || m.pool.Escape.Job == nil {
		return
	}
	body := *m.pool.Escape.Job
	body.Items = slices.DeleteFunc(slices.Clone(body.Items), func(item profile.Item) bool {
		if slices.Contains(jobLevel(), item.Name) {
			return false
		}
		advice := "Here ui, priority and all_at_once can be set."
		if near := diag.Suggest(item.Name, jobLevel()); near != "" {
			advice = fmt.Sprintf("Did you mean %q? %s", near, advice)
		}
		if slices.Contains(namesOf(reflect.TypeFor[nomad.TaskGroup]()), item.Name) {
			advice = "Write it in nomad { group { … } }: there it makes a new revision, to which the pool moves machine by machine."
		}
		m.fail(item.Range, fmt.Sprintf("%q can't be set in the job", item.Name), "At the job's level it would touch every running machine at once, or it is machinectl's own.", advice)
		return true
	})
	m.overlay(job, &body, "the job", "job", nil)
}

// jobLevel is what a job may be given without an effect on running machines.
func jobLevel() []string { return []string{"ui", "priority", "all_at_once"} }

func (m *machine) overlay(into any, body *profile.Body, what, short string, refused map[string]string) {
	o := &overlay{what: what, refused: refused}
	o.merge(into, body)
	m.diags = append(m.diags, o.diags...)
	for _, name := range o.touched {
		m.escaped = append(m.escaped, short+": "+name)
	}
}

// service is the service whose instance a task is, or "".
func (m *machine) service(task string) string {
	for _, at := range m.instances {
		if at.name == task {
			return at.service.Name
		}
	}
	return ""
}
