package comfyui

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/emprops/machinectl/agent/connector"
)

// Parameters are the parameters of a comfyui job.
type Parameters struct {
	// Workflow is the prompt in API format: node id → node. In ComfyUI: Workflow → Export (API).
	Workflow json.RawMessage `json:"workflow"`
	// ExtraData is passed on as extra_data, for nodes that read it (extra_pnginfo). Optional.
	ExtraData json.RawMessage `json:"extra_data"`
}

// saveImageWebsocket is ComfyUI's stock node that sends its images over the WebSocket.
const saveImageWebsocket = "SaveImageWebsocket"

// node is the part of a workflow's node that the connector reads.
type node struct {
	class, title string
	end          bool // nothing in the workflow depends on it
}

// workflow is a checked prompt.
type workflow struct {
	raw   json.RawMessage
	extra map[string]json.RawMessage
	nodes map[string]*node
}

const (
	wantWorkflow = `the workflow in API format, {"1": {"class_type": …, "inputs": {…}}, …}`
	wantNode     = `a node, {"class_type": …, "inputs": {…}}`
)

// parse checks a job's parameters, except for what only the server can check.
func parse(raw json.RawMessage) (*workflow, error) {
	var p Parameters
	if err := misplaced(raw); err != nil {
		return nil, err
	}
	if err := connector.DecodeParameters(raw, &p); err != nil {
		return nil, err
	}
	fields, err := workflowFields(p.Workflow)
	if err != nil {
		return nil, err
	}
	w := &workflow{raw: p.Workflow, nodes: make(map[string]*node, len(fields))}
	for _, f := range fields {
		if w.nodes[f.Name], err = parseNode(connector.Field("parameters.workflow", f.Name), f.Value); err != nil {
			return nil, err
		}
	}
	for _, f := range fields {
		w.link(f.Value)
	}
	if len(p.ExtraData) > 0 && string(p.ExtraData) != "null" {
		extra, err := connector.Members("parameters.extra_data", "a JSON object", p.ExtraData)
		if err != nil {
			return nil, err
		}
		w.extra = make(map[string]json.RawMessage, len(extra))
		for _, m := range extra {
			w.extra[m.Name] = m.Value
		}
	}
	return w, nil
}

// misplaced returns a failure for a workflow that was given as the parameters themselves.
func misplaced(raw json.RawMessage) error {
	fields, err := connector.Members("parameters", "a JSON object", raw)
	if err != nil || len(fields) == 0 {
		return nil //nolint:nilerr // DecodeParameters describes it better
	}
	for _, f := range fields {
		if _, err := parseNode("", f.Value); err != nil {
			return nil //nolint:nilerr // not a workflow
		}
	}
	return connector.Final(connector.InvalidParameters, `parameters: this is the workflow itself; want it one level further in, {"workflow": {…}}`)
}

// workflowFields returns a workflow's nodes by id, unparsed.
func workflowFields(raw json.RawMessage) ([]connector.Member, error) {
	invalid := func(format string, args ...any) error {
		return connector.Final(connector.InvalidParameters, "parameters.workflow: "+format, args...)
	}
	if len(raw) == 0 || string(raw) == "null" {
		return nil, invalid("missing; want %s", wantWorkflow)
	}
	var quoted string
	if json.Unmarshal(raw, &quoted) == nil && strings.HasPrefix(strings.TrimSpace(quoted), "{") {
		return nil, invalid("got the workflow as a text; want the JSON object itself, without quotes around it")
	}
	fields, err := connector.Members("parameters.workflow", "a JSON object, "+wantWorkflow, raw)
	if err != nil {
		return nil, err
	}
	given := map[string]json.RawMessage{}
	for _, f := range fields {
		given[f.Name] = f.Value
	}
	switch {
	case isArray(given["nodes"]) && (isArray(given["links"]) || given["last_node_id"] != nil):
		return nil, connector.Final(connector.UnsupportedWorkflow,
			"parameters.workflow: this is a workflow as the editor saves it (with nodes and links arrays), which the server can't run; "+
				"export it in API format: in ComfyUI, menu Workflow → Export (API)")
	case isObject(given["prompt"]) && (given["client_id"] != nil || len(given) == 1):
		return nil, invalid(`this is a whole request to /prompt; give only what is under its "prompt"`)
	case len(fields) == 0:
		return nil, invalid("has no nodes; want %s", wantWorkflow)
	}
	return fields, nil
}

// parseNode checks a node.
func parseNode(path string, raw json.RawMessage) (*node, error) {
	fields, err := connector.Members(path, wantNode, raw)
	if err != nil {
		return nil, err
	}
	n := &node{end: true}
	var inputs json.RawMessage
	for _, f := range fields {
		switch f.Name {
		case "class_type":
			if json.Unmarshal(f.Value, &n.class) != nil || n.class == "" {
				return nil, connector.Final(connector.InvalidParameters, "%s.class_type: got %s, want the name of a node class, a text", path, connector.Shown(f.Value))
			}
		case "inputs":
			inputs = f.Value
		case "_meta":
			n.title = titleOf(f.Value)
		}
	}
	if n.class == "" {
		return nil, connector.Final(connector.InvalidParameters, "%s: has no class_type; want %s", path, wantNode)
	}
	if inputs == nil {
		return nil, connector.Final(connector.InvalidParameters, "%s: has no inputs; want an object, which may be empty: {}", path)
	}
	_, err = connector.Members(path+".inputs", "an object of inputs, which may be empty: {}", inputs)
	return n, err
}

// titleOf returns the title in a node's _meta, or "" if there is none that can be read.
func titleOf(raw json.RawMessage) string {
	var meta map[string]json.RawMessage
	var title string
	if json.Unmarshal(raw, &meta) != nil || json.Unmarshal(meta["title"], &title) != nil {
		return ""
	}
	return title
}

// link records the nodes on which a node depends: those in inputs of the form ["node id", output].
func (w *workflow) link(raw json.RawMessage) {
	var n struct {
		Inputs map[string]json.RawMessage `json:"inputs"`
	}
	if json.Unmarshal(raw, &n) != nil { // impossible: it was parsed before
		return
	}
	for _, input := range n.Inputs {
		var parts []json.RawMessage
		var from string
		if json.Unmarshal(input, &parts) == nil && len(parts) == 2 && json.Unmarshal(parts[0], &from) == nil && w.nodes[from] != nil {
			w.nodes[from].end = false
		}
	}
}

// isEnd reports whether nothing in the workflow depends on a node.
func (w *workflow) isEnd(id string) bool { return w.nodes[id] != nil && w.nodes[id].end }

// ends returns the nodes on which nothing depends.
func (w *workflow) ends() (ids []string) {
	for _, id := range sorted(w.nodes) {
		if w.isEnd(id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// class returns a node's class, or "" for a node that isn't in the workflow.
func (w *workflow) class(id string) string {
	if n := w.nodes[id]; n != nil {
		return n.class
	}
	return ""
}

func isObject(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '{' }

func isArray(raw json.RawMessage) bool { return len(raw) > 0 && raw[0] == '[' }

// name returns how messages call a node: by its class, its title if it differs from the class, and its id.
func (w *workflow) name(id string) string {
	n, ok := w.nodes[id]
	switch {
	case !ok:
		// A node that another node created at run time has that node's id as a prefix: "12.0.0.3".
		if outer, _, found := strings.Cut(id, "."); found {
			return w.name(outer)
		}
		return "node " + id
	case n.title != "" && n.title != n.class:
		return fmt.Sprintf("%s %q (node %s)", n.class, n.title, id)
	default:
		return fmt.Sprintf("%s (node %s)", n.class, id)
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
