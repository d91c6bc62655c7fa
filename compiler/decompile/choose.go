package decompile

import (
	"fmt"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
)

// suitable returns an error for a job that can't be a pool, which explains what to do instead.
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

// written returns what machinectl wrote into a group, or nil, nil for a foreign group.
func written(g *nomad.TaskGroup) (*manifest.Agent, *manifest.Policy) {
	if g.Scaling == nil {
		return nil, nil
	}
	policy, ok, err := manifest.ParsePolicy(g.Scaling.Policy)
	if !ok || err != nil {
		return nil, nil
	}
	for _, t := range g.Tasks {
		if tmpl := document(t); tmpl != nil {
			// Run-time values are within quotes, so the text is JSON once their own quotes are removed.
			text := strings.NewReplacer(`<<< env "`, "<<< env ", `" >>>`, " >>>").Replace(deref(tmpl.EmbeddedTmpl))
			if doc, err := manifest.DecodeAgent([]byte(text)); err == nil {
				return doc, &policy
			}
		}
	}
	return nil, nil
}

// document returns the template that holds the agent's document, or nil.
func document(t *nomad.Task) *nomad.Template {
	i := slices.IndexFunc(t.Templates, func(tmpl *nomad.Template) bool { return deref(tmpl.DestPath) == "local/machine.json" })
	if t.Name != manifest.TaskAgent || i < 0 {
		return nil
	}
	return t.Templates[i]
}
