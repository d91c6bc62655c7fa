package capability

import (
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Mismatch is a requirement that an offer doesn't satisfy.
type Mismatch struct {
	Requirement string // "gpu.memory >=24GiB"
	Offered     string // "8GiB"; empty if nothing is offered
}

// String describes the mismatch: "needs gpu.memory >=24GiB, worker offers 8GiB".
func (m *Mismatch) String() string {
	offers := m.Offered
	if offers == "" {
		offers = "none"
	}
	return "needs " + m.Requirement + ", worker offers " + offers
}

// Match returns the reason why a worker with this offer can't run a job with these requirements, or nil if it can. It
// checks the type first, then flags, then constraints by name.
func (r Requirements) Match(o Offer) *Mismatch {
	for m := range r.mismatches(o) {
		return m
	}
	return nil
}

// Unmet returns every reason why a worker with this offer can't run such a job, in the order of [Requirements.Match]. A
// worker of another type is compared no further.
func (r Requirements) Unmet(o Offer) []*Mismatch { return slices.Collect(r.mismatches(o)) }

func (r Requirements) mismatches(o Offer) iter.Seq[*Mismatch] {
	return func(yield func(*Mismatch) bool) {
		if r.Type != o.Type {
			yield(&Mismatch{Requirement: "type " + r.Type, Offered: "type " + o.Type})
			return
		}
		for _, f := range r.Flags {
			name, excluded := strings.CutPrefix(f, "!")
			if slices.Contains(o.Flags, name) != excluded {
				continue
			}
			m := &Mismatch{Requirement: name}
			if excluded {
				m = &Mismatch{Requirement: "no " + name, Offered: name}
			}
			if !yield(m) {
				return
			}
		}
		for _, c := range r.Constraints {
			if m := c.match(o.Attrs); m != nil && !yield(m) {
				return
			}
		}
	}
}

func (c Constraint) match(attrs map[string]any) *Mismatch {
	want := c.Name + " " + c.Expr
	e, err := parseExpr(c.Expr)
	if err != nil {
		return &Mismatch{Requirement: want, Offered: "nothing for an unreadable requirement (" + err.Error() + ")"}
	}
	var values []offered
	if v, ok := attrs[c.Name]; ok {
		if values, err = offeredValues(v); err != nil {
			return &Mismatch{Requirement: want, Offered: "an unreadable value (" + err.Error() + ")"}
		}
	}
	if !e.matches(values) {
		return &Mismatch{Requirement: want, Offered: describe(values)}
	}
	return nil
}

// matches reports whether the offered values satisfy the expression. Both ends of a range must hold for the same value.
func (e *expr) matches(values []offered) bool {
	has := func(l literal) bool {
		return slices.ContainsFunc(values, func(o offered) bool { return o.equals(l) })
	}
	inside := func(o offered) bool { return o.above(e.lower) && o.below(e.upper) }
	switch {
	case (e.lower != nil || e.upper != nil) && !slices.ContainsFunc(values, inside):
		return false
	case slices.ContainsFunc(e.all, func(l literal) bool { return !has(l) }):
		return false
	case slices.ContainsFunc(e.anys, func(g []literal) bool { return !slices.ContainsFunc(g, has) }):
		return false
	}
	return !slices.ContainsFunc(e.none, has) && (!e.present || len(values) > 0)
}

func (o offered) equals(l literal) bool {
	if o.text == l.text && o.kind == l.kind {
		return true
	}
	order, ok := o.compare(l)
	return ok && order == 0 && !strings.Contains(l.text, "+")
}

func (o offered) above(b *bound) bool {
	if b == nil {
		return true
	}
	order, ok := o.compare(b.literal)
	return ok && (order > 0 || order == 0 && !b.strict)
}

func (o offered) below(b *bound) bool {
	if b == nil {
		return true
	}
	order, ok := o.compare(b.literal)
	return ok && (order < 0 || order == 0 && !b.strict)
}

// compare orders the offered value against a required one; ok is false if they have no common order.
func (o offered) compare(l literal) (order int, ok bool) {
	if !comparableLiterals(o.literal, l) {
		return 0, false
	}
	if o.number && l.isNumber() {
		return compareNumbers(o.literal, l), true
	}
	return compareLiterals(o.literal, l), true
}

// describe lists the offered values, or the first few of a long list.
func describe(values []offered) string {
	const shown = 5
	var texts []string
	for i, v := range values {
		if i == shown {
			texts = append(texts, fmt.Sprintf("and %d more", len(values)-shown))
			break
		}
		texts = append(texts, v.text)
	}
	return strings.Join(texts, ", ")
}
