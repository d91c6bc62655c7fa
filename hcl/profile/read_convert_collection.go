package profile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// envName is what a POSIX shell takes as a variable's name.
var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func isList(v cty.Value) bool {
	return v.Type().IsTupleType() || v.Type().IsListType() || v.Type().IsSetType()
}

func isMap(v cty.Value) bool { return v.Type().IsObjectType() || v.Type().IsMapType() }

func (r *reader) convertList(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if !isList(v) {
		advice := ""
		if s, ok := scalar(v); ok {
			advice = fmt.Sprintf("Write %s = [%q].", a.name, s)
		}
		return nil, wrongType(a, v, at, advice)
	}
	var list []string
	var diags hcl.Diagnostics
	for _, e := range items(v) {
		s, ok := scalar(e)
		if !ok {
			return nil, hcl.Diagnostics{diag.Error(at.at, fmt.Sprintf("Wrong type in %q", a.name), fmt.Sprintf("Item %d must be a string.", len(list)+1), "")}
		}
		if d := noSecret(a, s, at.at); d != nil {
			diags = append(diags, d)
		}
		if a.typ == typeFlags && !flagName(s) {
			diags = append(diags, diag.Error(at.at, fmt.Sprintf("%q is not a capability name", s), "It is letters, digits and . _ : / + -, and starts with a letter or digit.", ""))
		}
		list = append(list, s)
	}
	if a.typ == typeFlags {
		slices.Sort(list)
		list = slices.Compact(list)
	}
	return list, diags
}

func (r *reader) convertEnv(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if !isMap(v) {
		return nil, wrongType(a, v, at, "")
	}
	env := environment{plain: map[string]string{}, secrets: map[string]Secret{}}
	var diags hcl.Diagnostics
	for k, e := range items(v) {
		key := stringOf(k)
		where := itemRange(at, key)
		s, ok := scalar(e)
		switch secret, isSecret := r.secrets.whole(s); {
		case !envName.MatchString(key):
			diags = append(diags, diag.Error(where, fmt.Sprintf("%q is not a valid name of an environment variable", key), "It is letters, digits and underscores, and doesn't start with a digit.", ""))
		case strings.HasPrefix(key, "NOMAD_"):
			diags = append(diags, diag.Error(where, fmt.Sprintf("%q is set by Nomad", key), "Nomad gives each task the variables that start with NOMAD_.", "Choose another name."))
		case !ok:
			diags = append(diags, diag.Error(where, fmt.Sprintf("Wrong type for %q", key), fmt.Sprintf("An environment variable is a string, and this is %s.", describeItem(e)), ""))
		case isSecret:
			env.secrets[key] = secret
		case hasSecret(s):
			diags = append(diags, diag.Error(where, "A secret must be the whole value", "It is rendered on the machine and can't become part of another text here.",
				"Give the secret a variable of its own, or store the whole text in the Nomad variable."))
		default:
			env.plain[key] = s
		}
	}
	return env, diags
}

func itemRange(at value, key string) hcl.Range {
	if where, ok := at.keys[key]; ok {
		return where
	}
	return at.at
}

func describeItem(v cty.Value) string {
	if v.IsNull() {
		return "null"
	}
	return describe(v)
}

func (r *reader) convertSettings(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if !isMap(v) {
		return nil, wrongType(a, v, at, "")
	}
	out := map[string]string{}
	var diags hcl.Diagnostics
	for k, e := range items(v) {
		where := itemRange(at, stringOf(k))
		s, ok := scalar(e)
		if !ok {
			diags = append(diags, diag.Error(where, fmt.Sprintf("Wrong type for %q", stringOf(k)), fmt.Sprintf("It takes a string, and this is %s.", describeItem(e)), ""))
			continue
		}
		if d := noSecret(a, s, where); d != nil {
			diags = append(diags, d)
		}
		out[stringOf(k)] = s
	}
	return out, diags
}

// lowerCase returns advice for a name of which only the capitals are wrong.
func lowerCase(name string) string {
	if lower := strings.ToLower(name); attrName(lower) {
		return fmt.Sprintf("Write %q.", lower)
	}
	return ""
}

func (r *reader) convertAttrs(a *argument, v cty.Value, at value) (any, hcl.Diagnostics) {
	if !isMap(v) {
		return nil, wrongType(a, v, at, "")
	}
	out := map[string]any{}
	var diags hcl.Diagnostics
	for k, e := range items(v) {
		key := stringOf(k)
		where := itemRange(at, key)
		if !attrName(key) {
			diags = append(diags, diag.Error(where, fmt.Sprintf("%q is not a valid name of a capability with a value", key), "It is lower-case words with digits and underscores, joined by dots, such as \"gpu.memory\".", lowerCase(key)))
			continue
		}
		item, ok := attrValue(e)
		if !ok {
			diags = append(diags, diag.Error(where, fmt.Sprintf("Wrong type for %q", key),
				fmt.Sprintf("A capability is a string, a number, a bool or a list of strings, and this is %s.", describeItem(e)), ""))
			continue
		}
		if s, isString := item.(string); isString {
			if d := noSecret(a, s, where); d != nil {
				diags = append(diags, d)
			}
		}
		out[key] = item
	}
	return out, diags
}

// attrValue returns a capability's value as encoding/json would read it back: string, float64, bool or []string.
func attrValue(v cty.Value) (any, bool) {
	switch {
	case v.IsNull():
		return nil, false
	case v.Type() == cty.String:
		return stringOf(v), true
	case v.Type() == cty.Bool:
		return boolOf(v), true
	case v.Type() == cty.Number:
		f, _ := numberOf(v).Float64()
		return f, true
	case isList(v):
		list := []string{}
		for _, e := range items(v) {
			if e.IsNull() || e.Type() != cty.String || hasSecret(stringOf(e)) {
				return nil, false
			}
			list = append(list, stringOf(e))
		}
		return list, true
	default:
		return nil, false
	}
}
