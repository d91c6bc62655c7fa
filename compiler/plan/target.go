package plan

import (
	"cmp"
	"fmt"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/manifest"
)

// target is the job to register: the compiled one, with what must be kept of the live one.
type target struct {
	job    *nomad.Job
	groups []Group
	// before is the live job's wanted group, or nil if there is none.
	before *nomad.TaskGroup
	owner  string // the live job's project
}

// NotOursError reports that a foreign job has the pool's name.
type NotOursError struct {
	Pool  string
	Place Place
}

func (e *NotOursError) Error() string {
	return fmt.Sprintf("pool %q: namespace %q already has a Nomad job of that name that machinectl did not create (its meta lacks %s = %q): "+
		"rename the pool, or stop and purge that job", e.Pool, cmp.Or(e.Place.Namespace, nomad.DefaultNamespace), manifest.MetaManaged, manifest.MetaManagedValue)
}

func isOurs(job *nomad.Job) bool { return job.Meta[manifest.MetaManaged] == manifest.MetaManagedValue }

func isRunning(job *nomad.Job) bool { return job != nil && !deref(job.Stop) }

// makeTarget merges a compiled pool into the live job, which may be nil; the table in the package documentation shows how.
// It doesn't modify the compiled pool.
func makeTarget(pool *compiler.Pool, live *nomad.Job) (target, error) {
	if live != nil && !isOurs(live) {
		return target{}, &NotOursError{Pool: pool.Name, Place: placeOf(pool.Job)}
	}
	job := *pool.Job
	desired := *pool.Group()
	t := target{job: &job}
	if live != nil {
		t.owner = Owner(live)
	}
	if !isRunning(live) {
		job.TaskGroups = []*nomad.TaskGroup{&desired}
		t.groups = []Group{{Name: *desired.Name, Revision: pool.Revision, Wanted: true, New: true, Count: *desired.Count}}
		return t, nil
	}

	job.TaskGroups = nil
	found := false
	for _, group := range live.TaskGroups {
		policy, ours, err := policyOf(group)
		if err != nil {
			return target{}, fmt.Errorf("pool %q, group %q: %w", pool.Name, *group.Name, err)
		}
		if ours && policy.Wanted {
			t.before = group
		}
		item := Group{Name: *group.Name, Revision: policy.Revision, Count: deref(group.Count)}
		switch {
		case *group.Name == *desired.Name:
			found = true
			item.Wanted, item.Revision = true, pool.Revision
			keepLive(&desired, group, policy, pool.Policy)
			group = &desired
		case ours && (policy.Wanted || policy.Project != pool.Policy.Project):
			if group, err = unwanted(group, policy, pool.Policy.Project); err != nil {
				return target{}, fmt.Errorf("pool %q, group %q: %w", pool.Name, *group.Name, err)
			}
		}
		job.TaskGroups = append(job.TaskGroups, group)
		t.groups = append(t.groups, item)
	}
	if !found {
		desired.Count = new(0)
		job.TaskGroups = append(job.TaskGroups, &desired)
		t.groups = append(t.groups, Group{Name: *desired.Name, Revision: pool.Revision, Wanted: true, New: true})
	}
	return t, nil
}

// keepLive keeps the live group's count. Nomad refuses a count above the scaling block's maximum. While the count still
// exceeds a lowered maximum, the block's maximum therefore equals the count. The dispatcher uses the policy's maximum.
func keepLive(desired, live *nomad.TaskGroup, livePolicy, policy manifest.Policy) {
	count := deref(live.Count)
	desired.Count = new(count)
	scaling := *desired.Scaling
	limit := max(*scaling.Max, int64(count))
	if live.Scaling != nil && samePolicy(livePolicy, policy) {
		limit = max(limit, deref(live.Scaling.Max))
		if livePolicy.Wanted {
			scaling.Policy = live.Scaling.Policy // a different compiler alone doesn't need a new registration
		}
	}
	scaling.Max = new(limit)
	desired.Scaling = &scaling
}

// unwanted returns the live group with only its policy's Wanted and Project changed.
func unwanted(live *nomad.TaskGroup, policy manifest.Policy, project string) (*nomad.TaskGroup, error) {
	policy.Wanted, policy.Project = false, project
	doc, err := policy.Map()
	if err != nil {
		return live, err
	}
	group, scaling := *live, *live.Scaling
	scaling.Policy = doc
	group.Scaling = &scaling
	return &group, nil
}

func policyOf(group *nomad.TaskGroup) (manifest.Policy, bool, error) {
	if group.Scaling == nil {
		return manifest.Policy{}, false, nil
	}
	return manifest.ParsePolicy(group.Scaling.Policy)
}
