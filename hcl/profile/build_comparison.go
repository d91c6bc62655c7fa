package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/go-version"

	"github.com/emprops/machinectl/hcl/diag"
)

// operatorsAlone are the operators of constraints that need no value.
func operatorsAlone() []string {
	return []string{"is_set", "is_not_set", "distinct_hosts", "distinct_property"}
}

// compared checks the value of a constraint or affinity.
func (l *loader) compared(o *object) {
	v, ok := o.get("value")
	if !ok || o.wrong("operator") {
		return
	}
	if summary, detail, advice := comparison(o.str("operator"), o.str("value")); summary != "" {
		l.report(diag.Error(v.at, summary, detail, advice))
	}
}

// ValidComparison reports whether constraints and affinities take the value with the operator.
func ValidComparison(operator, value string) bool {
	summary, _, _ := comparison(operator, value)
	return summary == ""
}

// comparison describes what is wrong with an operator's value, for which Nomad would refuse the whole job. The summary is empty
// if nothing is.
func comparison(operator, value string) (summary, detail, advice string) {
	switch operator {
	case "regexp":
		if _, err := regexp.Compile(value); err != nil {
			return fmt.Sprintf("%q is not a regular expression", value), "Nomad takes those of RE2.", "Escape brackets, and other characters with a meaning of their own, with \\\\."
		}
	case "version":
		if _, err := version.NewConstraint(value); err != nil {
			return fmt.Sprintf("%q is not a version constraint", value), "It is comparisons with versions, joined by commas.", "Write, for example, value = \">= 1.2, < 2\"."
		}
	case "semver":
		if !isSemver(value) {
			return fmt.Sprintf("%q is not a constraint on semantic versions", value), "It is comparisons with versions of three numbers, joined by commas; ~> is not among them.",
				"Write, for example, value = \">= 1.2.0, < 2.0.0\"."
		}
	case "is_set", "is_not_set":
		if value != "" {
			return fmt.Sprintf("Value beside %q", operator), "The operator only checks whether the attribute exists.", "Take the value out, or use another operator."
		}
	case "distinct_property":
		if n, err := strconv.ParseUint(value, 10, 64); value != "" && (err != nil || n < 1) {
			return fmt.Sprintf("%q is not a number of machines", value), "It is how many machines may share one value of the attribute.", "Write, for example, value = \"2\"; the default is 1."
		}
	case "distinct_hosts":
	default:
		if value == "" {
			return "The value is empty", fmt.Sprintf("The operator %q compares with a value.", operator), "Write value = \"…\"."
		}
	}
	return "", "", ""
}

var semverComparison = regexp.MustCompile(`^\s*(?:=|!=|>|<|>=|<=)?\s*(` + version.SemverRegexpRaw + `)\s*$`)

// isSemver reports whether Nomad's semver operator takes the constraint.
func isSemver(constraint string) bool {
	return !slices.ContainsFunc(strings.Split(constraint, ","), func(part string) bool {
		match := semverComparison.FindStringSubmatch(part)
		if match == nil {
			return true
		}
		_, err := version.NewSemver(match[1])
		return err != nil
	})
}
