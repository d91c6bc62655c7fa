package comfysim

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// node is a node of a prompt.
type node struct {
	Class  string         `json:"class_type"`
	Inputs map[string]any `json:"inputs"`
}

// problem is one error of a validation, in ComfyUI's form.
type problem struct {
	Type    string         `json:"type"`
	Message string         `json:"message"`
	Details string         `json:"details"`
	Extra   map[string]any `json:"extra_info"`
}

// nodeProblems are the problems of one node.
type nodeProblems struct {
	Errors    []problem `json:"errors"`
	Dependent []string  `json:"dependent_outputs"`
	Class     string    `json:"class_type"`
}

// validation is the result of checking a prompt: outputs that can be executed, or a problem with all of it.
type validation struct {
	outputs []string
	problem *problem
	nodes   map[string]*nodeProblems
}

// validate checks a prompt as execution.py's validate_prompt does.
func validate(known map[string]class, raw json.RawMessage) (map[string]node, validation) {
	v := validation{nodes: map[string]*nodeProblems{}}
	fail := func(kind, message, details string) validation {
		v.problem = &problem{Type: kind, Message: message, Details: details, Extra: map[string]any{}}
		return v
	}
	var prompt map[string]node
	if err := json.Unmarshal(raw, &prompt); err != nil {
		return nil, fail("invalid_prompt", "Prompt is not an object of nodes", err.Error())
	}
	var outputs []string
	for _, id := range slices.Sorted(maps.Keys(prompt)) {
		c, ok := known[prompt[id].Class]
		switch {
		case prompt[id].Class == "":
			return nil, fail("invalid_prompt", "Cannot execute because a node is missing the class_type property.", "Node ID '#"+id+"'")
		case !ok:
			return nil, fail("invalid_prompt", "Cannot execute because node "+prompt[id].Class+" does not exist.", "Node ID '#"+id+"'")
		case c.isOut:
			outputs = append(outputs, id)
		}
	}
	if len(outputs) == 0 {
		return nil, fail("prompt_no_outputs", "Prompt has no outputs", "")
	}
	check := &checker{known: known, prompt: prompt, found: map[string][]problem{}, valid: map[string]bool{}}
	var said []string
	for _, id := range outputs {
		if check.node(id) {
			v.outputs = append(v.outputs, id)
			continue
		}
		for _, p := range check.found[id] {
			said = append(said, p.Message+": "+p.Details)
		}
		for bad, problems := range check.found {
			if v.nodes[bad] == nil {
				v.nodes[bad] = &nodeProblems{Errors: problems, Class: prompt[bad].Class}
			}
			v.nodes[bad].Dependent = append(v.nodes[bad].Dependent, id)
		}
	}
	if len(v.outputs) == 0 {
		return nil, fail("prompt_outputs_failed_validation", "Prompt outputs failed validation", strings.Join(said, "\n"))
	}
	return prompt, v
}

// checker checks nodes from the outputs upwards, each once.
type checker struct {
	known  map[string]class
	prompt map[string]node
	found  map[string][]problem // only nodes that have any
	valid  map[string]bool      // by node, once checked
}

// node reports whether a node and all nodes that it depends on are valid.
func (c *checker) node(id string) bool {
	if ok, checked := c.valid[id]; checked {
		return ok
	}
	c.valid[id] = true // ends cycles, as in ComfyUI; executing one fails
	n := c.prompt[id]
	inputs := c.known[n.Class].inputs
	ok := true
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		value, given := n.Inputs[name]
		if !given {
			if !inputs[name].optional {
				c.add(id, problem{Type: "required_input_missing", Message: "Required input is missing", Details: name})
			}
			continue
		}
		if parts, isLink := value.([]any); isLink {
			ok = c.link(id, name, inputs[name], parts) && ok
		} else {
			c.value(id, name, inputs[name], value)
		}
	}
	c.valid[id] = ok && len(c.found[id]) == 0
	return c.valid[id]
}

func (c *checker) add(id string, p problem) {
	if p.Extra == nil {
		p.Extra = map[string]any{"input_name": strings.SplitN(p.Details, ",", 2)[0]}
	}
	c.found[id] = append(c.found[id], p)
}

// link checks an input that comes from another node, and that node. It reports whether that node is valid.
func (c *checker) link(id, name string, in input, parts []any) bool {
	from, slot, ok := asLink(parts)
	if len(parts) != 2 {
		c.add(id, problem{Type: "bad_linked_input", Message: "Bad linked input, must be a length-2 list of [node_id, slot_index]", Details: name})
		return true
	}
	source, exists := c.prompt[from]
	if !ok || !exists || slot >= len(c.known[source.Class].outputs) {
		c.add(id, problem{Type: "exception_during_validation", Message: "Exception when validating node", Details: fmt.Sprintf("'%v'", parts[0])})
		return true
	}
	got := c.known[source.Class].outputs[slot]
	if got != in.kind && in.kind != "*" {
		c.add(id, problem{
			Type: "return_type_mismatch", Message: "Return type mismatch between linked nodes",
			Details: fmt.Sprintf("%s, received_type(%s) mismatch input_type(%s)", name, got, in.kind),
		})
		return true
	}
	return c.node(from)
}

// value checks an input that is written in the prompt.
func (c *checker) value(id, name string, in input, value any) {
	switch in.kind {
	case "INT", "FLOAT":
		n, err := asNumber(value)
		switch {
		case err != nil:
			c.add(id, problem{
				Type: "invalid_input_type", Message: "Failed to convert an input value to a " + in.kind + " value",
				Details: fmt.Sprintf("%s, %v, %v", name, value, err),
				Extra:   map[string]any{"input_name": name, "input_config": []any{in.kind, in.options()}, "received_value": value},
			})
		case in.bounded && n < in.min:
			c.add(id, problem{Type: "value_smaller_than_min", Message: fmt.Sprintf("Value %v smaller than min of %v", n, in.min), Details: name})
		case in.bounded && n > in.max:
			c.add(id, problem{Type: "value_bigger_than_max", Message: fmt.Sprintf("Value %v bigger than max of %v", n, in.max), Details: name})
		}
	case "COMBO":
		if in.choices != nil && !slices.Contains(in.choices, fmt.Sprint(value)) {
			c.add(id, problem{
				Type: "value_not_in_list", Message: "Value not in list",
				Details: fmt.Sprintf("%s: '%v' not in %s", name, value, "['"+strings.Join(in.choices, "', '")+"']"),
				Extra:   map[string]any{"input_name": name},
			})
		}
	}
}

// asLink reads [node id, slot].
func asLink(parts []any) (from string, slot int, ok bool) {
	if len(parts) != 2 {
		return "", 0, false
	}
	from, ok = parts[0].(string)
	n, isNumber := parts[1].(float64)
	return from, int(n), ok && isNumber && n >= 0 && n == math.Trunc(n)
}

// asNumber converts a JSON value as Python's int() and float() do.
func asNumber(value any) (float64, error) {
	switch v := value.(type) {
	case float64:
		return v, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case string:
		n, err := strconv.ParseFloat(strings.TrimSpace(strings.TrimPrefix(v, bare)), 64)
		if err != nil {
			return 0, fmt.Errorf("invalid literal for int() with base 10: '%s'", v)
		}
		return n, nil
	default:
		return 0, fmt.Errorf("not a number: %v", value)
	}
}
