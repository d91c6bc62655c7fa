package standin

import (
	"maps"
	"reflect"

	"github.com/hashicorp/nomad/api"
)

// needsReplacing reports whether a change of the job requires the group's allocations to be replaced, because their
// tasks would run something else. Counts, scaling, services, restart policies and kill timeouts can change in place.
func needsReplacing(was, job *api.Job, group string) bool {
	a, b := was.LookupTaskGroup(group), job.LookupTaskGroup(group)
	if a == nil || b == nil || len(a.Tasks) != len(b.Tasks) {
		return true
	}
	if !same(a.EphemeralDisk, b.EphemeralDisk) || !same(a.Networks, b.Networks) || !same(a.Volumes, b.Volumes) {
		return true
	}
	for _, at := range a.Tasks {
		bt := lookupTask(b, at.Name)
		if bt == nil || taskDiffers(at, bt) || !maps.Equal(combinedMeta(was, a, at), combinedMeta(job, b, bt)) {
			return true
		}
	}
	return false
}

func taskDiffers(a, b *api.Task) bool {
	return a.Driver != b.Driver || a.User != b.User ||
		!same(a.Config, b.Config) || !same(a.Env, b.Env) || !same(a.Artifacts, b.Artifacts) ||
		!same(a.Templates, b.Templates) || !same(a.VolumeMounts, b.VolumeMounts) || !same(a.Resources, b.Resources) ||
		!same(a.Identity, b.Identity) || !same(a.Identities, b.Identities) || !same(a.Vault, b.Vault) ||
		deref(a.LogConfig.Disabled) != deref(b.LogConfig.Disabled)
}

// same reports whether two values are equal in JSON, where nil equals empty.
func same(a, b any) bool {
	return reflect.DeepEqual(prune(plain(a)), prune(plain(b)))
}

func lookupTask(tg *api.TaskGroup, name string) *api.Task {
	for _, t := range tg.Tasks {
		if t.Name == name {
			return t
		}
	}
	return nil
}

func combinedMeta(job *api.Job, tg *api.TaskGroup, t *api.Task) map[string]string {
	m := map[string]string{}
	maps.Copy(m, job.Meta)
	maps.Copy(m, tg.Meta)
	maps.Copy(m, t.Meta)
	return m
}
