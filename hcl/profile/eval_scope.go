package profile

import (
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
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
	modules   map[string]cty.Value
	lost      map[string]bool      // roots of which members may be unknown, after something that has been reported
	iterators map[string]cty.Value // of the for_each and dynamic blocks that are being read: { key, value }
	outside   *outside
	capsule   cty.Type // of *reference
	functions map[string]function.Function
	used      map[string]bool // variables that some expression refers to
	contexts  map[roots]*hcl.EvalContext
}

// roots are the names an expression may start from, by where it stands.
type roots struct {
	variables, locals, machines bool
	runtime                     runtime
}

func newScope(secrets *secretTable, outside *outside) *scope {
	s := &scope{
		variables: map[string]cty.Value{},
		locals:    map[string]cty.Value{},
		machines:  map[string]cty.Value{},
		modules:   map[string]cty.Value{},
		lost:      map[string]bool{},
		iterators: map[string]cty.Value{},
		outside:   outside,
		capsule:   cty.Capsule("machine", reflect.TypeFor[reference]()),
		functions: functions(secrets),
		used:      map[string]bool{},
		contexts:  map[roots]*hcl.EvalContext{},
	}
	s.functions["file"], s.functions["env"] = outside.fileFunc(), outside.envFunc()
	s.functions["try"], s.functions["can"] = outside.tryFunc(), outside.canFunc()
	// A template can do what an expression can, except read further templates.
	s.functions["templatefile"] = outside.templateFunc(maps.Clone(s.functions))
	return s
}

func (s *scope) setVariable(name string, v cty.Value) { s.set(s.variables, name, v) }

func (s *scope) setLocal(name string, v cty.Value) { s.set(s.locals, name, v) }

// declareMachine makes machine.<name> known as a reference to a machine, or as a map of such.
func (s *scope) declareMachine(name string, v cty.Value) { s.set(s.machines, name, v) }

// machineValue refers to the machine of that full name.
func (s *scope) machineValue(name string) cty.Value {
	return cty.CapsuleVal(s.capsule, &reference{name: name})
}

func (s *scope) set(in map[string]cty.Value, name string, v cty.Value) {
	in[name] = v
	clear(s.contexts) // they hold copies
}

// eval evaluates an expression that may refer to the given roots. A value that depends on something already reported is
// unknown, without another diagnostic.
func (s *scope) eval(expr hcl.Expression, allowed roots) (cty.Value, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	for _, t := range expr.Variables() {
		d := s.check(t, allowed)
		switch {
		case d == nil:
		case len(diags) > 0 && strings.HasPrefix(d.Summary, unknownName) && strings.HasPrefix(diags[0].Summary, unknownName):
			// These are words of one text without quotation marks.
		default:
			diags = append(diags, d)
		}
	}
	if diags.HasErrors() {
		return cty.DynamicVal, diags
	}
	s.outside.dir = filepath.Dir(expr.Range().Filename)
	ctx := s.context(allowed)
	if len(s.iterators) > 0 && allowed.locals {
		ctx = ctx.NewChild()
		ctx.Variables = s.iterators
	}
	v, diags := expr.Value(ctx)
	if diags.HasErrors() {
		return cty.DynamicVal, s.spoken(expr, ctx, diags)
	}
	return v, diags
}

// unknownFunctions rewords what the evaluator reports. For an unknown function, the evaluator proposes any near name,
// another one each time.
func unknownFunctions(diags hcl.Diagnostics, functions map[string]function.Function) hcl.Diagnostics {
	for i, d := range diags {
		extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d)
		if !ok || d.Subject == nil {
			diags[i] = evaluationError(d)
			continue
		}
		name := extra.CalledFunctionName()
		advice := ""
		if near := diag.Suggest(name, slices.Sorted(maps.Keys(functions))); near != "" {
			advice = "Did you mean " + near + "()?"
		}
		diags[i] = diag.Error(*d.Subject, fmt.Sprintf("Unknown function %q", name), "There is no function of this name.", advice)
	}
	return firstError(diags)
}

