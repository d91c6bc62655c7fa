package decompile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// Options selects the part of a job to import.
type Options struct {
	// Group selects a task group. If it is empty, every group becomes a machine and a pool; in a job that machinectl
	// compiled, only the wanted revision does.
	Group string
}

// Result is a profile, with notes on what it doesn't contain.
type Result struct {
	Profile string `json:"profile"`
	// Notes lists what the job has and the profile doesn't. They are also comments in the profile.
	Notes []string `json:"notes"`
	// Same reports whether the profile compiles to the job's revision. It is false for a foreign job.
	Same bool `json:"same_revision"`
}

// Profile makes a profile of a job, which it doesn't modify. The error explains why the job can't be imported.
func Profile(job *nomad.Job, o Options) (*Result, error) {
	job, lost, err := clone(job)
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
	if lost != "" {
		d.parts[0].notef("the character %s in texts (profiles reserve it; U+FFFD replaces it)", lost)
	}
	return d.result()
}

// clone copies a job via JSON, as Nomad's API would send it. The characters that no profile can contain are replaced; lost are
// those.
func clone(job *nomad.Job) (out *nomad.Job, lost string, err error) {
	b, err := json.Marshal(job)
	if err != nil {
		return nil, "", fmt.Errorf("the job can't be copied: %w", err)
	}
	found := map[string]bool{}
	b = bytes.Map(func(r rune) rune {
		if profile.Reserved(r) {
			found[fmt.Sprintf("U+%04X", r)] = true
			return unicode.ReplacementChar
		}
		return r
	}, b)
	if err := json.Unmarshal(b, &out); err != nil {
		return nil, "", fmt.Errorf("the job can't be copied: %w", err)
	}
	if deref(out.ID) == "" && deref(out.Name) == "" {
		return nil, "", fmt.Errorf("the job has neither an id nor a name, so it isn't a Nomad job")
	}
	return out, strings.Join(slices.Sorted(maps.Keys(found)), ", "), nil
}

// decompilation is one job on its way to a profile.
type decompilation struct {
	job       *nomad.Job
	groups    []*nomad.TaskGroup
	parts     []*sketch
	variables map[string]bool
}

// sketches makes a sketch of every group.
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
		if !s.ours() {
			s.withoutConsul()
		}
		if s.policy != nil {
			s.places = s.policy.Sensitive
		}
		s.redact()
		if s.ours() {
			s.ofOurs()
		} else {
			s.ofForeign()
			s.atJobLevel()
		}
		d.parts = append(d.parts, s)
	}
}

// redact removes secrets from the group and from the agent's document.
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
	s.understood()
	for i := range s.doc.Workers {
		s.redactSettings(&s.doc.Workers[i])
	}
}

// redactSettings takes secrets out of a worker's settings. Where a setting takes no text that could stand for one, it is left out.
func (s *sketch) redactSettings(w *manifest.Worker) {
	connector, _ := manifest.ConnectorNamed(w.Connector)
	for name, value := range w.Settings {
		if !s.sensitive(name, value, instructionPath("workers", w.Name, "settings", name)) {
			continue
		}
		if setting, known := connector.Setting(name); known && !setting.Accepts(standIn(name)) {
			s.notef("the sensitive setting %[2]s of worker %[1]s", w.Name, name)
			delete(w.Settings, name)
			continue
		}
		w.Settings[name] = s.hide("worker "+w.Name+" "+name, value)
	}
}

// atJobLevel copies a foreign job's settings for all groups into this group, and notes what can't be kept.
func (s *sketch) atJobLevel() {
	for k, v := range s.job.Meta {
		if _, own := s.group.Meta[k]; !own && k != manifest.MetaManaged {
			if s.group.Meta == nil {
				s.group.Meta = map[string]string{}
			}
			if sensitive(k, v) {
				v = s.hide("meta "+k, v)
			}
			s.group.Meta[k] = v
		}
	}
	if u := s.group.Update; u != nil && !sameAny(u, nomad.DefaultUpdateStrategy()) {
		s.notef("the update block (the dispatcher replaces machines of an old revision, each when it is idle)")
	}
	for what, there := range map[string]bool{
		"periodic": s.job.Periodic != nil, "parameterized": s.job.ParameterizedJob != nil, "multiregion": s.job.Multiregion != nil,
	} {
		if there {
			s.notef("the job's %s block", what)
		}
	}
}

// result writes the profile, first what the language can express, then what is missing.
func (d *decompilation) result() (*Result, error) {
	pools, err := d.compile()
	for i := 0; err != nil && i < len(d.parts); i++ {
		d.parts[i].standIns = true
		pools, err = d.compile()
	}
	if err != nil {
		return nil, err
	}
	same := true
	for i, s := range d.parts {
		if !s.ours() || pools[i].Revision != manifest.Revision(deref(s.group.Name)) {
			d.adopt(s, s.missing(pools[i]))
		}
		d.adopt(s, s.missingInJob(pools[i]))
	}
	if pools, err = d.compile(); err != nil {
		return nil, err
	}
	for i, s := range d.parts {
		if equal := s.ours() && pools[i].Revision == manifest.Revision(deref(s.group.Name)); !equal {
			same = false
			s.differences(pools[i])
		}
	}
	// The text now contains the notes and must still be a valid profile.
	if _, err = d.compile(); err != nil {
		return nil, err
	}
	formatted, diags := profile.Format([]byte(d.text()))
	if diags.HasErrors() {
		return nil, diags
	}
	r := &Result{Profile: string(formatted), Same: same, Notes: []string{}}
	for _, s := range d.parts {
		for _, n := range s.notes {
			if len(d.parts) > 1 {
				n = s.machine + ": " + n
			}
			r.Notes = append(r.Notes, n)
		}
	}
	return r, nil
}
