package content

import (
	"encoding/json"
	"fmt"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// Leaf is a text or number of a group that must not be shown.
type Leaf struct {
	Task  string // empty for the group's own
	Key   string // the name of the value, such as "TOKEN", "args" or "EmbeddedTmpl"
	Value string
	// Within reports whether the value is a part of a longer text: an item in the agent's instructions.
	Within bool
}

// Hidden returns the leaves of a group that are hidden by the given places, see [Hides].
func Hidden(group *nomad.TaskGroup, places []string) []Leaf {
	if len(places) == 0 {
		return nil
	}
	g := *group
	g.Name, g.Count, g.Scaling = nil, nil, nil
	f := finder{places: places}
	f.find("", "", Plain(g))
	return f.found
}

type finder struct {
	places []string
	found  []Leaf
}

func (f *finder) find(path, key string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, item := range v {
			if opened, ok := document(item).(map[string]any); ok && k == "EmbeddedTmpl" {
				f.instructions(path+"\x00"+k, fmt.Sprint(item), opened)
				continue
			}
			f.find(path+"\x00"+k, k, item)
		}
	case []any:
		if _, isPlain := joined(v); isPlain {
			for i, item := range v {
				f.leaf(path+plainItem(i), key, item)
			}
			return
		}
		for i, item := range v {
			f.find(path+"\x00"+itemName(item, i), key, item)
		}
	default:
		f.leaf(path, key, v)
	}
}

// instructions finds leaves in the agent's instructions. For Nomad these are one text; here each value has its own place.
func (f *finder) instructions(path, text string, opened map[string]any) {
	before := len(f.found)
	f.find(path, "EmbeddedTmpl", opened)
	if len(f.found) == before {
		return
	}
	for i := range f.found[before:] {
		f.found[before+i].Within = true
	}
	f.found = append(f.found, Leaf{Task: taskOf(path), Key: "EmbeddedTmpl", Value: text})
}

func (f *finder) leaf(path, key string, v any) {
	text, isText := v.(string)
	number, isNumber := v.(json.Number)
	switch {
	case isNumber:
		text = number.String()
	case v == true:
		text = "true"
	case !isText:
		return
	}
	if text != "" && Hides(f.places, path) {
		f.found = append(f.found, Leaf{Task: taskOf(path), Key: key, Value: text})
	}
}

func taskOf(path string) string {
	if parts := strings.Split(path, "\x00"); len(parts) > 2 && parts[1] == "Tasks" {
		return parts[2]
	}
	return ""
}
