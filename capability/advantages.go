package capability

import "slices"

// Advantages counts what o offers beyond p: flags and names that p lacks, listed values that p lacks, and quantities
// and versions that are higher. When two workers both fit a job, prefer the one with fewer advantages.
func (o Offer) Advantages(p Offer) int {
	n := 0
	for _, f := range o.Flags {
		if !slices.Contains(p.Flags, f) {
			n++
		}
	}
	for name, v := range o.Attrs {
		mine, err := offeredValues(v)
		theirs, err2 := offeredValues(p.Attrs[name])
		if err != nil {
			continue
		}
		if _, ok := p.Attrs[name]; !ok || err2 != nil {
			n++
			continue
		}
		n += beyond(mine, theirs)
	}
	return n
}

// beyond counts the values in mine that no value in theirs equals or exceeds.
func beyond(mine, theirs []offered) int {
	n := 0
	for _, m := range mine {
		covered := slices.ContainsFunc(theirs, func(t offered) bool {
			order, ok := t.compare(m.literal)
			return t.literal == m.literal || ok && order >= 0
		})
		if !covered {
			n++
		}
	}
	return n
}
