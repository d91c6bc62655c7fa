package profile

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/emprops/machinectl/hcl/diag"
)

// reference is what machine.name evaluates to.
type reference struct{ name string }

// sensitive marks values from sensitive variables; evaluation carries the mark along.
type sensitive struct{}

// scope is what expressions can refer to.
type scope struct {
	variables map[string]cty.Value
	locals    map[string]cty.Value
	machines  map[string]cty.Value
	capsule   cty.Type // of *reference
	functions map[string]function.Function
	used      map[string]bool // variables that some expression refers to
}

// roots are the names an expression may start from, by where it stands.
type roots struct {
	variables, locals, machines bool
	runtime                     runtime
}

func newScope(secrets *secretTable) *scope {
	return &scope{
		variables: map[string]cty.Value{},
		locals:    map[string]cty.Value{},
		machines:  map[string]cty.Value{},
		capsule:   cty.Capsule("machine", reflect.TypeFor[reference]()),
		functions: functions(secrets),
		used:      map[string]bool{},
	}
}

func (s *scope) declareMachine(name string) {
	s.machines[name] = cty.CapsuleVal(s.capsule, &reference{name: name})
}

// eval evaluates an expression that may refer to the given roots. A value that depends on something already reported is
// unknown, without another diagnostic.
func (s *scope) eval(expr hcl.Expression, allowed roots) (cty.Value, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	for _, t := range expr.Variables() {
		if d := s.check(t, allowed); d != nil {
			diags = append(diags, d)
		}
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	v, diags := expr.Value(s.context(allowed))
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	return v, diags
}

func (s *scope) context(allowed roots) *hcl.EvalContext {
	ctx := &hcl.EvalContext{Functions: s.functions, Variables: map[string]cty.Value{}}
	if allowed.variables {
		ctx.Variables["var"] = cty.ObjectVal(s.variables)
	}
	if allowed.locals {
		ctx.Variables["local"] = cty.ObjectVal(s.locals)
	}
	if allowed.machines {
		ctx.Variables["machine"] = cty.ObjectVal(s.machines)
	}
	if allowed.runtime >= runtimeNomad {
		ctx.Variables["nomad"] = runtimeObject("nomad")
	}
	if allowed.runtime >= runtimeSelf {
		ctx.Variables["self"] = runtimeObject("self")
	}
	return ctx
}

// check looks at one reference before evaluation, so that a wrong one is explained in the language's own words.
func (s *scope) check(t hcl.Traversal, allowed roots) *hcl.Diagnostic {
	root, at := t.RootName(), t.SourceRange()
	var known []string
	switch root {
	case "var":
		known = slices.Sorted(maps.Keys(s.variables))
	case "local":
		known = slices.Sorted(maps.Keys(s.locals))
	case "machine":
		known = slices.Sorted(maps.Keys(s.machines))
	case "self", "nomad":
		known = runtimeMembers(root)
	default:
		return unknownRoot(root, at, allowed)
	}
	if d := misplacedRoot(root, at, allowed); d != nil {
		return d
	}
	name, ok := member(t)
	if !ok {
		return diag.Error(at, "Incomplete reference", fmt.Sprintf("%q alone is not a value.", root), "Write "+root+".<name>.")
	}
	if root == "var" {
		s.used[name] = true
	}
	if slices.Contains(known, name) {
		return nil
	}
	what := map[string]string{"var": "variable", "local": "local value", "machine": "machine", "self": "run-time value", "nomad": "run-time value"}[root]
	advice := diag.DidYouMean(name, known)
	if advice == "" && root == "var" {
		advice = fmt.Sprintf("Declare it: variable %q {}.", name)
	}
	return diag.Error(at, fmt.Sprintf("Unknown %s %q", what, name), fmt.Sprintf("There is no %s.%s.", root, name), advice)
}

func unknownRoot(root string, at hcl.Range, allowed roots) *hcl.Diagnostic {
	known := allowed.names()
	advice := "If a text is meant, put it in quotes: " + strconv.Quote(root) + "."
	if near := diag.Suggest(root, known); near != "" {
		advice = "Did you mean " + near + ".<name>? " + advice
	}
	return diag.Error(at, fmt.Sprintf("Unknown name %q", root), "Only var, local, machine, self and nomad can be referred to.", advice)
}

func misplacedRoot(root string, at hcl.Range, allowed roots) *hcl.Diagnostic {
	if slices.Contains(allowed.names(), root) {
		return nil
	}
	var detail, advice string
	switch root {
	case "self":
		detail = "self is the service instance that is being started; it has a meaning in a service's command, args and env only."
	case "nomad":
		detail = "nomad.* is known on the machine that runs a task; it has a meaning in a task's command, args and env only."
	case "machine":
		detail = "A machine is no value of its own; extends and a pool's machine refer to one."
	default:
		detail = "Here only constants are allowed."
		advice = "Move the calculation into locals."
	}
	return diag.Error(at, fmt.Sprintf("%q can't be used here", root), detail, advice)
}

func (r roots) names() []string {
	var names []string
	if r.variables {
		names = append(names, "var")
	}
	if r.locals {
		names = append(names, "local")
	}
	if r.machines {
		names = append(names, "machine")
	}
	if r.runtime >= runtimeNomad {
		names = append(names, "nomad")
	}
	if r.runtime >= runtimeSelf {
		names = append(names, "self")
	}
	return names
}

// member returns the second step of a reference: x of var.x and of var["x"].
func member(t hcl.Traversal) (string, bool) {
	if len(t) < 2 {
		return "", false
	}
	switch step := t[1].(type) {
	case hcl.TraverseAttr:
		return step.Name, true
	case hcl.TraverseIndex:
		if step.Key.Type() == cty.String && step.Key.IsKnown() && !step.Key.IsNull() {
			return step.Key.AsString(), true
		}
	}
	return "", false
}

func runtimeMembers(root string) []string {
	var names []string
	for _, full := range placeholderNames() {
		if len(full) > len(root) && full[:len(root)+1] == root+"." {
			names = append(names, full[len(root)+1:])
		}
	}
	return names
}

func runtimeObject(root string) cty.Value {
	members := map[string]cty.Value{}
	for _, name := range runtimeMembers(root) {
		members[name] = cty.StringVal(placeholder(root + "." + name))
	}
	return cty.ObjectVal(members)
}
