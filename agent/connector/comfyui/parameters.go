package comfyui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/emprops/machinectl/agent/connector"
)

// Parameters are a comfyui job's.
type Parameters struct {
	// Workflow is the prompt in API format: node id → node. In ComfyUI: Workflow → Export (API).
	Workflow json.RawMessage `json:"workflow"`
	// ExtraData is passed on as extra_data, for what the nodes read from there (extra_pnginfo). Optional.
	ExtraData json.RawMessage `json:"extra_data"`
}

// node is what the connector reads of a workflow's node.
type node struct {
	ClassType string          `json:"class_type"`
	Inputs    json.RawMessage `json:"inputs"`
	Meta      struct {
		Title string `json:"title"`
	} `json:"_meta"`
}

// workflow is a checked prompt.
type workflow struct {
	raw   json.RawMessage
	extra map[string]json.RawMessage
	nodes map[string]node
}

// parse checks a job's parameters as far as that goes without the server.
func parse(raw json.RawMessage) (*workflow, error) {
	var p Parameters
	if err := connector.DecodeParameters(raw, &p); err != nil {
		return nil, err
	}
	invalid := func(format string, args ...any) error {
		return connector.Final(connector.InvalidParameters, format, args...)
	}
	if len(p.Workflow) == 0 || string(p.Workflow) == "null" {
		return nil, invalid(`parameters.workflow: missing; want the workflow in API format, {"1": {"class_type": …, "inputs": {…}}, …}`)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(p.Workflow, &fields); err != nil {
		return nil, invalid("parameters.workflow: want a JSON object, node id → node: %v", err)
	}
	if isArray(fields["nodes"]) && (isArray(fields["links"]) || fields["last_node_id"] != nil) {
		return nil, connector.Final(connector.UnsupportedWorkflow,
			"parameters.workflow: this is a workflow as the editor saves it (with nodes and links arrays), which the server can't run; "+
				"export it in API format: in ComfyUI, menu Workflow → Export (API)")
	}
	if inner := fields["prompt"]; len(inner) > 0 && inner[0] == '{' && fields["client_id"] != nil {
		return nil, invalid(`parameters.workflow: this is a whole request to /prompt; give only what stands under its "prompt"`)
	}
	if len(fields) == 0 {
		return nil, invalid("parameters.workflow: has no nodes")
	}
	w := &workflow{raw: p.Workflow, nodes: make(map[string]node, len(fields))}
	for id, text := range fields {
		var n node
		if err := json.Unmarshal(text, &n); err != nil {
			return nil, invalid("parameters.workflow[%q]: not a node: %v", id, err)
		}
		if n.ClassType == "" {
			return nil, invalid("parameters.workflow[%q]: has no class_type", id)
		}
		if len(n.Inputs) == 0 || n.Inputs[0] != '{' {
			return nil, invalid("parameters.workflow[%q]: inputs must be an object, it may be empty: {}", id)
		}
		w.nodes[id] = n
	}
	if len(p.ExtraData) > 0 && string(p.ExtraData) != "null" {
		if err := json.Unmarshal(p.ExtraData, &w.extra); err != nil {
			return nil, invalid("parameters.extra_data: want a JSON object: %v", err)
		}
	}
	return w, nil
}

func isArray(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '[' }

// name is how messages call a node: its class, its title where it has one of its own, and its id.
func (w *workflow) name(id string) string {
	n, ok := w.nodes[id]
	switch {
	case !ok:
		// A node made at run time by another one has the maker's id as a prefix: "12.0.0.3".
		if outer, _, found := strings.Cut(id, "."); found {
			return w.name(outer)
		}
		return "node " + id
	case n.Meta.Title != "" && n.Meta.Title != n.ClassType:
		return fmt.Sprintf("%s %q (node %s)", n.ClassType, n.Meta.Title, id)
	default:
		return fmt.Sprintf("%s (node %s)", n.ClassType, id)
	}
}

// sorted returns the keys of a map by node id: numbers in their order, shorter first.
func sorted[V any](m map[string]V) []string {
	ids := make([]string, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return ids
}
