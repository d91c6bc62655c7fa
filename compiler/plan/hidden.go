package plan

import (
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler/content"
	"github.com/emprops/machinectl/hcl/manifest"
)

// masked stands for a sensitive value.
const masked = "(sensitive)"

// hidden holds what a plan must not show: values that come from sensitive variables, now or in a running revision. Each
// group's policy lists their places.
type hidden struct {
	places []string // in words
	leaves []content.Leaf
}

// hide finds the values to mask in groups that are compared.
func hide(policies []manifest.Policy, groups ...*nomad.TaskGroup) *hidden {
	var places [][]string
	for _, p := range policies {
		places = append(places, p.Sensitive)
	}
	h := &hidden{places: content.Together(places...)}
	for _, group := range groups {
		if group != nil {
			h.leaves = append(h.leaves, content.Hidden(group, h.places)...)
		}
	}
	return h
}

// hideJobs is like [hide], for all groups of several jobs.
func hideJobs(jobs ...*nomad.Job) *hidden {
	var policies []manifest.Policy
	var groups []*nomad.TaskGroup
	for _, job := range jobs {
		if job == nil {
			continue
		}
		for _, group := range job.TaskGroups {
			if policy, ours, err := policyOf(group); ours && err == nil {
				policies = append(policies, policy)
			}
			groups = append(groups, group)
		}
	}
	return hide(policies, groups...)
}

// change returns the change of the value at a path, without what must not be shown. A change of hidden values alone is masked as
// a whole.
func (h *hidden) change(path string, before, after content.Value) Change {
	what := content.Words(path)
	b, a := before.Mask(h.places, path, masked), after.Mask(h.places, path, masked)
	if a == b && before != after {
		return Change{What: what, Before: masked, After: masked}
	}
	return valueChange(what, b, a)
}

// diff masks the hidden values in Nomad's own difference, field by field.
func (h *hidden) diff(d *nomad.JobDiff) {
	if d == nil || len(h.leaves) == 0 {
		return
	}
	for _, g := range d.TaskGroups {
		h.fields("", "", g.Fields)
		h.objects("", "", g.Objects)
		for _, t := range g.Tasks {
			h.fields(t.Name, "", t.Fields)
			h.objects(t.Name, "", t.Objects)
		}
	}
}

func (h *hidden) objects(task, under string, list []*nomad.ObjectDiff) {
	for _, o := range list {
		h.fields(task, under+" "+o.Name, o.Fields)
		h.objects(task, under+" "+o.Name, o.Objects)
	}
}

func (h *hidden) fields(task, under string, list []*nomad.FieldDiff) {
	for _, f := range list {
		name := under + " " + f.Name
		for _, side := range []*string{&f.Old, &f.New} {
			if slices.ContainsFunc(h.leaves, func(l content.Leaf) bool {
				return l.Task == task && l.Value == *side && strings.Contains(name, l.Key)
			}) {
				*side = masked
			}
		}
	}
}
