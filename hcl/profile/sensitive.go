package profile

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
)

// sensitiveSet gathers the strings that come from sensitive variables.
type sensitiveSet map[string]bool

// collect takes the marks off a value and keeps the strings which they were on.
func (s *sensitiveSet) collect(v cty.Value) cty.Value {
	if !v.ContainsMarked() {
		return v
	}
	plain, marked := v.UnmarkDeepWithPaths()
	for _, m := range marked {
		part, err := m.Path.Apply(plain)
		if err != nil {
			part = plain // a path through a set: take all of it
		}
		s.add(part)
	}
	return plain
}

func (s *sensitiveSet) add(v cty.Value) {
	// The callback returns no error, so Walk doesn't either.
	_ = cty.Walk(v, func(_ cty.Path, v cty.Value) (bool, error) {
		if v.Type() == cty.String && v.IsKnown() && !v.IsNull() && v.AsString() != "" {
			(*s)[v.AsString()] = true
		}
		return true, nil
	})
}

// list returns them longest first, so that masking one never leaves a rest of a longer one.
func (s *sensitiveSet) list() []string {
	return slices.SortedFunc(maps.Keys(*s), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
}

// mask hides the values in what diagnostics say. Their snippets show source, which is the author's own.
func (s *sensitiveSet) mask(diags hcl.Diagnostics) {
	for _, secret := range s.list() {
		for _, d := range diags {
			d.Summary = strings.ReplaceAll(d.Summary, secret, "(sensitive)")
			d.Detail = strings.ReplaceAll(d.Detail, secret, "(sensitive)")
		}
	}
}
