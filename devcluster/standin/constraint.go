package standin

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	version "github.com/hashicorp/go-version"
	"github.com/hashicorp/nomad/api"
)

// value is one side of a constraint: a text and, if it parses as one, a number with its unit's base.
type value struct {
	text   string
	number float64 // in base units
	base   string  // "B", "B/s", "Hz", "W", or "" for a bare number
	isNum  bool
}

func textValue(s string) value { return value{text: s} }

// parseValue parses "24 GiB", "24GiB", "1.5" or a word, as Nomad parses device attributes.
func parseValue(s string) value {
	v := value{text: s}
	digits := strings.TrimSpace(s)
	unit := strings.TrimLeft(digits, "+-.0123456789")
	digits = strings.TrimSpace(strings.TrimSuffix(digits, unit))
	n, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return v
	}
	factor, base, ok := unitOf(strings.TrimSpace(unit))
	if !ok {
		return v
	}
	return value{text: s, number: n * factor, base: base, isNum: true}
}

// prefixes lists the prefixes of sizes, in ascending order.
const prefixes = "KMGTPE"

// unitOf returns a unit's base and the factor to convert to it.
func unitOf(u string) (factor float64, base string, ok bool) {
	switch u {
	case "":
		return 1, "", true
	case "W":
		return 1, "W", true
	case "mW":
		return 1e-3, "W", true
	case "kW":
		return 1e3, "W", true
	case "MW":
		return 1e6, "W", true
	case "GW":
		return 1e9, "W", true
	case "MHz":
		return 1e6, "Hz", true
	case "GHz":
		return 1e9, "Hz", true
	}
	size, rate := strings.CutSuffix(u, "/s")
	base = "B"
	if rate {
		base = "B/s"
	}
	binary, isBinary := strings.CutSuffix(size, "iB")
	decimal, isDecimal := strings.CutSuffix(size, "B")
	switch {
	case isBinary && len(binary) == 1:
		n := strings.Index(prefixes, binary)
		return power(1024, n+1), base, n >= 0
	case isDecimal && len(decimal) == 1:
		n := strings.Index(prefixes, strings.ToUpper(decimal))
		return power(1000, n+1), base, n >= 0
	}
	return 0, "", false
}

func power(b float64, n int) float64 {
	out := 1.0
	for range n {
		out *= b
	}
	return out
}

// holds reports whether "l operand r" is true. A side that wasn't found makes most constraints false.
func holds(operand string, l, r value, lFound, rFound bool) bool {
	switch operand {
	case api.ConstraintDistinctHosts, api.ConstraintDistinctProperty:
		return true // checked elsewhere, because they concern other allocations
	case api.ConstraintAttributeIsSet:
		return lFound
	case api.ConstraintAttributeIsNotSet:
		return !lFound
	case "!=", "not":
		order, ok := compare(l, r)
		return !lFound || !rFound || !ok || order != 0
	}
	if !lFound || !rFound {
		return false
	}
	switch operand {
	case "=", "==", "is", "":
		order, ok := compare(l, r)
		return ok && order == 0
	case "<", "<=", ">", ">=":
		order, ok := compare(l, r)
		return ok && ordered(operand, order)
	case api.ConstraintVersion, api.ConstraintSemver:
		return versionFits(l.text, r.text)
	case api.ConstraintRegex:
		re, err := regexp.Compile(r.text)
		return err == nil && re.MatchString(l.text)
	case api.ConstraintSetContains, "set_contains_all":
		return containsAll(l.text, r.text)
	case api.ConstraintSetContainsAny:
		return containsAny(l.text, r.text)
	}
	return false
}

func ordered(operand string, order int) bool {
	switch operand {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}

// compare orders two values: as numbers if both are numbers with the same base, else as texts. ok is false for a number
// and a text, or for different bases.
func compare(l, r value) (order int, ok bool) {
	switch {
	case l.isNum && r.isNum:
		return cmp.Compare(l.number, r.number), l.base == r.base
	case !l.isNum && !r.isNum:
		return cmp.Compare(l.text, r.text), true
	default:
		return 0, false
	}
}

func versionFits(have, want string) bool {
	v, err := version.NewVersion(have)
	if err != nil {
		return false
	}
	c, err := version.NewConstraint(want)
	return err == nil && c.Check(v)
}

func set(s string) map[string]bool {
	out := map[string]bool{}
	for _, e := range strings.Split(s, ",") {
		out[strings.TrimSpace(e)] = true
	}
	return out
}

func containsAll(have, want string) bool {
	h := set(have)
	for e := range set(want) {
		if !h[e] {
			return false
		}
	}
	return true
}

func containsAny(have, want string) bool {
	h := set(have)
	for e := range set(want) {
		if h[e] {
			return true
		}
	}
	return false
}

func cutPrefix(s, prefix string) (string, bool) { return strings.CutPrefix(s, prefix) }
