package capability

import (
	"cmp"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type kind int

const (
	word     kind = iota // equal or not
	version              // digits and dots, no unit
	quantity             // a number with a unit
)

// literal is one value in canonical form. Two literals are the same value if and only if kind and text are equal.
type literal struct {
	kind  kind
	text  string
	dim   string // of a quantity: bytes, frequency, power or time
	value int64  // of a quantity, in its dimension's base unit
}

type unit struct {
	name string
	dim  string
	size int64 // in base units: byte, hertz, milliwatt, millisecond
}

// units lists each dimension's units, largest first: the canonical form uses the first one that divides the value.
func units() []unit {
	return []unit{
		{"TiB", "bytes", 1 << 40},
		{"TB", "bytes", 1e12},
		{"GiB", "bytes", 1 << 30},
		{"GB", "bytes", 1e9},
		{"MiB", "bytes", 1 << 20},
		{"MB", "bytes", 1e6},
		{"KiB", "bytes", 1 << 10},
		{"KB", "bytes", 1e3},
		{"B", "bytes", 1},
		{"GHz", "frequency", 1e9},
		{"MHz", "frequency", 1e6},
		{"kHz", "frequency", 1e3},
		{"Hz", "frequency", 1},
		{"kW", "power", 1e6},
		{"W", "power", 1e3},
		{"mW", "power", 1},
		{"h", "time", 3600e3},
		{"min", "time", 60e3},
		{"s", "time", 1e3},
		{"ms", "time", 1},
	}
}

const (
	maxLiteral  = 128     // bytes
	maxQuantity = 1 << 60 // base units
)

var (
	withUnit    = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)$`)
	versionText = regexp.MustCompile(`^[0-9]{1,18}(\.[0-9]{1,18})*(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
	looseUnit   = regexp.MustCompile(`^(?i)([kmgt]i?b?|bytes?|[kmg]?hz)$`)
)

// parseLiteral classifies a value and brings it into canonical form.
func parseLiteral(s string) (literal, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return literal{}, errors.New("a value is empty")
	case len(s) > maxLiteral:
		return literal{}, fmt.Errorf("the value %q is longer than %d bytes", shorten(s), maxLiteral)
	case !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl):
		return literal{}, fmt.Errorf("the value %q contains bytes that are not text", shorten(s))
	}
	if m := withUnit.FindStringSubmatch(s); m != nil {
		if lit, ok, err := parseQuantity(m[1], m[2]); ok || err != nil {
			return lit, err
		}
	}
	if versionText.MatchString(s) {
		return literal{kind: version, text: canonicalVersion(s)}, nil
	}
	return literal{kind: word, text: s}, nil
}

// parseQuantity parses a number with a unit; ok is false if the letters are not a unit, which makes the text a word.
func parseQuantity(number, name string) (lit literal, ok bool, err error) {
	for _, u := range units() {
		if u.name != name {
			continue
		}
		r, valid := new(big.Rat).SetString(number)
		if !valid {
			return literal{}, false, fmt.Errorf("%q is not a number", number)
		}
		r.Mul(r, new(big.Rat).SetInt64(u.size))
		r.Add(r, big.NewRat(1, 2)) // round to the nearest base unit
		n := new(big.Int).Quo(r.Num(), r.Denom())
		if !n.IsInt64() || n.Int64() > maxQuantity {
			return literal{}, false, fmt.Errorf("%s%s is too large", shorten(number), name)
		}
		return newQuantity(u.dim, n.Int64()), true, nil
	}
	if looseUnit.MatchString(name) && !strings.EqualFold(name, "ti") {
		return literal{}, false, fmt.Errorf("%s%s: %q is not a unit: %s", shorten(number), name, name, unitHelp)
	}
	return literal{}, false, nil
}

const unitHelp = "write one of B KB MB GB TB KiB MiB GiB TiB, Hz kHz MHz GHz, mW W kW, ms s min h"

func newQuantity(dim string, value int64) literal {
	lit := literal{kind: quantity, dim: dim, value: value}
	var best unit
	for _, u := range units() {
		if u.dim == dim && (value%u.size == 0 && value != 0 || u.size == 1) {
			best = u
			break
		}
	}
	lit.text = strconv.FormatInt(value/best.size, 10) + best.name
	return lit
}