// firstError leaves one error of several: what one expression has wrong in several places often comes from one mistake.
func firstError(diags hcl.Diagnostics) hcl.Diagnostics {
	if i := slices.IndexFunc(diags, func(d *hcl.Diagnostic) bool { return d.Severity == hcl.DiagError }); i >= 0 {
		return diags[i : i+1]
	}
	return diags
}

func (s *scope) context(allowed roots) *hcl.EvalContext {
	if ctx, ok := s.contexts[allowed]; ok {
		return ctx
	}
	ctx := &hcl.EvalContext{Functions: s.functions, Variables: map[string]cty.Value{}}
	if allowed.variables {
		ctx.Variables["var"] = cty.ObjectVal(s.variables)
	}
	if allowed.locals {
		ctx.Variables["local"] = cty.ObjectVal(s.locals)
	}
	if allowed.machines {
		ctx.Variables["machine"] = cty.ObjectVal(s.machines)
		ctx.Variables["module"] = cty.ObjectVal(s.modules)
	}
	if allowed.runtime >= runtimeNomad {
		ctx.Variables["nomad"] = cty.ObjectVal(runtimeMembers("nomad"))
	}
	if allowed.runtime >= runtimeSelf {
		ctx.Variables["self"] = cty.ObjectVal(runtimeMembers("self"))
	}
	s.contexts[allowed] = ctx
	return ctx
}

// check looks at one reference before evaluation, so that a wrong one is explained in the language's own words.
func (s *scope) check(t hcl.Traversal, allowed roots) *hcl.Diagnostic {
	root, at := t.RootName(), t.SourceRange()
	if _, ok := s.iterators[root]; ok && allowed.locals {
		name, _ := member(t)
		if name == "key" || name == "value" {
			return nil
		}
		return diag.Error(at, "Incomplete reference", fmt.Sprintf("%s has a key and a value.", root), fmt.Sprintf("Write %s.key or %s.value.", root, root))
	}
	what, known := s.root(root)
	if what == "" {
		return s.unknownRoot(t, allowed)
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
	if v, ok := known[name]; ok {
		if root == "machine" {
			return severalMachines(name, v, t)
		}
		return nil
	}
	if s.lost[root] {
		s.set(known, name, cty.DynamicVal)
		return nil
	}
	advice := diag.DidYouMean(name, slices.Sorted(maps.Keys(known)))
	if advice == "" && root == "var" {
		advice = fmt.Sprintf("Declare it: variable %q {}.", name)
	}
	return diag.Error(at, fmt.Sprintf("Unknown %s %q", what, name), fmt.Sprintf("There is no %s.%s.", root, name), advice)
}

// root describes what the members of a root are, for messages, and returns them.
func (s *scope) root(name string) (what string, members map[string]cty.Value) {
	switch name {
	case "var":
		return "variable", s.variables
	case "local":
		return "local value", s.locals
	case "machine":
		return "machine", s.machines
	case "module":
		return "module", s.modules
	case "each":
		return "item", nil
	case "self", "nomad":
		return "run-time value", runtimeMembers(name)
	default:
		return "", nil
	}
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
	case "each":
		detail = "each is the item of a for_each, and this block has none."
		advice = "Write for_each = … in the pool or machine; in a dynamic block, the item has the name of the block's kind."
	case "machine", "module":
		detail = "A machine is not a value; only extends and a pool's machine argument refer to one."
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
		names = append(names, "machine", "module")
	}
	if r.runtime >= runtimeNomad {
		names = append(names, "nomad")
	}
	if r.runtime >= runtimeSelf {
		names = append(names, "self")
	}
	return names
}

// rootNames returns all names that have a meaning in some context.
func rootNames() []string {
	return []string{"var", "local", "machine", "module", "each", "self", "nomad"}
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
			return stringOf(step.Key), true
		}
	}
	return "", false
}

// runtimeMembers returns the members of self or nomad.
func runtimeMembers(root string) map[string]cty.Value {
	members := map[string]cty.Value{}
	for _, full := range placeholderNames() {
		if name, ok := strings.CutPrefix(full, root+"."); ok {
			members[name] = cty.StringVal(placeholder(full))
		}
	}
	return members
}
