package decompile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/spec"
)

// Options say what of a job is meant.
type Options struct {
	// Group chooses a task group. Empty: every group becomes a machine and a pool; of a job that machinectl compiled, only the
	// revision that the pool should end on.
	Group string
}

// Result is a profile and what is not in it.
type Result struct {
	Profile string `json:"profile"`
	// Notes say what the job has and the profile hasn't. They stand in the profile as comments, too.
	Notes []string `json:"notes"`
	// Same says that the profile compiles to the revision that the job has; false for a job of others.
	Same bool `json:"same_revision"`
}

// Profile makes a profile of a job, which it leaves as it is. An error says why there can't be one.
func Profile(job *nomad.Job, o Options) (*Result, error) {
	job, err := clone(job)
	if err != nil {
		return nil, err
	}
	if err := suitable(job); err != nil {
		return nil, err
	}
	job.Canonicalize()
	d := &decompilation{job: job, variables: map[string]bool{"redis_url": true}}
	if d.groups, err = choose(job, o.Group); err != nil {
		return nil, err
	}
	d.sketches()
	return d.result()
}

// clone copies a job, as it goes over Nomad's API: maps hold what JSON has.
func clone(job *nomad.Job) (*nomad.Job, error) {
	b, err := json.Marshal(job)
	if err != nil {
		return nil, fmt.Errorf("the job can't be copied: %w", err)
	}
	// Profiles keep the characters of private use to themselves.
	b = bytes.Map(func(r rune) rune {
		if unicode.Is(unicode.Co, r) {
			return unicode.ReplacementChar
		}
		return r
	}, b)
	out := &nomad.Job{}
	if err := json.Unmarshal(b, out); err != nil {
		return nil, fmt.Errorf("the job can't be copied: %w", err)
	}
	if deref(out.ID) == "" && deref(out.Name) == "" {
		return nil, fmt.Errorf("the job has neither an id nor a name: is that a Nomad job?")
	}
	return out, nil
}

// suitable says what to do with a job that can't be a pool.
func suitable(job *nomad.Job) error {
	id := deref(job.ID)
	if id == "" {
		id = deref(job.Name)
	}
	switch kind := deref(job.Type); kind {
	case "", nomad.JobTypeService:
		return nil
	case nomad.JobTypeBatch:
		return fmt.Errorf("job %q is of type batch: it runs to its end, and a pool's machines stay. "+
			"Give its work to a pool as jobs (machinectl submit), or leave it a Nomad job", id)
	default:
		return fmt.Errorf("job %q is of type %s: it runs once on every node, and a pool is as large as its jobs need. "+
			"Leave it a Nomad job, or write a pool with placement { constraint { operator = \"distinct_hosts\" } }", id, kind)
	}
}

// choose finds the groups to import.
func choose(job *nomad.Job, name string) ([]*nomad.TaskGroup, error) {
	var names []string
	for _, g := range job.TaskGroups {
		if deref(g.Name) == name {
			return []*nomad.TaskGroup{g}, nil
		}
		names = append(names, deref(g.Name))
	}
	switch {
	case name != "":
		return nil, fmt.Errorf("job %q has no group %q. %s", deref(job.ID), name, diag.DidYouMean(name, names))
	case len(names) == 0:
		return nil, fmt.Errorf("job %q has no groups", deref(job.ID))
	}
	for _, g := range job.TaskGroups {
		if _, policy := written(g); policy != nil && policy.Wanted {
			return []*nomad.TaskGroup{g}, nil
		}
	}
	return job.TaskGroups, nil
}

// written is what machinectl wrote into a group; nil, nil where it didn't.
func written(g *nomad.TaskGroup) (*spec.Agent, *spec.Policy) {
	if g.Scaling == nil {
		return nil, nil
	}
	policy, ok, err := spec.ParsePolicy(g.Scaling.Policy)
	if !ok || err != nil {
		return nil, nil
	}
	for _, t := range g.Tasks {
		if tmpl := document(t); tmpl != nil {
			// A run-time value in it stands within quotes, so that it is JSON all the same once its own quotes are gone.
			text := strings.NewReplacer(`<<< env "`, "<<< env ", `" >>>`, " >>>").Replace(deref(tmpl.EmbeddedTmpl))
			if doc, err := spec.DecodeAgent([]byte(text)); err == nil {
				return doc, &policy
			}
		}
	}
	return nil, nil
}