// canonicalVersion drops what never makes a difference: trailing zero parts, and leading zeros unless the text is also
// a decimal number. 1.5.0 keeps its last part: 1.5 is also a decimal number, which compares differently with 1.45.
func canonicalVersion(s string) string {
	s, build, hasBuild := strings.Cut(s, "+")
	release, pre, hasPre := strings.Cut(s, "-")
	parts := strings.Split(release, ".")
	decimal := len(parts) == 2 && !hasPre && !hasBuild
	for i := range parts {
		trimmed := strings.TrimLeft(parts[i], "0")
		switch {
		case trimmed == "":
			parts[i] = "0"
		case i == 0 || !decimal:
			parts[i] = trimmed
		}
	}
	n := len(parts)
	for n > 1 && parts[n-1] == "0" {
		n--
	}
	if n == 2 && len(parts) > 2 {
		n = 3
	}
	out := strings.Join(parts[:n], ".")
	if hasPre {
		out += "-" + pre
	}
	if hasBuild {
		out += "+" + build
	}
	return out
}

// isNumber reports whether a version's text is also a decimal number.
func (l literal) isNumber() bool {
	return l.kind == version && strings.Count(l.text, ".") <= 1 && !strings.ContainsAny(l.text, "-+")
}

// ordered reports whether < and > are meaningful for the literal.
func (l literal) ordered() bool { return l.kind != word }

// comparableLiterals reports whether a and b have the same kind and, for quantities, the same dimension.
func comparableLiterals(a, b literal) bool {
	return a.kind == b.kind && a.ordered() && a.dim == b.dim
}

// compareLiterals orders two comparable literals, versions part by part.
func compareLiterals(a, b literal) int {
	if a.kind == quantity {
		return cmp.Compare(a.value, b.value)
	}
	return compareVersions(a.text, b.text)
}

// compareNumbers orders two version texts that are decimal numbers.
func compareNumbers(a, b literal) int {
	x, okX := new(big.Rat).SetString(a.text)
	y, okY := new(big.Rat).SetString(b.text)
	if !okX || !okY {
		return compareVersions(a.text, b.text)
	}
	return x.Cmp(y)
}

// agree orders a and b if their order is the same whether offers are versions or numbers; ok is false if it depends on
// the offer.
func agree(a, b literal) (order int, ok bool) {
	order = compareLiterals(a, b)
	if a.kind != version || a.text == b.text {
		return order, true
	}
	majorA, _, _ := strings.Cut(a.text, ".")
	majorB, _, _ := strings.Cut(b.text, ".")
	switch {
	case compareParts(majorA, majorB) != 0:
		return order, true
	case a.isNumber() && b.isNumber():
		return order, order == compareNumbers(a, b)
	}
	return order, a.isNumber() == b.isNumber()
}

// compareVersions compares part by part. Missing parts are 0, a pre-release (1.0-rc1) comes earlier, and a build
// (+cu124) is ignored.
func compareVersions(a, b string) int {
	a, _, _ = strings.Cut(a, "+")
	b, _, _ = strings.Cut(b, "+")
	relA, preA, hasA := strings.Cut(a, "-")
	relB, preB, hasB := strings.Cut(b, "-")
	if c := compareParts(relA, relB); c != 0 {
		return c
	}
	switch {
	case hasA && hasB:
		return compareParts(preA, preB)
	case hasA:
		return -1
	case hasB:
		return 1
	}
	return 0
}

func compareParts(a, b string) int {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range max(len(as), len(bs)) {
		x, y := "0", "0"
		if i < len(as) {
			x = as[i]
		}
		if i < len(bs) {
			y = bs[i]
		}
		nx, errX := strconv.ParseInt(x, 10, 64)
		ny, errY := strconv.ParseInt(y, 10, 64)
		var c int
		switch {
		case errX == nil && errY == nil:
			c = cmp.Compare(nx, ny)
		case errX == nil:
			c = -1 // numbers before words, as in semantic versioning
		case errY == nil:
			c = 1
		default:
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

// checkDimension rejects a value without the unit that its name requires: it would never match anything.
func (l literal) checkDimension(name string) error {
	last := name[strings.LastIndexByte(name, '.')+1:]
	var want, example string
	switch last {
	case "memory", "vram", "disk":
		want, example = "bytes", "24GiB"
	case "clock":
		want, example = "frequency", "1500MHz"
	case "power":
		want, example = "power", "450W"
	default:
		return nil
	}
	if l.kind != quantity || l.dim != want {
		return fmt.Errorf("%s is not a size of %s: write it with its unit, for example %s", l.text, last, example)
	}
	return nil
}
