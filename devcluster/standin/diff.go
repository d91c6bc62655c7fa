package standin

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/nomad/api"
)

// Kinds of difference, as Nomad names them.
const (
	diffNone    = "None"
	diffAdded   = "Added"
	diffDeleted = "Deleted"
	diffEdited  = "Edited"
)

// jobDiff returns what a plan shows: the difference between two jobs by field, with separate entries for groups and
// tasks. It leaves out fields that the server sets. Unlike Nomad, it only ever shows changed fields, and nested objects
// have the API's names.
func jobDiff(old, job *api.Job) *api.JobDiff {
	a, b := specOf(old), specOf(job)
	d := &api.JobDiff{ID: *job.ID, Type: kind(old != nil, true)}
	ag, bg := takeList(a, "TaskGroups"), takeList(b, "TaskGroups")
	d.Fields, d.Objects = objectDiffs(a, b)
	edited := len(d.Fields)+len(d.Objects) > 0
	for _, name := range names(ag, bg) {
		g := groupDiff(name, ag[name], bg[name])
		edited = edited || g.Type != diffNone
		d.TaskGroups = append(d.TaskGroups, g)
	}
	if d.Type == diffEdited && !edited {
		d.Type = diffNone
	}
	return d
}

func groupDiff(name string, a, b map[string]any) *api.TaskGroupDiff {
	g := &api.TaskGroupDiff{Name: name, Type: kind(a != nil, b != nil)}
	at, bt := takeList(a, "Tasks"), takeList(b, "Tasks")
	g.Fields, g.Objects = objectDiffs(a, b)
	if a["Scaling"] != nil && same(a["Scaling"], b["Scaling"]) {
		// As in Nomad, which compares the submitted block with its own indexes in the stored one.
		g.Objects = append(g.Objects, &api.ObjectDiff{Type: diffEdited, Name: "Scaling"})
	}
	edited := len(g.Fields)+len(g.Objects) > 0
	for _, task := range names(at, bt) {
		t := &api.TaskDiff{Name: task, Type: kind(at[task] != nil, bt[task] != nil)}
		t.Fields, t.Objects = objectDiffs(at[task], bt[task])
		if t.Type == diffEdited && len(t.Fields)+len(t.Objects) == 0 {
			t.Type = diffNone
		}
		edited = edited || t.Type != diffNone
		g.Tasks = append(g.Tasks, t)
	}
	if g.Type == diffEdited && !edited {
		g.Type = diffNone
	}
	return g
}

func kind(before, after bool) string {
	switch {
	case before && after:
		return diffEdited
	case after:
		return diffAdded
	default:
		return diffDeleted
	}
}

// specOf returns a job as plain data, without the fields that the server sets.
func specOf(j *api.Job) map[string]any {
	if j == nil {
		return nil
	}
	m, _ := prune(plain(j)).(map[string]any)
	for _, k := range []string{
		"CreateIndex", "ModifyIndex", "JobModifyIndex", "SubmitTime", "Version", "Status", "StatusDescription",
		"Stable", "NomadTokenID", "ConsulNamespace", "VaultNamespace", "VersionTag", "Stop", "Dispatched",
	} {
		delete(m, k)
	}
	groups, _ := m["TaskGroups"].([]any)
	for _, g := range groups {
		if scaling, ok := g.(map[string]any)["Scaling"].(map[string]any); ok {
			for _, k := range []string{"ID", "Namespace", "Target", "CreateIndex", "ModifyIndex"} {
				delete(scaling, k)
			}
		}
	}
	return m
}

// takeList removes a list of named objects from m and returns it by name.
func takeList(m map[string]any, key string) map[string]map[string]any {
	list, _ := m[key].([]any)
	delete(m, key)
	out := map[string]map[string]any{}
	for _, e := range list {
		if o, ok := e.(map[string]any); ok {
			name, _ := o["Name"].(string)
			out[name] = o
		}
	}
	return out
}

func names[V any](maps_ ...map[string]V) []string {
	seen := map[string]bool{}
	for _, m := range maps_ {
		for k := range m {
			seen[k] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// objectDiffs compares two objects: plain values become fields, nested values objects.
func objectDiffs(a, b map[string]any) (fields []*api.FieldDiff, objects []*api.ObjectDiff) {
	for _, k := range names(a, b) {
		av, bv := a[k], b[k]
		if same(av, bv) {
			continue
		}
		if isPlain(av) && isPlain(bv) {
			fields = append(fields, &api.FieldDiff{Type: kind(av != nil, bv != nil), Name: k, Old: text(av), New: text(bv)})
			continue
		}
		o := &api.ObjectDiff{Type: kind(av != nil, bv != nil), Name: k}
		o.Fields, o.Objects = objectDiffs(asObject(av), asObject(bv))
		objects = append(objects, o)
	}
	return fields, objects
}

func isPlain(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func text(v any) string {
	if v == nil {
		return ""
	}
	if f, ok := v.(json.Number); ok {
		return f.String()
	}
	return fmt.Sprint(v)
}

// asObject makes a list comparable, by its elements' names or labels if they have one, else by position.
func asObject(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case []any:
		out := map[string]any{}
		for i, e := range v {
			out[elementName(e, i)] = e
		}
		return out
	}
	return nil
}

func elementName(e any, i int) string {
	if o, ok := e.(map[string]any); ok {
		for _, k := range []string{"Name", "Label", "DestPath"} {
			if s, ok := o[k].(string); ok && s != "" {
				return s
			}
		}
	}
	return fmt.Sprint(i)
}

// plain returns a value as decoded JSON.
func plain(v any) any {
	b, err := json.Marshal(v)
	if err != nil {
		panic("standin: an API value does not encode: " + err.Error())
	}
	return decodePlain(b)
}

// prune removes empty values, so that a missing value equals an empty one.
func prune(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			if e = prune(e); e == nil {
				delete(v, k)
			} else {
				v[k] = e
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i, e := range v {
			v[i] = prune(e)
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case string:
		if v == "" {
			return nil
		}
	}
	return v
}