// document is the template with the agent's instructions, or nil.
func document(t *nomad.Task) *nomad.Template {
	i := slices.IndexFunc(t.Templates, func(tmpl *nomad.Template) bool { return deref(tmpl.DestPath) == "local/machine.json" })
	if t.Name != spec.TaskAgent || i < 0 {
		return nil
	}
	return t.Templates[i]
}

// decompilation is one job on its way to a profile.
type decompilation struct {
	job       *nomad.Job
	groups    []*nomad.TaskGroup
	parts     []*sketch
	variables map[string]bool
}

// sketches lays out every group.
func (d *decompilation) sketches() {
	pools, machines := map[string]bool{}, map[string]bool{}
	for _, g := range d.groups {
		settle(g)
		s := &sketch{job: d.job, group: g}
		s.doc, s.policy = written(g)
		name := deref(d.job.ID)
		if len(d.groups) > 1 {
			name += "-" + deref(g.Name)
		}
		s.pool, s.machine = nameOf(name, "pool", pools), nameOf(deref(g.Name), "machine", machines)
		s.redaction = &redaction{pool: s.pool, taken: d.variables, env: map[string]map[string]profile.Secret{}}
		s.redact()
		if s.ours() {
			s.ofOurs()
		} else {
			s.ofAStranger()
			s.atJobLevel()
		}
		d.parts = append(d.parts, s)
	}
}

// redact takes secrets out of the group, and out of the agent's instructions.
func (s *sketch) redact() {
	var instructions *nomad.Template
	for _, t := range s.group.Tasks {
		if tmpl := document(t); tmpl != nil && s.doc != nil {
			instructions = tmpl
			t.Templates = slices.DeleteFunc(t.Templates, func(o *nomad.Template) bool { return o == tmpl })
		}
	}
	s.redaction.group(s.group)
	if instructions == nil {
		return
	}
	for i := range s.doc.Workers {
		for name, value := range s.doc.Workers[i].Settings {
			if sensitive(name, value) {
				s.doc.Workers[i].Settings[name] = s.hide("worker " + s.doc.Workers[i].Name + " " + name)
			}
		}
	}
}

// atJobLevel brings what a stranger's job says for all groups into this one, and notes what has no place here.
func (s *sketch) atJobLevel() {
	for k, v := range s.job.Meta {
		if _, own := s.group.Meta[k]; !own && k != spec.MetaManaged {
			if s.group.Meta == nil {
				s.group.Meta = map[string]string{}
			}
			if sensitive(k, v) {
				v = s.hide("meta " + k)
			}
			s.group.Meta[k] = v
		}
	}
	if u := s.group.Update; u != nil && !sameAny(u, nomad.DefaultUpdateStrategy()) {
		s.notef("the update block: changed machines are rolled out by the dispatcher, each when it is idle")
	}
	for what, there := range map[string]bool{
		"periodic": s.job.Periodic != nil, "parameterized": s.job.ParameterizedJob != nil, "multiregion": s.job.Multiregion != nil,
	} {
		if there {
			s.notef("the job's %s block", what)
		}
	}
}

