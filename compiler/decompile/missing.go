package decompile

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/manifest"
)

// nomadItem is one argument or block within a nomad block.
type nomadItem struct {
	section string // "group", "job" or a task's name
	arg     *arg
	block   *named
}

func (e nomadItem) name() string {
	what := "group"
	if e.section != "group" && e.section != "job" {
		what = "task " + e.section
	}
	if e.arg != nil {
		return what + ": " + e.arg.name
	}
	return what + ": " + e.block.header
}

// nomadItems splits a body into its items, so that each can be accepted or left out.
func nomadItems(section string, b *body) []nomadItem {
	var list []nomadItem
	for i := range b.args {
		list = append(list, nomadItem{section: section, arg: &b.args[i]})
	}
	for _, n := range b.blocks {
		list = append(list, nomadItem{section: section, block: n})
	}
	return list
}

// adopt adds items to the nomad block as long as the profile still compiles. It tries all of them together first, and
// after a failure each half on its own. An item that fails alone becomes a note.
func (d *decompilation) adopt(s *sketch, list []nomadItem) {
	if len(list) == 0 {
		return
	}
	before := s.accepted
	s.accepted = append(slices.Clone(before), list...)
	if _, err := d.compile(); err == nil {
		return
	}
	s.accepted = before
	if n := len(list); n > 1 {
		d.adopt(s, list[:n/2])
		d.adopt(s, list[n/2:])
		return
	}
	s.notef("%s", list[0].name())
}

// nomadBlocks writes the accepted items into the nomad blocks of the machine and the pool.
func (s *sketch) nomadBlocks(m, p *body) {
	inMachine, inPool := &body{}, &body{}
	sections := map[string]*body{}
	for _, e := range s.accepted {
		b := sections[e.section]
		if b == nil {
			switch e.section {
			case "group":
				b = inMachine.block("group")
			case "job":
				b = inPool.block("job")
			default:
				b = inMachine.block("task", e.section)
			}
			sections[e.section] = b
		}
		if e.arg != nil {
			b.args = append(b.args, *e.arg)
		} else {
			b.blocks = append(b.blocks, e.block)
		}
	}
	m.optional("nomad", inMachine)
	p.optional("nomad", inPool)
}

// missing returns the items that have to be merged into the compiled group. For a foreign job it skips what the sketch
// expresses differently or replaces by the language's own defaults.
func (s *sketch) missing(pool *compiler.Pool) []nomadItem {
	have, want := s.comparable(pool.Group()), s.comparable(s.group)
	c := comparison{redaction: s.redaction, exact: s.ours()}
	out := &body{}
	skip := []string{"count", "scaling", "update", "task"}
	usual := nomad.NewTaskGroup("g", 1)
	usual.Canonicalize(&nomad.Job{Type: new(nomad.JobTypeService), ID: new("j"), Name: new("j")})
	if !s.ours() {
		// A compiled group has one network, and constraints that a foreign job doesn't have.
		skip = append(skip, "network", "constraint", "affinity", "spread", "restart", "reschedule", "disconnect")
		for _, left := range s.leftovers {
			c.fresh(out.block("constraint"), reflect.ValueOf(left).Elem())
		}
	}
	c.structs(reflect.ValueOf(have).Elem(), reflect.ValueOf(want).Elem(), reflect.ValueOf(usual).Elem(), skip, out)
	list := nomadItems("group", out)
	return append(list, s.missingInTasks(c, have, want)...)
}

