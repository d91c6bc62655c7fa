package content

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// Leaf is a text or number of a group that must not be shown.
type Leaf struct {
	Task  string // empty: the group's own
	Key   string // under which it stands: "TOKEN", "args", "EmbeddedTmpl"
	Value string
	// Within says that the value is a part of a text that stands there as a whole: an item of the agent's instructions.
	Within bool
}

// Hidden are the leaves of a group in the places that [Words] says so.
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
			for _, item := range v {
				f.leaf(path, key, item)
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

// instructions are the agent's: one text as Nomad has it, in which each value has a place of its own.
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
	if text != "" && slices.Contains(f.places, Words(path)) {
		f.found = append(f.found, Leaf{Task: taskOf(path), Key: key, Value: text})
	}
}

func taskOf(path string) string {
	if parts := strings.Split(path, "\x00"); len(parts) > 2 && parts[1] == "Tasks" {
		return parts[2]
	}
	return ""
}
