package comfytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/emprops/machinectl/agent/foreign"
)

// line returns a message as the transcript has it. It leaves out "status", whose number depends on timing, and the figures of
// progress, so that an interruption after any number of steps looks the same.
func (c *client) line(e map[string]any) string {
	data, _ := e["data"].(map[string]any)
	switch e["type"] {
	case "status":
		return ""
	case "binary":
		return fmt.Sprintf("  binary event=%v format=%v", e["event"], e["format"])
	case "progress_state":
		nodes, _ := data["nodes"].(map[string]any)
		return fmt.Sprintf("  progress_state of %d nodes", len(nodes))
	case "progress":
		return fmt.Sprintf("  progress node=%v max=%v prompt=%v", data["node"], data["max"], c.names[fmt.Sprint(data["prompt_id"])])
	}
	text, err := json.Marshal(data)
	if err != nil { // impossible: it was decoded from JSON
		return err.Error()
	}
	return fmt.Sprintf("  %s %s", e["type"], c.normal(text))
}

// numbered matches file names with a counter, and those of temporary files with a random part.
var numbered = regexp.MustCompile(`"(\w*?)_(?:temp_\w+_)?\d{5}_\.png"`)

// normal returns a JSON text with sorted keys, without what differs from run to run and from server to server.
func (c *client) normal(raw []byte) string {
	var v any
	if err := decode(raw, &v); err != nil {
		return fmt.Sprintf("%q", raw)
	}
	text, err := json.Marshal(c.strip(v))
	if err != nil {
		return err.Error()
	}
	s := string(text)
	for id, name := range c.names {
		s = strings.ReplaceAll(s, id, name)
	}
	s = strings.ReplaceAll(s, c.id, "CLIENT")
	return numbered.ReplaceAllString(s, `"${1}_N.png"`)
}

// decode reads JSON as Python writes it.
func decode(raw []byte, into any) error {
	s := foreign.NewScanner(bytes.NewReader(raw))
	clean, _ := s.Value(len(raw) * 8)
	if s.Err() != nil {
		return s.Err()
	}
	return json.Unmarshal(clean, into)
}

// vary are the fields whose values may differ between servers.
var vary = map[string]bool{
	"timestamp": true, "traceback": true, "current_inputs": true, "current_outputs": true, "extra_info": true, "number": true,
	"color": true, "source": true, "text": true, "executed": true,
}

func (c *client) strip(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for k, item := range v {
			if k == "is_changed" { // newer servers have it
				continue
			}
			if vary[k] {
				out[k] = "…"
			} else {
				out[k] = c.strip(item)
			}
			if list, ok := out[k].([]any); ok && k == "errors" { // servers check inputs in any order
				slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
			}
		}
		return out
	case []any:
		out := make([]any, 0, len(v))
		for _, item := range v {
			out = append(out, c.strip(item))
		}
		if len(out) == 5 { // a queue item: [number, id, prompt, extra data, outputs]
			if _, ok := out[0].(float64); ok {
				out[0] = "…"
			}
		}
		return out
	default:
		return v
	}
}
