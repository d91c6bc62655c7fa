package profile

import (
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// Disguised returns the diagnostics about a profile with the texts that the same checks give for its disguise, which can't show
// a sensitive value. of holds the disguise's diagnostics, which may be more. A diagnostic about the profile alone depends on such
// a value, and its text is replaced by a fixed one.
func Disguised(diags, of hcl.Diagnostics) hcl.Diagnostics {
	out := make(hcl.Diagnostics, len(diags))
	rest := slices.Clone(of)
	for i, d := range diags {
		match := slices.IndexFunc(rest, func(o *hcl.Diagnostic) bool { return sameSubject(d, o) && o.Summary == d.Summary })
		if match < 0 {
			match = slices.IndexFunc(rest, func(o *hcl.Diagnostic) bool { return sameSubject(d, o) })
		}
		if match < 0 {
			silent := *d
			silent.Summary, silent.Detail, silent.Extra = "Wrong value", unsaid, nil
			out[i] = &silent
			continue
		}
		said := *rest[match]
		said.Summary, said.Detail = Masked(said.Summary), Masked(said.Detail)
		if advice, ok := said.Extra.(diag.Advice); ok {
			said.Extra = diag.Advice(Masked(string(advice)))
		}
		out[i] = &said
		rest = slices.Delete(rest, match, match+1)
	}
	return out
}

// Masked returns a text that was made from a disguise, with [Hidden] or quoted, as it is shown.
func Masked(text string) string {
	const mask = "(sensitive)"
	return strings.NewReplacer(strconv.Quote(Hidden), mask, strings.Trim(strconv.Quote(Hidden), `"`), mask, Hidden, mask).Replace(text)
}

func sameSubject(a, b *hcl.Diagnostic) bool {
	if a.Severity != b.Severity || (a.Subject == nil) != (b.Subject == nil) {
		return false
	}
	return a.Subject == nil || *a.Subject == *b.Subject
}
