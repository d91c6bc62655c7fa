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

// nomadBlocks returns the nomad blocks in the order in which they are merged: the machine's, then the pool's.
func (m *machine) nomadBlocks() []*profile.NomadBlock {
	return slices.DeleteFunc([]*profile.NomadBlock{m.NomadBlock, m.pool.NomadBlock}, func(e *profile.NomadBlock) bool { return e == nil })
}

// mergeIntoGroup merges the nomad blocks into the group and its tasks.
func (m *machine) mergeIntoGroup(g *nomad.TaskGroup) {
	for _, e := range m.nomadBlocks() {
		if e.Group != nil {
			m.mergeNomad(g, e.Group, "the group", "group", map[string]string{
				"count":   "Write size { min = … max = … } in the pool.",
				"scaling": "Write size and scale in the pool.",
				"update":  "The dispatcher rolls out changed machines.",
				"task":    "Write task \"<name>\" { … } in the nomad block.",
			})
		}
		for _, t := range e.Tasks {
			for _, task := range g.Tasks {
				if task.Name == t.Name || m.service(task.Name) == t.Name {
					m.mergeNomad(task, t.Body, fmt.Sprintf("the task %q", task.Name), "task "+task.Name, map[string]string{
						"leader":   "The agent is the leader, so that it drains while its services still run.",
						"identity": "The agent uses its identity for Nomad's Task API. Give identity blocks of other tasks a name.",
					})
				}
			}
		}
	}
}

// checkProviders refuses services that a nomad block registers with another provider than the machine's own services:
// Nomad requires one provider for all services of a group.
func (m *machine) checkProviders(g *nomad.TaskGroup) {
	check := func(at hcl.Range, list []*nomad.Service) {
		for _, s := range list {
			if s.Provider == nomadServices {
				continue
			}
			m.fail(at, fmt.Sprintf("A service in %s", cmp.Or(s.Provider, "consul")), fmt.Sprintf("Nomad requires one provider for all services of a machine, and machinectl registers its own in Nomad's catalogue; %q is not there.", s.Name),
				"Write provider = \"nomad\" in its service block, and remove any connect block.")
		}
	}
	for _, e := range m.nomadBlocks() {
		if e.Group != nil {
			check(e.Group.Range, g.Services)
			break
		}
	}
	for _, t := range g.Tasks {
		at := m.Range
		for _, e := range m.nomadBlocks() {
			for _, body := range e.Tasks {
				if body.Name == t.Name || body.Name == m.service(t.Name) {
					at = body.Range
				}
			}
		}
		check(at, t.Services)
	}
}

// nomadServices is the provider of services in Nomad's own catalogue.
const nomadServices = "nomad"

// mergeIntoJob merges the pool's nomad { job {} } into its job. It accepts only what alters no allocation.
func (m *machine) mergeIntoJob(job *nomad.Job) {
	if m.pool.NomadBlock == nil || m.pool.NomadBlock.Job == nil {
		return
	}
	body := *m.pool.NomadBlock.Job
	body.Items = slices.DeleteFunc(slices.Clone(body.Items), func(item profile.Item) bool {
		if slices.Contains(jobLevel(), item.Name) {
			return false
		}
		advice := "The job block takes ui, priority and all_at_once."
		if near := diag.Suggest(item.Name, jobLevel()); near != "" {
			advice = fmt.Sprintf("Did you mean %q? %s", near, advice)
		}
		if slices.Contains(namesOf(reflect.TypeFor[nomad.TaskGroup]()), item.Name) {
			advice = "Write it in nomad { group { … } }. There it makes a new revision, and the pool moves to it machine by machine."
		}
		m.fail(item.Range, fmt.Sprintf("%q can't be set in the job", item.Name), "It is either reserved for machinectl, or would affect all running machines at the same time.", advice)
		return true
	})
	m.mergeNomad(job, &body, "the job", "job", nil)
}

// jobLevel returns what can be set in a job without an effect on running machines.
func jobLevel() []string { return []string{"ui", "priority", "all_at_once"} }

func (m *machine) mergeNomad(into any, body *profile.Body, what, short string, refused map[string]string) {
	o := &nomadMerge{what: what, refused: refused}
	o.merge(into, body)
	m.diags = append(m.diags, o.diags...)
	for _, name := range o.touched {
		m.nomadSet = append(m.nomadSet, short+": "+name)
	}
}

// service returns the name of the service that a task is an instance of, or "".
func (m *machine) service(task string) string {
	for _, at := range m.instances {
		if at.name == task {
			return at.service.Name
		}
	}
	return ""
}
