package profile

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// A value from a sensitive variable is marked, and evaluation carries the mark along to all that is made of it. Where the
// value becomes an argument, the mark ends, and three things take its place:
//
//   - Only arguments whose text stays within the machine's own tasks take such a value; the grammar marks them. All others
//     name, shape or place something, and are shown everywhere: there it is refused.
//   - Beside the profile there is its disguise, which has [Hidden] in place of every sensitive text. What is compiled from
//     that shows where in a Nomad job the values are, whatever they are.
//   - No message is made of such a value: not by this package, and not by a library that saw it (see [scope.spoken]).

// Hidden stands in a [Profile.Disguise] for a text that holds a sensitive value. No profile can have written it.
const Hidden = "\uE0FF"

// isSensitive reports whether a value, or anything in it, must not be shown.
func isSensitive(v cty.Value) bool { return v.ContainsMarked() }

// disguised returns a value with Hidden in place of each string, number and bool that must not be shown.
func disguised(v cty.Value) cty.Value {
	plain, marks := v.Unmark()
	switch {
	case !isSensitive(v) || !plain.IsKnown() || plain.IsNull():
		return plain
	case plain.Type().IsPrimitiveType():
		return cty.StringVal(Hidden)
	case isList(plain):
		var list []cty.Value
		for _, e := range items(v) {
			list = append(list, disguised(e.WithMarks(marks)))
		}
		return cty.TupleVal(list)
	case isMap(plain):
		all := map[string]cty.Value{}
		for k, e := range items(v) {
			all[stringOf(k)] = disguised(e.WithMarks(marks))
		}
		return cty.ObjectVal(all)
	default:
		return plain
	}
}

// namesSensitive reports whether the keys of a map in v must not be shown: the map as a whole is sensitive.
func namesSensitive(v cty.Value) bool {
	plain, marks := v.Unmark()
	if !plain.IsKnown() || plain.IsNull() || !isList(plain) && !isMap(plain) {
		return false
	}
	if isMap(plain) && len(marks) > 0 && lengthOf(plain) > 0 {
		return true
	}
	for _, e := range items(v) {
		if namesSensitive(e) {
			return true
		}
	}
	return false
}

const sensitiveAdvice = "Sensitive values go into env, command, args, settings and nomad blocks. If this is not a secret, write nonsensitive(…)."

// refuseSensitive reports that an argument doesn't take a sensitive value.
func refuseSensitive(name string, at hcl.Range) *hcl.Diagnostic {
	return diag.Error(at, fmt.Sprintf("Sensitive value in %q", name), "It would be shown: in plans, in Nomad and wherever machines and pools are listed.", sensitiveAdvice)
}

// refuseSensitiveNames reports that the map given to an argument is sensitive as a whole.
func refuseSensitiveNames(name string, at hcl.Range) *hcl.Diagnostic {
	return diag.Error(at, fmt.Sprintf("Sensitive value in %q", name), "The whole map is sensitive, and its names would be shown.",
		fmt.Sprintf("Write the names, and take the values by them: %s = { NAME = var.<name>[\"NAME\"] }.", name))
}

// unsaid replaces a text that could show a sensitive value.
const unsaid = "The reason is not shown, because the value is sensitive."

// sensitiveSet gathers the texts of sensitive values, to be hidden in what others say of the machine.
type sensitiveSet map[string]bool

func (s *sensitiveSet) add(v cty.Value) {
	plain, _ := v.UnmarkDeep()
	// The callback returns no error, so Walk doesn't either.
	_ = cty.Walk(plain, func(_ cty.Path, part cty.Value) (bool, error) {
		if t := part.Type(); t == cty.String || t == cty.Number {
			if text, ok := scalar(part); ok && text != "" {
				(*s)[text] = true
			}
		}
		return true, nil
	})
}

// list returns them longest first, so that hiding one never leaves a rest of a longer one.
func (s *sensitiveSet) list() []string {
	return slices.SortedFunc(maps.Keys(*s), func(a, b string) int {
		return cmp.Or(cmp.Compare(len(b), len(a)), strings.Compare(a, b))
	})
}

// sensitiveValue gives a sensitive value its argument's type, and disguises it.
func (r *reader) sensitiveValue(a *argument, v cty.Value, out value) value {
	switch {
	case !v.IsWhollyKnown():
		return out
	case !a.hides:
		r.report(refuseSensitive(a.name, out.at))
		return r.chosen(a, v, out)
	case namesSensitive(v):
		r.report(refuseSensitiveNames(a.name, out.at))
		return out
	}
	r.sensitive.addMarked(v)
	plain, _ := v.UnmarkDeep()
	if plain.IsNull() {
		out.bad, out.null = false, true
		return out
	}
	typed, problems := r.convert(a, plain, out)
	disguise, said := r.convert(a, disguised(v), out)
	if len(problems) > 0 {
		// What is said of the disguise can't show the value.
		if len(said) == 0 {
			said = hcl.Diagnostics{diag.Error(out.at, fmt.Sprintf("Wrong value for %q", a.name), fmt.Sprintf("It takes %s. %s", a.typ, unsaid), "")}
		}
		for _, p := range said {
			r.report(p)
		}
		return out
	}
	out.v, out.disguise, out.bad = typed, disguise, false
	return out
}

// chosen returns the value of an argument that refuses sensitive values, if it is one of a few choices. Then nothing that follows
// from it is reported as well, and messages about other arguments can't reveal it.
func (r *reader) chosen(a *argument, v cty.Value, out value) value {
	plain, _ := v.UnmarkDeep()
	if plain.IsNull() {
		out.bad, out.null = false, true
		return out
	}
	if len(a.oneOf) > 0 || a.typ == typeBool || a.typ == typeMachine {
		typed, problems := r.convert(a, plain, out)
		out.v, out.bad = typed, len(problems) > 0
	}
	return out
}

// addMarked adds what of a value is sensitive.
func (s *sensitiveSet) addMarked(v cty.Value) {
	plain, marks := v.Unmark()
	switch {
	case !isSensitive(v) || !plain.IsKnown() || plain.IsNull():
	case len(marks) > 0:
		s.add(plain)
	case isList(plain) || isMap(plain):
		for _, e := range items(v) {
			s.addMarked(e)
		}
	}
}