// result writes the profile, first what the language has words for, then with what is missing.
func (d *decompilation) result() (*Result, error) {
	pools, err := d.compile()
	if err != nil {
		return nil, err
	}
	same := true
	for i, s := range d.parts {
		if !s.ours() || pools[i].Revision != spec.Revision(deref(s.group.Name)) {
			d.adopt(s, s.missing(pools[i]))
		}
		d.adopt(s, s.missingInJob(pools[i]))
	}
	if pools, err = d.compile(); err != nil {
		return nil, err
	}
	for i, s := range d.parts {
		if equal := s.ours() && pools[i].Revision == spec.Revision(deref(s.group.Name)); !equal {
			same = false
			s.differences(pools[i])
		}
	}
	r := &Result{Profile: d.text(), Same: same, Notes: []string{}}
	for _, s := range d.parts {
		for _, n := range s.notes {
			if len(d.parts) > 1 {
				n = s.machine + ": " + n
			}
			r.Notes = append(r.Notes, n)
		}
	}
	// The notes are in the text now; it must still be a profile.
	_, err = d.compile()
	return r, err
}

// compile makes Nomad jobs of the text as it stands.
func (d *decompilation) compile() ([]*compiler.Pool, error) {
	p, diags := profile.LoadBytes([]byte(d.text()), "profile.hcl", profile.Options{})
	var pools []*compiler.Pool
	if !diags.HasErrors() {
		var more []*compiler.Pool
		more, diags = compiler.Compile(p)
		pools = more
	}
	if errs, _ := diag.Split(diags); len(errs) > 0 {
		var problems []string
		for _, e := range errs {
			problems = append(problems, e.Summary)
		}
		return nil, fmt.Errorf("no valid profile could be made of job %q: %s", deref(d.job.ID), strings.Join(problems, "; "))
	}
	return pools, nil
}

// text is the profile in the canonical form.
func (d *decompilation) text() string {
	file := &body{}
	for _, s := range d.parts {
		for _, line := range s.head() {
			if !slices.Contains(file.notes, line) {
				file.notes = append(file.notes, line)
			}
		}
	}
	d.variableBlocks(file)
	for _, s := range d.parts {
		m := s.machineBlock(file)
		p := s.poolBlock(file)
		s.nomadBlocks(m, p)
		for _, n := range s.notes {
			m.notes = append(m.notes, "not imported: "+n)
		}
	}
	var out strings.Builder
	file.write(&out, 0)
	formatted, diags := profile.Format([]byte(out.String()))
	if diags.HasErrors() {
		return out.String() // compile says what is wrong
	}
	return string(formatted)
}

// head are the comments at the profile's beginning.
func (s *sketch) head() []string {
	lines := []string{fmt.Sprintf("Imported from the Nomad job %q. Read it, and plan it, before it is applied.", deref(s.job.ID))}
	if !s.ours() {
		lines = append(lines, "A pool is a Nomad job of its own: stop this one first, or give the pool another name.",
			"Each machine runs an agent beside its services: "+profile.DefaultAgentCommand+" on the image or host, or agent { artifact = … }.")
	}
	if keys := s.secretKeys(); len(keys) > 0 {
		lines = append(lines, fmt.Sprintf("Secrets are not shown. Put them into Nomad: nomad var put machines/%s %s", s.redaction.pool, strings.Join(keys, " ")))
	}
	return lines
}

// secretKeys are the items that the profile expects, as they are put.
func (s *sketch) secretKeys() []string {
	var keys []string
	for _, secrets := range s.env {
		for _, at := range secrets {
			if item := at.Key + "=…"; !slices.Contains(keys, item) {
				keys = append(keys, item)
			}
		}
	}
	slices.Sort(keys)
	return keys
}

// variableBlocks declares the queue, and what was taken out and is no environment variable.
func (d *decompilation) variableBlocks(file *body) {
	if slices.ContainsFunc(d.parts, func(s *sketch) bool { return !s.ours() }) {
		v := file.block("variable", "redis_url")
		v.set("default", quote("redis://127.0.0.1:6379"))
		v.set("description", quote("The queue that the machines' agents take jobs from."))
	}
	for _, s := range d.parts {
		for _, h := range s.hidden {
			v := file.block("variable", h.name)
			v.set("default", quote(h.standIn))
			v.set("description", quote("The job has a value here that isn't shown: "+h.where+"."))
			v.set("sensitive", "true")
		}
	}
}
