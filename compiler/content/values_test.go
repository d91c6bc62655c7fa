package content_test

import (
	"maps"
	"slices"
	"testing"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler/content"
)

// What Nomad tells apart has different values.
func TestValuesDiffer(t *testing.T) {
	config := func(v any) *nomad.Task { return &nomad.Task{Name: "t", Config: map[string]any{"x": v}} }
	env := func(env map[string]string) *nomad.Task { return &nomad.Task{Name: "t", Env: env} }
	document := func(text string) *nomad.Task {
		return &nomad.Task{Name: "t", Templates: []*nomad.Template{{DestPath: new("agent.json"), EmbeddedTmpl: &text}}}
	}
	constraints := func(list ...*nomad.Constraint) *nomad.Task { return &nomad.Task{Name: "t", Constraints: list} }
	low, high := nomad.NewConstraint("${attr.x}", ">", "1"), nomad.NewConstraint("${attr.x}", "<", "5")
	for name, c := range map[string]struct{ before, after *nomad.Task }{
		"a number and its text":       {config(1), config("1")},
		"a bool and its text":         {config(true), config("true")},
		"null and its text":           {config(nil), config("null")},
		"null and an empty text":      {config(nil), config("")},
		"null and missing":            {config(nil), &nomad.Task{Name: "t"}},
		"an empty text and missing":   {config(""), &nomad.Task{Name: "t"}},
		"false and missing":           {config(false), &nomad.Task{Name: "t"}},
		"zero and missing":            {config(0), &nomad.Task{Name: "t"}},
		"an empty list and missing":   {config([]any{}), &nomad.Task{Name: "t"}},
		"an empty map and missing":    {config(map[string]any{}), &nomad.Task{Name: "t"}},
		"one item and two":            {config([]any{"a b"}), config([]any{"a", "b"})},
		"a text and a list of it":     {config("a"), config([]any{"a"})},
		"a list's order":              {config([]any{"a", "b"}), config([]any{"b", "a"})},
		"an order of objects":         {config([]any{map[string]any{"name": "a"}, map[string]any{"name": "b"}}), config([]any{map[string]any{"name": "b"}, map[string]any{"name": "a"}})},
		"large numbers":               {document(`{"workers": [], "n": 9007199254740993}`), document(`{"workers": [], "n": 9007199254740992}`)},
		"a variable that is empty":    {env(map[string]string{"A": ""}), env(nil)},
		"a variable called order":     {env(map[string]string{"order": "1"}), env(map[string]string{"order": "2"})},
		"the document's empty fields": {document(`{"workers": [], "redis": ""}`), document(`{"workers": []}`)},
		"constraints on one thing":    {constraints(low, high), constraints(nomad.NewConstraint("${attr.x}", ">", "2"), high)},
	} {
		t.Run(name, func(t *testing.T) {
			group := func(task *nomad.Task) *nomad.TaskGroup { return nomad.NewTaskGroup("g", 1).AddTask(task) }
			require.NotEqual(t, content.Values(group(c.before)), content.Values(group(c.after)))
		})
	}
}

// What Nomad fills in or leaves out is not a difference.
func TestValuesWithoutDefaults(t *testing.T) {
	bare := nomad.NewTaskGroup("g", 1).AddTask(&nomad.Task{Name: "t", Resources: &nomad.Resources{}})
	full := nomad.NewTaskGroup("g", 1).AddTask(&nomad.Task{Name: "t", User: "", Leader: false, Resources: &nomad.Resources{CPU: new(0)}})
	require.Equal(t, content.Values(bare), content.Values(full))
	words := slices.Sorted(maps.Keys(content.Of(bare)))
	require.Equal(t, []string{"\x00Tasks\x00t\x00Name"}, words)
}

func TestWordsOfAnOrder(t *testing.T) {
	group := nomad.NewTaskGroup("g", 1).AddTask(nomad.NewTask("b", "docker")).AddTask(nomad.NewTask("a", "docker"))
	for path, value := range content.Values(group) {
		if content.IsOrder(path) && value.Text == "b, a" {
			require.Equal(t, "tasks order", content.Words(path))
			return
		}
	}
	t.Fatal("no order of the tasks")
}
