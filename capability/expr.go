package capability

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// expr is a parsed expression. After normalise it is in canonical form.
type expr struct {
	lower, upper *bound
	all          []literal   // each must be offered
	anys         [][]literal // at least one of each group must be offered
	none         []literal   // none may be offered
	present      bool        // some value must be offered

	lowers, uppers []literal // all bounds added so far
}

// bound is one end of a range.
type bound struct {
	literal
	strict bool // excludes the end itself
}

var bare = regexp.MustCompile(`^[^\s"<>=!~≥≤(),*]([^"<>=!~≥≤(),*]*[^\s"<>=!~≥≤(),*])?$`)

// String returns the canonical text; parseExpr parses it back to the same value.
func (e *expr) String() string {
	var terms []string
	if e.lower != nil {
		terms = append(terms, e.lower.operator(">")+e.lower.quoted())
	}
	if e.upper != nil {
		terms = append(terms, e.upper.operator("<")+e.upper.quoted())
	}
	if len(e.all) == 1 {
		terms = append(terms, "="+e.all[0].quoted())
	} else if len(e.all) > 1 {
		terms = append(terms, "all("+quoteAll(e.all)+")")
	}
	for _, group := range e.anys {
		terms = append(terms, "any("+quoteAll(group)+")")
	}
	if e.present {
		terms = append(terms, "*")
	}
	if len(e.none) == 1 {
		terms = append(terms, "!="+e.none[0].quoted())
	} else if len(e.none) > 1 {
		terms = append(terms, "none("+quoteAll(e.none)+")")
	}
	return strings.Join(terms, ", ")
}

func (b bound) operator(sign string) string {
	if b.strict {
		return sign
	}
	return sign + "="
}

func (l literal) quoted() string {
	if bare.MatchString(l.text) {
		return l.text
	}
	return strconv.Quote(l.text)
}

func quoteAll(list []literal) string {
	texts := make([]string, len(list))
	for i, l := range list {
		texts[i] = l.quoted()
	}
	return strings.Join(texts, ", ")
}

// addBound narrows the range. It returns an error if which of two bounds is narrower depends on the offer.
func (e *expr) addBound(b bound, lower bool) error {
	slot, seen, sign := &e.lower, &e.lowers, 1
	if !lower {
		slot, seen, sign = &e.upper, &e.uppers, -1
	}
	for _, old := range *seen {
		if !comparableLiterals(old, b.literal) {
			return fmt.Errorf("compares with %s and with %s: use one unit or kind of value", old.text, b.text)
		}
		if _, ok := agree(old, b.literal); !ok {
			return fmt.Errorf("has two bounds on one side, %s and %s: write one", old.text, b.text)
		}
	}
	*seen = append(*seen, b.literal)
	if *slot == nil {
		*slot = &b
		return nil
	}
	if order := sign * compareLiterals(b.literal, (*slot).literal); order > 0 || order == 0 && b.strict {
		*slot = &b
	}
	return nil
}

// normalise brings the expression into canonical form. It returns an error if nothing can satisfy it.
func (e *expr) normalise() error {
	if (e.lower != nil || e.upper != nil) && len(e.all)+len(e.anys) > 0 {
		return errors.New("has a comparison and a value: write either, for example \">=16GiB, <48GiB\" or \"any(a, b)\"")
	}
	if err := e.normaliseRange(); err != nil {
		return err
	}
	e.all, e.none = unique(e.all), unique(e.none)
	if err := e.normaliseGroups(); err != nil {
		return err
	}
	for _, l := range e.all {
		if contains(e.none, l) {
			return fmt.Errorf("wants %s and excludes it: nothing can be both", l.text)
		}
	}
	if e.lower != nil || e.upper != nil || len(e.all)+len(e.anys) > 0 {
		e.present = false
	}
	return nil
}

func (e *expr) normaliseRange() error {
	if e.lower == nil || e.upper == nil {
		return nil
	}
	if !comparableLiterals(e.lower.literal, e.upper.literal) {
		return fmt.Errorf("compares with %s and with %s: use one unit or kind of value", e.lower.text, e.upper.text)
	}
	order, ok := agree(e.lower.literal, e.upper.literal)
	if !ok {
		return nil // if the range is non-empty in one reading, some offer can satisfy it
	}
	switch {
	case order > 0 || order == 0 && (e.lower.strict || e.upper.strict):
		return fmt.Errorf("wants %s%s and %s%s: nothing can be both", e.lower.operator(">"), e.lower.text, e.upper.operator("<"), e.upper.text)
	case order == 0 && e.lower.text == e.upper.text:
		e.all = []literal{e.lower.literal}
		e.lower, e.upper = nil, nil
	}
	return nil
}

// normaliseGroups removes excluded values from the one-of groups, turns groups of one into required values and drops
// groups that the rest already implies.
func (e *expr) normaliseGroups() error {
	var groups [][]literal
	for _, g := range e.anys {
		left := slices.DeleteFunc(unique(g), func(l literal) bool { return contains(e.none, l) })
		switch len(left) {
		case 0:
			return fmt.Errorf("wants one of %s and excludes them all", quoteAll(g))
		case 1:
			e.all = unique(append(e.all, left[0]))
		default:
			groups = append(groups, left)
		}
	}
	slices.SortFunc(groups, func(a, b []literal) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), slices.CompareFunc(a, b, compareTexts))
	})
	e.anys = nil
	for _, g := range groups {
		implied := slices.ContainsFunc(g, func(l literal) bool { return contains(e.all, l) }) ||
			slices.ContainsFunc(e.anys, func(kept []literal) bool { return subset(kept, g) })
		if !implied {
			e.anys = append(e.anys, g)
		}
	}
	return nil
}

// literals returns all values that the expression mentions.
func (e *expr) literals() []literal {
	out := slices.Concat(append(e.anys, e.all, e.none)...)
	for _, b := range []*bound{e.lower, e.upper} {
		if b != nil {
			out = append(out, b.literal)
		}
	}
	return out
}

func compareTexts(a, b literal) int {
	return cmp.Or(cmp.Compare(a.text, b.text), cmp.Compare(a.kind, b.kind))
}

func unique(list []literal) []literal {
	out := slices.SortedFunc(slices.Values(list), compareTexts)
	return slices.Compact(out)
}

func contains(list []literal, l literal) bool {
	return slices.ContainsFunc(list, func(e literal) bool { return e.kind == l.kind && e.text == l.text })
}

func subset(small, large []literal) bool {
	return !slices.ContainsFunc(small, func(l literal) bool { return !contains(large, l) })
}
