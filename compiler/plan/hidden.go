package plan

import (
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler/content"
	"github.com/emprops/machinectl/hcl/spec"
)

// masked stands for a sensitive value.
const masked = "(sensitive)"

// hidden is what a plan must not show: values that come from sensitive variables, or came from them in a revision that runs.
// A profile tells the present ones; of those before, their places are noted in the policy.
type hidden struct {
	places []string // in words
	values []string // found there, the longest first
}

// hide finds what is to be hidden of a group that may be replaced by another one.
func hide(before, after *nomad.TaskGroup, was, is spec.Policy) *hidden {
	h := &hidden{places: slices.Concat(was.Sensitive, is.Sensitive)}
	if len(h.places) == 0 {
		return h
	}
	for _, group := range []*nomad.TaskGroup{before, after} {
		if group == nil {
			continue
		}
		for path, value := range content.Of(group) {
			if h.has(content.Words(path)) && !slices.Contains(h.values, value) {
				h.values = append(h.values, value)
			}
		}
	}
	slices.SortFunc(h.values, func(a, b string) int { return len(b) - len(a) })
	return h
}

func (h *hidden) has(what string) bool { return slices.Contains(h.places, what) }

func (h *hidden) change(c Change) Change {
	if !h.has(c.What) {
		return c
	}
	for _, side := range []*string{&c.Before, &c.After} {
		if *side != "" {
			*side = masked
		}
	}
	return c
}

// shortest is how long a value must be to be looked for within others; a shorter one is only hidden where it stands alone.
const shortest = 4

func (h *hidden) text(text string) string {
	for _, value := range h.values {
		switch {
		case text == value:
			return masked
		case len(value) >= shortest:
			text = strings.ReplaceAll(text, value, masked)
		}
	}
	return text
}

// diff hides them in Nomad's own difference.
func (h *hidden) diff(d *nomad.JobDiff) {
	if d == nil || len(h.values) == 0 {
		return
	}
	for _, g := range d.TaskGroups {
		h.fields(g.Fields)
		h.objects(g.Objects)
		for _, t := range g.Tasks {
			h.fields(t.Fields)
			h.objects(t.Objects)
		}
	}
}

func (h *hidden) objects(list []*nomad.ObjectDiff) {
	for _, o := range list {
		h.fields(o.Fields)
		h.objects(o.Objects)
	}
}

func (h *hidden) fields(list []*nomad.FieldDiff) {
	for _, f := range list {
		f.Old, f.New = h.text(f.Old), h.text(f.New)
	}
}
