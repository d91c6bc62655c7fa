package plan

import (
	"reflect"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/manifest"
)

// Compare returns what would change in a cluster that runs the pools of one profile if another were applied. It doesn't
// access a cluster.
func Compare(before, after []*compiler.Pool) *Plan {
	old := map[string]*compiler.Pool{}
	for _, pool := range before {
		old[pool.Name] = pool
	}
	p := &Plan{}
	for _, pool := range after {
		p.Pools = append(p.Pools, comparePool(old[pool.Name], pool))
		delete(old, pool.Name)
	}
	for _, pool := range before {
		if old[pool.Name] != nil {
			p.Pools = append(p.Pools, &Pool{Name: pool.Name, Place: placeOf(pool.Job), Action: Remove, From: pool.Revision})
		}
	}
	return p
}

func comparePool(before, after *compiler.Pool) *Pool {
	group := after.Group()
	out := &Pool{
		Name: after.Name, Place: placeOf(after.Job), To: after.Revision, Action: Create,
		Groups: []Group{{Name: *group.Name, Revision: after.Revision, Wanted: true, New: true, Count: *group.Count}},
	}
	if before == nil {
		return out
	}
	out.From = before.Revision
	out.Changes = append(policyChanges(versioned(before.Policy), after.Policy), groupChanges(before.Group(), group, hide([]manifest.Policy{before.Policy, after.Policy}))...)
	out.Changes = append(out.Changes, jobChanges(before.Job, after.Job)...)
	out.Changes = append(out.Changes, placeChanges(placeOf(before.Job), out.Place)...)
	switch {
	case out.From != out.To:
		out.Action = Revise
	case len(out.Changes) > 0 || !samePolicy(before.Policy, after.Policy) || !reflect.DeepEqual(before.Job.UI, after.Job.UI):
		out.Action = Settings
	default:
		out.Action = Nothing
	}
	return out
}

// versioned returns the policy with a version, without which [policyChanges] would treat it as missing.
func versioned(p manifest.Policy) manifest.Policy {
	p.Version = manifest.PolicyVersion
	return p
}

func placeChanges(before, after Place) []Change {
	var list []Change
	if before.Namespace != after.Namespace {
		list = append(list, Change{What: "placement: namespace", Before: before.Namespace, After: after.Namespace})
	}
	if before.Region != after.Region {
		list = append(list, Change{What: "placement: region", Before: before.Region, After: after.Region})
	}
	return list
}
