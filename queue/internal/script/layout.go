package script

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Field is one field of a record.
type Field struct {
	Name string // as scripts write it, in capitals
	Kind Kind
}

// Kind is the form of a field's text.
type Kind int

// The kinds of fields.
const (
	Text   Kind = iota // anything without a tab
	Number             // a decimal number, not negative
	Letter             // one ASCII letter
)

// pattern returns the Lua pattern of a field's text.
func (k Kind) pattern() string {
	switch k {
	case Number:
		return "%d+"
	case Letter:
		return "%a"
	default:
		return "[^\\t]*"
	}
}

// zero returns the field's text in a new record that doesn't set it.
func (k Kind) zero() string {
	if k == Number {
		return "0"
	}
	return ""
}

// layout is a record's fields, in order.
type layout []Field

var (
	constructor = regexp.MustCompile(`\bRECORD\{([^}]*)\}`)
	patternCall = regexp.MustCompile(`\bPATTERN\("([^"]*)"\)`)
	member      = regexp.MustCompile(`\[([A-Z_]+)\]`)
)

// expand replaces a script's references to a record's fields with Lua:
//
//	r[STATE]                       the field of a record that was split: r[1]
//	RECORD{ STATE = s, REV = "1" } the text of a record. A value is a variable or a literal text. Fields that are not named
//	                               are empty, or 0. FROM_TENANT = s is the text of that field and all after it.
//	PATTERN("STATE REV")           a Lua pattern, as a literal, that captures the named fields, which must be in the record's
//	                               order. "()" before a name captures the position where that field begins.
//	PATTERN("*")                   a pattern that captures all fields, whatever their text.
func (l layout) expand(src string) (string, error) {
	var wrong error
	replace := func(re *regexp.Regexp, expansion func(arg string) (string, error)) {
		src = re.ReplaceAllStringFunc(src, func(found string) string {
			text, err := expansion(re.FindStringSubmatch(found)[1])
			if err != nil && wrong == nil {
				wrong = fmt.Errorf("%s: %w", found, err)
			}
			return text
		})
	}
	replace(constructor, l.constructor)
	replace(patternCall, l.pattern)
	replace(member, func(name string) (string, error) {
		i := l.index(name)
		if i < 0 {
			return "[" + name + "]", nil // not a field
		}
		return fmt.Sprintf("[%d]", i+1), nil
	})
	return src, wrong
}

func (l layout) index(name string) int {
	return slices.IndexFunc(l, func(f Field) bool { return f.Name == name })
}

// constructor returns the expression for a record's text: variables, and literals as few as possible between them.
func (l layout) constructor(body string) (string, error) {
	values := map[string]string{}
	for entry := range strings.SplitSeq(strings.TrimRight(strings.TrimSpace(body), ","), ",") {
		name, value, _ := strings.Cut(entry, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if l.index(strings.TrimPrefix(name, "FROM_")) < 0 || value == "" {
			return "", fmt.Errorf("%q is not a field with its value", strings.TrimSpace(entry))
		}
		values[name] = value
	}
	var parts []string
	literal := ""
	for i, f := range l {
		if i > 0 {
			literal += "\\t"
		}
		if rest, ok := values["FROM_"+f.Name]; ok {
			parts, literal = append(parts, `"`+literal+`"`, rest), ""
			break
		}
		value, given := values[f.Name]
		if !given {
			value = `"` + f.Kind.zero() + `"`
		}
		if text, quoted := strings.CutPrefix(value, `"`); quoted {
			literal += strings.TrimSuffix(text, `"`)
			continue
		}
		if literal != "" {
			parts, literal = append(parts, `"`+literal+`"`), ""
		}
		parts = append(parts, value)
	}
	if literal != "" {
		parts = append(parts, `"`+literal+`"`)
	}
	return strings.Join(parts, " .. "), nil
}

// pattern returns the Lua pattern that captures the named fields. It ends with the last of them.
func (l layout) pattern(names string) (string, error) {
	var parts []string
	if names == "*" {
		for range l {
			parts = append(parts, "("+Text.pattern()+")")
		}
		parts[len(parts)-1] = "(.*)"
		return `"^` + strings.Join(parts, "\\t") + `$"`, nil
	}
	wanted := strings.Fields(names)
	for _, f := range l {
		if len(wanted) == 0 {
			break
		}
		part := f.Kind.pattern()
		if wanted[0] == "()"+f.Name || wanted[0] == f.Name {
			part = strings.TrimSuffix(wanted[0], f.Name) + "(" + part + ")"
			wanted = wanted[1:]
		}
		parts = append(parts, part)
	}
	if len(wanted) > 0 {
		return "", fmt.Errorf("%q is not a field, or not in the record's order", wanted[0])
	}
	return `"^` + strings.Join(parts, "\\t") + `"`, nil
}
