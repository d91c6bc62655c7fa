package profile

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/timetext"
)

// convert converts a known, non-null value to the Go type of its argument, or reports what is wrong with it.
func (r *reader) convert(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	switch a.typ {
	case typeString:
		return r.convertString(a, v, at)
	case typeInt:
		return convertInt(a, v, at)
	case typeBool:
		if v.Type() == cty.Bool {
			return boolOf(v), nil
		}
	case typeDuration:
		return convertDuration(a, v, at)
	case typeSize:
		return convertSize(a, v, at)
	case typeStrings, typeFlags:
		return r.convertList(a, v, at)
	case typeEnv:
		return r.convertEnv(a, v, at)
	case typeSettings:
		return r.convertSettings(a, v, at)
	case typeAttrs:
		return r.convertAttrs(a, v, at)
	case typeMachine:
		if ref, ok := encapsulated(v); ok {
			return ref, nil
		}
		return nil, wrongType(a, v, at, machineAdvice(a, v))
	}
	return nil, wrongType(a, v, at, "")
}

// machineAdvice explains how to refer to a machine that is referred to in another way.
func machineAdvice(a *argument, v cty.Value) string {
	if v.ContainsMarked() {
		return ""
	}
	if keys := keysOf(v); len(keys) > 0 {
		return fmt.Sprintf("Write one of the machines that for_each makes, by its key: [%q].", keys[0])
	}
	if text, ok := scalar(v); ok && v.Type() == cty.String && taskName(strings.TrimPrefix(text, "machine.")) {
		return fmt.Sprintf("Write %s = machine.%s.", a.name, strings.TrimPrefix(text, "machine."))
	}
	return ""
}

func wrongType(a *argument, v cty.Value, at value, advice string) hcl.Diagnostics {
	return hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("Wrong type for %q", a.name),
		fmt.Sprintf("It takes %s, and this is %s.", a.typ, describe(v)), advice)}
}

// describe names a value's type, for messages.
func describe(v cty.Value) string {
	t := v.Type()
	switch {
	case t == cty.String:
		return "a string"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "a bool"
	case t.IsTupleType(), t.IsListType(), t.IsSetType():
		return "a list"
	case t.IsObjectType(), t.IsMapType():
		return "a map"
	case t.IsCapsuleType():
		return "a reference to a machine"
	default:
		return t.FriendlyName()
	}
}

func (r *reader) convertString(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if v.Type() != cty.String {
		advice := ""
		if s, ok := scalar(v); ok {
			advice = fmt.Sprintf("Put it in quotes: %s = %q.", a.name, s)
		}
		return nil, wrongType(a, v, at, advice)
	}
	s := stringOf(v)
	if d := noSecret(a, s, at.at); d != nil {
		return nil, hcl.Diagnostics{d}
	}
	if slices.Contains(a.planned, s) {
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("The %s %q is not available yet", a.name, s),
			"No agent can run its jobs.", fmt.Sprintf("Write %s = %s.", a.name, quoteAll(a.oneOf)))}
	}
	if len(a.oneOf) > 0 && !slices.Contains(a.oneOf, s) {
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("Unknown %s %q", a.name, s),
			fmt.Sprintf("It is one of %s.", quoteAll(a.oneOf)), diag.DidYouMean(s, a.oneOf))}
	}
	return s, nil
}

func noSecret(a *argument, s string, at hcl.Range) *hcl.Diagnostic {
	if !hasSecret(s) {
		return nil
	}
	return diag.Error(at, "secret() can't be used here", fmt.Sprintf("A secret is the whole value of an environment variable; %q isn't one.", a.name),
		"Put it into env = { NAME = secret(\"path\", \"key\") } and let the program read NAME.")
}

func convertInt(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if v.Type() != cty.Number {
		advice := ""
		if v.Type() == cty.String {
			if n, err := strconv.Atoi(stringOf(v)); err == nil {
				advice = fmt.Sprintf("Leave out the quotes: %s = %d.", a.name, n)
			}
		}
		return nil, wrongType(a, v, at, advice)
	}
	f := numberOf(v)
	n, accuracy := f.Int64()
	limit := int64(a.max)
	if limit == 0 {
		limit = 1 << 31
	}
	switch {
	case accuracy != big.Exact:
		return nil, wrongType(a, v, at, "Leave out the fraction.")
	case n < int64(a.min):
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is too small", a.name), fmt.Sprintf("It is %d, and the least is %d.", n, a.min), "")}
	case n > limit:
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is too large", a.name), fmt.Sprintf("It is %d, and the most is %d.", n, limit), "")}
	}
	return int(n), nil
}

func convertDuration(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if v.Type() != cty.String {
		advice := ""
		if s, ok := scalar(v); ok && v.Type() == cty.Number {
			advice = fmt.Sprintf("Write it with its unit: %s = \"%ss\".", a.name, s)
		}
		return nil, wrongType(a, v, at, advice)
	}
	s := stringOf(v)
	d, err := time.ParseDuration(s)
	if err != nil {
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is not a duration", s), "A duration is numbers with units: ms, s, m, h.",
			fmt.Sprintf("Write, for example, %s = \"30s\" or \"1h30m\".", a.name))}
	}
	if d < 0 || d == 0 && !a.zero {
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q must be longer than nothing", a.name), fmt.Sprintf("It is %s.", timetext.Duration(d)), "")}
	}
	switch {
	case d > 0 && d < shortestTime:
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is too short", a.name), fmt.Sprintf("It is %s, and the least is %s.", s, shortestTime), "The units are ms, s, m (minutes) and h.")}
	case d > longestTime:
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is too long", a.name), fmt.Sprintf("It is %s, and the most is a year.", s), "The units are ms, s, m (minutes) and h.")}
	}
	return d, nil
}

// No time of a machine's or pool's life is shorter or longer than these: a slip of the unit is.
const (
	shortestTime = 10 * time.Millisecond
	longestTime  = 365 * 24 * time.Hour
)

func convertSize(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if v.Type() != cty.String {
		advice := ""
		if s, ok := scalar(v); ok && v.Type() == cty.Number {
			advice = fmt.Sprintf("Write it with its unit: %s = \"%sMiB\".", a.name, s)
		}
		return nil, wrongType(a, v, at, advice)
	}
	s := stringOf(v)
	n, err := ParseSize(s)
	if err != nil {
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is not a size", s), "A size is a number with a unit; here "+err.Error()+".",
			fmt.Sprintf("Write, for example, %s = \"512MiB\" or \"4GiB\".", a.name))}
	}
	least, most := int64(max(1, a.min))<<20, int64(a.max)<<20
	if most == 0 {
		most = 1 << 50
	}
	switch {
	case n < least:
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is too small", a.name), fmt.Sprintf("It is %s, and the least is %s.", FormatSize(n), FormatSize(least)), fmt.Sprintf("Write, for example, %s = \"4GiB\".", a.name))}
	case n > most:
		return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("%q is too large", a.name), fmt.Sprintf("It is %s, and the most is %s.", FormatSize(n), FormatSize(most)), fmt.Sprintf("Write, for example, %s = \"4GiB\".", a.name))}
	}
	return n, nil
}

// scalar writes a string, number or bool as text.
func scalar(v cty.Value) (string, bool) {
	if !v.IsKnown() || v.IsNull() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	s, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", false
	}
	return stringOf(s), true
}

func quoteAll(words []string) string {
	var out []byte
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			out = append(out, " or "...)
		case i > 0:
			out = append(out, ", "...)
		}
		out = strconv.AppendQuote(out, w)
	}
	return string(out)
}
