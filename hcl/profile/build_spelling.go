package profile

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/hcl/diag"
)

// spelled is a capability's name as one worker block writes it.
type spelled struct {
	name string
	at   hcl.Range
}

// spell notes what a worker block calls what it offers.
func (l *loader) spell(o *object) {
	for _, arg := range []string{"capabilities", "offers"} {
		v, ok := o.get(arg)
		if !ok {
			continue
		}
		names := o.list(arg)
		for name := range o.attrs(arg) {
			names = append(names, name)
		}
		for _, name := range names {
			s := spelled{name, itemRange(v, name)}
			if !slices.Contains(l.spelled[arg], s) { // inherited blocks come again
				l.spelled[arg] = append(l.spelled[arg], s)
			}
		}
	}
}

// warnSpelling points out capabilities that only one worker offers, and whose name is one slip away from one that others
// offer too: a job that asks for it finds the others or this one, never both.
func (l *loader) warnSpelling() {
	for _, arg := range []string{"capabilities", "offers"} {
		count := map[string]int{}
		for _, s := range l.spelled[arg] {
			count[s.name]++
		}
		known := []string{FlagGPU, FlagAPI, "cuda"}
		if arg == "offers" {
			known = []string{AttrGPUModel, AttrGPUMemory, AttrGPUDriver, "model"}
		}
		for _, s := range l.spelled[arg] {
			if count[s.name] > 1 && !slices.Contains(known, s.name) {
				known = append(known, s.name)
			}
		}
		for _, s := range l.spelled[arg] {
			if slices.Contains(known, s.name) {
				continue
			}
			if i := slices.IndexFunc(known, func(k string) bool { return slip(s.name, k) }); i >= 0 {
				l.report(diag.Warning(s.at, fmt.Sprintf("Capability %q is spelled unlike any other worker's", s.name), fmt.Sprintf("Jobs that ask for %q won't be matched with it.", known[i]),
					fmt.Sprintf("Did you mean %q?", known[i])))
			}
		}
	}
}

// slip reports whether a differs from b by one letter too many, too few or wrong, or by two that changed places. A digit is
// never a slip: sd15 and sd35 are different things.
func slip(a, b string) bool {
	const shortest = 4 // letters; of shorter words nearly all are near each other
	if a == b || len(a) < shortest || len(b) < shortest {
		return false
	}
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if strings.ContainsFunc(a+b, func(r rune) bool { return !unicode.IsLetter(r) }) {
		return false
	}
	return len(a) <= 1 && len(b) <= 1 || len(a) == 2 && len(b) == 2 && a[0] == b[1] && a[1] == b[0]
}
