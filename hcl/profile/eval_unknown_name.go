package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/zclconf/go-cty/cty"

	"github.com/emprops/machinectl/hcl/diag"
)

// unknownName begins what is said of a name that means nothing in the language.
const unknownName = "Unknown name "

// unknownRoot explains a reference that starts with a name which means nothing in the language, by what it means elsewhere.
func (s *scope) unknownRoot(t hcl.Traversal, allowed roots) *hcl.Diagnostic {
	root, at := t.RootName(), t.SourceRange()
	summary := fmt.Sprintf("%s%q", unknownName, root)
	say := func(detail, advice string) *hcl.Diagnostic { return diag.Error(at, summary, detail, advice) }
	second, _ := member(t)
	_, isVariable := s.variables[root]
	_, isLocal := s.locals[root]
	_, isMachine := s.machines[root]
	literal := "$${" + written(t) + "}"
	switch lower := strings.ToLower(root); {
	case strings.HasPrefix(root, "NOMAD_"):
		return say("Nomad sets it in the environment of each task; in a profile it has a name of its own.", fmt.Sprintf("Write %s, or %s for a program that replaces it itself, such as a shell.", ownNameOf(root), literal))
	case slices.Contains([]string{"attr", "meta", "node", "device", "unique"}, root):
		detail := "Attributes of a node are known to Nomad only, when it places a machine."
		if root == "node" && strings.HasSuffix(written(t), "name") {
			return say(detail, "Write nomad.node_name.")
		}
		return say(detail, fmt.Sprintf("Write nomad.* for what a task may know, such as nomad.node_name; the name in quotation marks, %q, in a constraint; and %s where Nomad or a program is to replace it.", written(t), literal))
	case root == "env":
		return say("Environment variables are declared, and read by a function.", fmt.Sprintf("Write env(%q), and environment %q {}; or %s for a program that replaces it itself.", second, second, literal))
	case lower == "true" || lower == "yes" || lower == "on":
		return say("It is written true.", "Write true; for a text, "+strconv.Quote(root)+".")
	case lower == "false" || lower == "no" || lower == "off":
		return say("It is written false.", "Write false; for a text, "+strconv.Quote(root)+".")
	case lower == "null" || lower == "none" || lower == "nil" || lower == "undefined":
		return say("It is written null.", "Write null, or take the argument out.")
	case isMachine && allowed.machines:
		return say("A machine is referred to by machine.<name>.", fmt.Sprintf("Write machine.%s.", root))
	case root == "pool" && allowed.machines:
		return say("A pool can't be referred to; a machine can.", "Write machine.<name>.")
	case isVariable && allowed.variables:
		return say("A variable is referred to by var.<name>.", fmt.Sprintf("Write var.%s.", written(t)))
	case isLocal && allowed.locals:
		return say("A local value is referred to by local.<name>.", fmt.Sprintf("Write local.%s.", written(t)))
	case slices.Contains([]string{"service", "worker", "volume", "task", "group", "resource", "data"}, root) && second != "":
		return say("It can't be referred to; it is named by a text.", fmt.Sprintf("Write %q.", second))
	case strings.ToUpper(root) == root && len(root) > 1 && len(t) == 1:
		return say("In a profile, ${ } holds an expression, and no environment variable.", fmt.Sprintf("Write %s for a program that replaces it itself, such as a shell; for a text, %q.", literal, root))
	}
	advice := "If a text is meant, put it in quotes: " + strconv.Quote(root) + "."
	if near := diag.Suggest(root, allowed.names()); near != "" {
		advice = "Did you mean " + near + ".<name>? " + advice
	}
	return say("Only var, local, machine, module, each, self and nomad can be referred to.", advice)
}

// written returns a reference as it is written, as far as it consists of names.
func written(t hcl.Traversal) string {
	text := t.RootName()
	for _, step := range t[1:] {
		attr, ok := step.(hcl.TraverseAttr)
		if !ok {
			break
		}
		text += "." + attr.Name
	}
	return text
}

// ownNameOf returns the language's own name for an environment variable that Nomad sets.
func ownNameOf(variable string) string {
	for prefix, name := range map[string]string{"NOMAD_PORT_": SelfPort, "NOMAD_HOST_PORT_": SelfPort, "NOMAD_ADDR_": SelfAddr, "NOMAD_HOST_ADDR_": SelfAddr, "NOMAD_ALLOC_ADDR_": SelfAddr} {
		if strings.HasPrefix(variable, prefix) {
			return name
		}
	}
	name := "nomad." + strings.ToLower(strings.TrimPrefix(variable, "NOMAD_"))
	if slices.Contains(placeholderNames(), name) {
		return name
	}
	return "nomad.* (such as nomad.alloc_id)"
}

// severalMachines reports a machine that is indexed though there is one of its name, or isn't though there are several, or by a
// key that it hasn't.
func severalMachines(name string, v cty.Value, t hcl.Traversal) *hcl.Diagnostic {
	var index *hcl.TraverseIndex
	for _, step := range t[2:] {
		if i, ok := step.(hcl.TraverseIndex); ok {
			index = &i
			break
		}
	}
	switch _, one := encapsulated(v); {
	case one && index != nil:
		return diag.Error(t.SourceRange(), fmt.Sprintf("There is one machine %q", name), "It has no for_each, so there is nothing to choose from.", fmt.Sprintf("Write machine.%s.", name))
	case one || !isMap(v):
		return nil
	}
	keys := keysOf(v)
	if index == nil || index.Key.Type() != cty.String || slices.Contains(keys, stringOf(index.Key)) {
		return nil // an index that is calculated; or a mistake of the type, where it is used
	}
	return diag.Error(t.SourceRange(), fmt.Sprintf("No machine %s[%q]", name, stringOf(index.Key)), fmt.Sprintf("The for_each of machine %q makes %s.", name, quoteAll(keys)), diag.DidYouMean(stringOf(index.Key), keys))
}
