package profile

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/emprops/machinectl/hcl/diag"
)

// MaxName is how long a name may be: what Nomad builds from a pool's, a service's and an instance's name together stays
// below the 63 characters of a DNS label.
const MaxName = 24

// checkName checks the name of a machine, pool, service or worker; they become names in Nomad. Variables may be any
// identifier.
func checkName(kind, name string, at hcl.Range) *hcl.Diagnostic {
	if kind == "variable" {
		if hclsyntax.ValidIdentifier(name) {
			return nil
		}
		return diag.Error(at, fmt.Sprintf("%q is not a valid variable name", name), "It is letters, digits, underscores and dashes, and starts with a letter.", "")
	}
	if !taskName(name) {
		return diag.Error(at, fmt.Sprintf("%q is not a valid %s name", name, kind), "It becomes a name in Nomad: lower-case letters, digits and dashes, starting with a letter.", nameAdvice(name))
	}
	if len(name) > MaxName {
		return diag.Error(at, fmt.Sprintf("The name of this %s is too long", kind), fmt.Sprintf("It has %d characters, and the most is %d.", len(name), MaxName), "")
	}
	return nil
}

func taskName(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' || s[len(s)-1] == '-' {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return !inTaskName(r) })
}

func inTaskName(r rune) bool {
	return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-'
}

// nameAdvice proposes the nearest good name.
func nameAdvice(name string) string {
	fixed := strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case inTaskName(r):
			return r
		case r == '_' || r == ' ' || r == '.':
			return '-'
		default:
			return -1
		}
	}, strings.ToLower(name)), "-0123456789")
	if !taskName(fixed) || len(fixed) > MaxName {
		return ""
	}
	return fmt.Sprintf("Write %q.", fixed)
}

var (
	flagForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/+-]{0,63}$`)
	attrForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`)
)

// flagName reports whether s is a valid name of a capability without a value, as package capability accepts it in a job.
func flagName(s string) bool {
	return flagForm.MatchString(s)
}

// attrName reports whether s is a valid name of a capability with a value, as package capability accepts it in a job.
func attrName(s string) bool {
	return len(s) <= 64 && attrForm.MatchString(s)
}
