package decompile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// compile compiles the current text.
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
		return nil, fmt.Errorf("job %q can't be written as a valid profile: %s", deref(d.job.ID), strings.Join(problems, "; "))
	}
	return pools, nil
}

// text returns the current profile, which is not in canonical form yet.
func (d *decompilation) text() string {
	file := &body{}
	for _, s := range d.parts {
		for _, line := range s.head() {
			if !slices.Contains(file.notes, line) {
				file.notes = append(file.notes, line)
			}
		}
	}
	// A job that machinectl compiled has one owner, named in each of its groups.
	if i := slices.IndexFunc(d.parts, func(s *sketch) bool { return s.policy != nil && s.policy.Project != "" }); i >= 0 {
		file.block("project", d.parts[i].policy.Project)
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
	return out.String()
}

// head returns the comments at the start of the profile.
func (s *sketch) head() []string {
	lines := []string{fmt.Sprintf("Imported from the Nomad job %q. Review it and run plan before you apply it.", deref(s.job.ID))}
	if !s.ours() {
		lines = append(lines, "A pool becomes a Nomad job of its own: stop this job first, or give the pool another name.",
			"Each machine runs an agent beside its services: "+profile.DefaultAgentCommand+" on the image or host, or agent { artifact = … }.")
	}
	if keys := s.secretKeys(); len(keys) > 0 {
		lines = append(lines, fmt.Sprintf("Secrets are not shown. Store them in Nomad with: nomad var put machines/%s %s", s.redaction.pool, strings.Join(keys, " ")))
	}
	return lines
}

// secretKeys returns the items that the profile expects in Nomad variables, as arguments of nomad var put.
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

// variableBlocks declares variables for the queue and for removed values that are not environment variables.
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