func (s *sketch) missingInTasks(c comparison, have, want *nomad.TaskGroup) []nomadItem {
	found := map[string]*body{}
	for _, w := range want.Tasks {
		i := slices.IndexFunc(have.Tasks, func(t *nomad.Task) bool { return t.Name == w.Name })
		if i < 0 {
			s.notef("the task %q", w.Name)
			continue
		}
		usual := nomad.NewTask(w.Name, w.Driver)
		usual.Canonicalize(nomad.NewTaskGroup("g", 1), &nomad.Job{Type: new(nomad.JobTypeService), ID: new("j"), Name: new("j")})
		usual.Driver = "" // must be written if it isn't the machine's
		skip := []string{"leader", "scaling"}
		if !s.ours() {
			skip = append(skip, "restart", "kind")
		}
		out := &body{}
		c.structs(reflect.ValueOf(have.Tasks[i]).Elem(), reflect.ValueOf(w).Elem(), reflect.ValueOf(usual).Elem(), skip, out)
		if !out.empty() {
			found[w.Name] = out
		}
	}
	var list []nomadItem
	for _, one := range s.services {
		first := found[one.task().Name]
		alike := first != nil
		for _, t := range one.tasks {
			alike = alike && found[t.Name] != nil && asText(found[t.Name]) == asText(first)
		}
		if !alike {
			continue
		}
		list = append(list, nomadItems(one.name, first)...)
		for _, t := range one.tasks {
			delete(found, t.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		list = append(list, nomadItems(name, found[name])...)
	}
	return list
}

func asText(b *body) string {
	var out strings.Builder
	b.write(&out, 0)
	return out.String()
}

// comparable returns a copy of the group without the parts that other code compares or writes: the agent's document,
// secrets, and the GPU of a service's instance. It also brings a container's program into one form.
func (s *sketch) comparable(g *nomad.TaskGroup) *nomad.TaskGroup {
	b, err := json.Marshal(g)
	out := &nomad.TaskGroup{}
	if err == nil {
		err = json.Unmarshal(b, out)
	}
	if err != nil {
		panic("decompile: task group does not encode: " + err.Error())
	}
	for _, t := range out.Tasks {
		t.Templates = slices.DeleteFunc(t.Templates, func(tmpl *nomad.Template) bool {
			_, secrets := secretsIn(tmpl)
			return secrets || s.ours() && document(t) == tmpl
		})
		if i := slices.IndexFunc(s.services, func(o *service) bool { return o.task().Name == t.Name }); i >= 0 && s.services[i].perGPU && !s.ours() {
			t.Resources.Devices = slices.DeleteFunc(t.Resources.Devices, func(d *nomad.RequestedDevice) bool { return isGPU(d.Name) })
		}
		switch {
		case s.ours():
		case t.Name == manifest.TaskSetup: // timeout(1) runs it, so its command differs
			for _, name := range []string{"command", "args", "entrypoint"} {
				delete(t.Config, name)
			}
		case t.Driver == "docker" || t.Config["image"] != nil:
			sameProgram(t)
		}
	}
	return out
}

// sameProgram rewrites the command, args and entrypoint of a container's config to one form, so that equal programs
// compare as equal.
func sameProgram(t *nomad.Task) {
	name, args := program(t)
	delete(t.Config, "command")
	delete(t.Config, "args")
	delete(t.Config, "entrypoint")
	if name != "" {
		t.Config["entrypoint"] = []any{name}
	}
	if len(args) > 0 {
		list := make([]any, len(args))
		for i := range args {
			list[i] = args[i]
		}
		t.Config["args"] = list
	}
}

// missingInJob returns the items that have to be merged into the job.
func (s *sketch) missingInJob(pool *compiler.Pool) []nomadItem {
	out := &body{}
	c := comparison{redaction: s.redaction, exact: s.ours()}
	switch {
	case s.job.UI == nil:
	case s.ours():
		have, want := &nomad.Job{UI: pool.Job.UI}, &nomad.Job{UI: s.job.UI}
		c.structs(reflect.ValueOf(have).Elem(), reflect.ValueOf(want).Elem(), reflect.Value{}, nil, out)
	default:
		c.fresh(out.block("ui"), reflect.ValueOf(s.job.UI).Elem())
	}
	if deref(s.job.AllAtOnce) {
		out.set("all_at_once", "true")
	}
	return nomadItems("job", out)
}
