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

// hide finds the places of sensitive values in the pool's job. It compiles the pool's disguise, in which every sensitive
// value is [profile.Hidden], and looks for that text. The places are therefore known whatever the values are, and
// however the compiler transforms them. hide returns the pool's diagnostics with all sensitive values masked.
func (p *Pool) hide(disguise *profile.Pool, diags hcl.Diagnostics) hcl.Diagnostics {
	m := &machine{Machine: disguise.Machine, pool: disguise}
	job := m.job()
	diags = profile.Disguised(diags, m.diags)
	if diags.HasErrors() {
		return diags
	}
	return append(diags, p.hideIn(job, m.diags)...)
}

// hideIn takes the places from the disguise's job. diags are the diagnostics of compiling the disguise.
func (p *Pool) hideIn(job *nomad.Job, diags hcl.Diagnostics) hcl.Diagnostics {
	if errs, _ := diag.Split(diags); len(errs) > 0 {
		// The profile itself compiles, so a nomad block makes something sensitive that isn't text.
		at := hcl.Range{}
		if errs[0].Subject != nil {
			at = *errs[0].Subject
		}
		return hcl.Diagnostics{diag.Error(at, "Sensitive value in a nomad block", "Only text can be sensitive in a nomad block, and this is a number, a duration, or one of a few choices.",
			"If it is not a secret, write nonsensitive(…).")}
	}
	group := job.TaskGroups[0]
	places := content.Holding(group, profile.Hidden)
	if i := slices.IndexFunc(places, func(place string) bool { return strings.Contains(place, profile.Hidden) }); i >= 0 {
		return hcl.Diagnostics{diag.Error(p.Source.Range, "Sensitive value in a nomad block",
			fmt.Sprintf("It is used as a name, and names are shown: %s.", profile.Masked(places[i])), "If it is not a secret, write nonsensitive(…).")}
	}
	p.Policy.Sensitive, p.Hidden = places, content.Pointers(job, profile.Hidden)
	// The policy is in the job, where the dispatcher reads it.
	scaling, err := scalingBlock(p.Policy, p.Source.Max)
	if err != nil {
		return hcl.Diagnostics{diag.Error(p.Source.Range, "The pool's policy can't be encoded", err.Error(), "")}
	}
	p.Group().Scaling = scaling
	return nil
}
