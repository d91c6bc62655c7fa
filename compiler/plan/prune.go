package plan

import (
	"slices"

	nomad "github.com/hashicorp/nomad/api"
)

// prune removes empty parts from Nomad's diff, and returns nil if nothing is left. Nomad compares a stored scaling block,
// which has an id, with the compiled one, which can't have one, and reports an edit without fields.
func prune(diff *nomad.JobDiff) *nomad.JobDiff {
	if diff == nil || diff.Type == "None" {
		return nil
	}
	d := *diff
	d.Fields = pruneFields(d.Fields)
	d.Objects = pruneObjects(d.Objects)
	d.TaskGroups = nil
	for _, g := range diff.TaskGroups {
		group := *g
		group.Fields = pruneFields(g.Fields)
		group.Objects = pruneObjects(g.Objects)
		group.Tasks = nil
		for _, t := range g.Tasks {
			task := *t
			task.Fields, task.Objects = pruneFields(t.Fields), pruneObjects(t.Objects)
			if isWhole(t.Type) || len(task.Fields)+len(task.Objects) > 0 {
				group.Tasks = append(group.Tasks, &task)
			}
		}
		if isWhole(g.Type) || len(group.Fields)+len(group.Objects)+len(group.Tasks) > 0 {
			d.TaskGroups = append(d.TaskGroups, &group)
		}
	}
	if !isWhole(d.Type) && len(d.Fields)+len(d.Objects)+len(d.TaskGroups) == 0 {
		return nil
	}
	return &d
}

// isWhole reports whether a diff of this type adds or removes the whole object.
func isWhole(diffType string) bool { return diffType == "Added" || diffType == "Deleted" }

func pruneFields(fields []*nomad.FieldDiff) []*nomad.FieldDiff {
	return slices.DeleteFunc(slices.Clone(fields), func(f *nomad.FieldDiff) bool { return f.Type == "None" })
}

func pruneObjects(objects []*nomad.ObjectDiff) []*nomad.ObjectDiff {
	var list []*nomad.ObjectDiff
	for _, o := range objects {
		object := *o
		object.Fields, object.Objects = pruneFields(o.Fields), pruneObjects(o.Objects)
		if o.Type != "None" && len(object.Fields)+len(object.Objects) > 0 {
			list = append(list, &object)
		}
	}
	return list
}
