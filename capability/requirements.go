package capability

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Requirements is what a job needs, in canonical form. Only [Parse] makes it. Equal meaning gives equal values.
type Requirements struct {
	Type        string       `json:"type"`
	Flags       []string     `json:"flags,omitempty"`       // sorted, no duplicates; "!x" means that x must be absent
	Constraints []Constraint `json:"constraints,omitempty"` // sorted by name
}

// Constraint is one valued requirement in canonical form, for example {"gpu.memory", ">=24GiB"}.
type Constraint struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
}

// FieldError rejects a requirement or an offer. Field is the path in the JSON, such as `requires["gpu.memory"]`.
type FieldError struct {
	Field   string
	Problem string // what is wrong and what to write instead
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Problem }

// Limits on what one job may require.
const (
	MaxFlags       = 32
	MaxConstraints = 32
	MaxExpr        = 512 // bytes of one expression
	MaxValues      = 32  // values in one list
	maxName        = 64
)

var (
	typeName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	attrName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$`)
	flagName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/+-]*$`)
)

// Parse parses a submission's requirements. The error is a [*FieldError]. Parse rejects conflicting parts, unknown
// operators and units, and requirements that nothing can satisfy.
func Parse(jobType string, flags []string, requires map[string]any) (Requirements, error) {
	if err := checkType(jobType); err != nil {
		return Requirements{}, err
	}
	r := Requirements{Type: jobType}
	var err error
	if r.Flags, err = parseFlags(flags); err != nil {
		return Requirements{}, err
	}
	if len(requires) > MaxConstraints {
		return Requirements{}, &FieldError{"requires", fmt.Sprintf("%d entries, at most %d", len(requires), MaxConstraints)}
	}
	for _, name := range slices.Sorted(maps.Keys(requires)) {
		field := fmt.Sprintf("requires[%q]", name)
		if problem := checkName(name); problem != "" {
			return Requirements{}, &FieldError{field, problem}
		}
		c, err := parseValue(name, requires[name])
		if err != nil {
			return Requirements{}, &FieldError{field, err.Error()}
		}
		r.Constraints = append(r.Constraints, Constraint{Name: name, Expr: c.String()})
	}
	return r, nil
}

// Canonical returns the one text form of these requirements: equal meaning gives equal text.
func (r Requirements) Canonical() string {
	var b strings.Builder
	b.WriteString(r.Type)
	if len(r.Flags) > 0 {
		b.WriteString(" [" + strings.Join(r.Flags, " ") + "]")
	}
	for i, c := range r.Constraints {
		if i > 0 {
			b.WriteString(";")
		}
		b.WriteString(" " + c.Name + " " + c.Expr)
	}
	return b.String()
}

// Class identifies all jobs with these requirements, by 16 hexadecimal digits.
func (r Requirements) Class() string {
	sum := sha256.Sum256([]byte(r.Canonical()))
	return hex.EncodeToString(sum[:8])
}

func checkType(t string) error {
	switch {
	case t == "":
		return &FieldError{"type", "is missing: write the connector that runs the job, for example \"comfyui\""}
	case len(t) > maxName || !typeName.MatchString(t):
		return &FieldError{"type", fmt.Sprintf("%q is not a job type: lower-case letters, digits and _, starting with a letter, at most %d", shorten(t), maxName)}
	}
	return nil
}

func checkName(name string) string {
	if len(name) > maxName || !attrName.MatchString(name) {
		return fmt.Sprintf("is not a name: lower-case words joined by dots, such as gpu.memory, at most %d bytes", maxName)
	}
	return ""
}

func parseFlags(flags []string) ([]string, error) {
	if len(flags) > MaxFlags {
		return nil, &FieldError{"capabilities", fmt.Sprintf("%d entries, at most %d", len(flags), MaxFlags)}
	}
	var out []string
	for i, f := range flags {
		name := strings.TrimPrefix(f, "!")
		if len(name) > maxName || !flagName.MatchString(name) {
			return nil, &FieldError{
				fmt.Sprintf("capabilities[%d]", i),
				fmt.Sprintf("%q is not a capability: letters, digits and . _ : / + -, at most %d bytes, with ! in front to exclude it", shorten(f), maxName),
			}
		}
		other := "!" + name
		if f != name {
			other = name
		}
		if slices.Contains(flags, other) {
			return nil, &FieldError{fmt.Sprintf("capabilities[%d]", i), fmt.Sprintf("asks for %q and for %q: no worker is both", f, other)}
		}
		out = append(out, f)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// shorten truncates a user's text so that it doesn't flood a message.
func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}
