package compiler

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler/content"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// hide finds out where sensitive values stand in the pool's job: where the job that its disguise becomes says
// [profile.Hidden]. So the places are known whatever the values are, and whatever became of them on the way.
// It returns what is to be said of the pool: diags, in words that show none of them.
func (p *Pool) hide(disguise *profile.Pool, diags hcl.Diagnostics) hcl.Diagnostics {
	m := &machine{Machine: disguise.Machine, pool: disguise}
	job := m.job()
	diags = profile.Disguised(diags, m.diags)
	if diags.HasErrors() {
		return diags
	}
	return append(diags, p.hideIn(job, m.diags)...)
}

// hideIn takes the places from the disguise's job, of which such diagnostics were made.
func (p *Pool) hideIn(job *nomad.Job, diags hcl.Diagnostics) hcl.Diagnostics {
	if errs, _ := diag.Split(diags); len(errs) > 0 {
		// The profile itself compiles: something of Nomad's that isn't text was to be sensitive.
		at := hcl.Range{}
		if errs[0].Subject != nil {
			at = *errs[0].Subject
		}
		return hcl.Diagnostics{diag.Error(at, "Sensitive value in a nomad block", "Only texts can be sensitive there, and this is a number, a time, or a choice.",
			"If it is no secret, write nonsensitive(…).")}
	}
	group := job.TaskGroups[0]
	places := content.Holding(group, profile.Hidden)
	if i := slices.IndexFunc(places, func(place string) bool { return strings.Contains(place, profile.Hidden) }); i >= 0 {
		return hcl.Diagnostics{diag.Error(p.Source.Range, "Sensitive value in a nomad block",
			fmt.Sprintf("It is the name of something, which is shown: %s.", strings.ReplaceAll(places[i], profile.Hidden, "(sensitive)")), "If it is no secret, write nonsensitive(…).")}
	}
	p.Policy.Sensitive, p.Hidden = places, content.Pointers(job, profile.Hidden)
	// The policy is in the job, as it is read by the dispatcher.
	scaling, err := scalingBlock(p.Policy, p.Source.Max)
	if err != nil {
		return hcl.Diagnostics{diag.Error(p.Source.Range, "The pool's policy can't be encoded", err.Error(), "")}
	}
	p.Group().Scaling = scaling
	return nil
}
