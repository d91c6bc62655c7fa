package plan

import (
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
)

// Action is what apply would do to a pool.
type Action string

// The actions.
const (
	Create   Action = "create"   // no such job runs
	Revise   Action = "revise"   // another revision becomes the wanted one
	Settings Action = "settings" // policy, bounds, priority or texts change; no allocation is touched
	Repair   Action = "repair"   // the wanted group was changed by hand, and is restored to the profile
	Remove   Action = "remove"   // it is not in the profile, and is to be removed
	Orphan   Action = "orphan"   // it is not in the profile, and is left alone
	Nothing  Action = "nothing"
)

// Plan is the difference between some pools and a cluster.
type Plan struct {
	Pools []*Pool `json:"pools"`
	// Crowded lists pools that Nomad has room for one by one, but not together.
	Crowded []Crowd `json:"crowded,omitempty"`
}

// Crowd is a set of pools in one place whose machines don't fit together.
type Crowd struct {
	Room

	Pools []string `json:"pools"`
	Why   []string `json:"why"` // for people
}

// Room is the number of machines that Nomad has room for now, out of how many.
type Room struct {
	For int `json:"for"`
	Of  int `json:"of"`
}

// Changes reports whether applying would change anything.
func (p *Plan) Changes() bool {
	for _, pool := range p.Pools {
		if pool.Action != Nothing && pool.Action != Orphan {
			return true
		}
	}
	return false
}

// Short returns the pools without changes that have fewer ready machines than their minimum.
func (p *Plan) Short() []*Pool {
	var list []*Pool
	for _, pool := range p.Pools {
		if pool.Action == Nothing && pool.Ready < pool.Minimum {
			list = append(list, pool)
		}
	}
	return list
}

// Pool is one pool's part of a [Plan].
type Pool struct {
	Name   string `json:"name"`
	Place  Place  `json:"place"`
	Action Action `json:"action"`
	// Project is the pool's project after applying. Owner is its project now, or was when it was stopped. Either may be
	// empty.
	Project string `json:"project,omitempty"`
	Owner   string `json:"owner,omitempty"`
	// From and To are the wanted revisions before and after. From is empty if there was none.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Groups are the job's groups after applying, in the job's order.
	Groups []Group `json:"groups"`
	// Changes lists the differences, in the profile's words.
	Changes []Change `json:"changes,omitempty"`
	// Recompiled is set if the revision changes because this program compiles the machine differently from the one that
	// compiled the running revision.
	Recompiled *Recompiled `json:"recompiled,omitempty"`
	// Minimum is the pool's minimum in the profile. Ready is the number of ready machines on To.
	Minimum int `json:"minimum"`
	Ready   int `json:"ready"`
	// Infeasible explains to people why Nomad could not place all machines now. It is empty if it could.
	Infeasible []string `json:"infeasible,omitempty"`
	// Room is the number of machines that Nomad could place, out of the minimum or a higher count. It is nil if there is
	// room for all of them.
	Room *Room `json:"room,omitempty"`
	// Replaced is the number of running machines that Nomad would replace immediately. It is 0 unless the job was changed
	// by hand.
	Replaced int      `json:"replaced,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Running is the number of machines of a pool that isn't in the profile.
	Running int `json:"running,omitempty"`
	// NomadSet holds the paths that the profile's nomad blocks set.
	NomadSet []string `json:"escaped,omitempty"`
	// Applied reports whether the pool has been applied.
	Applied bool `json:"applied,omitempty"`
	// Notes are messages from applying the pool.
	Notes []string `json:"notes,omitempty"`
	// Index is the job's modify index that the plan was made against, or 0 for a new job. Registering enforces it.
	Index uint64 `json:"index"`
	// Diff is Nomad's own difference without its empty parts, or nil if there is none.
	Diff *nomad.JobDiff `json:"diff,omitempty"`

	job    *nomad.Job
	policy manifest.Policy
	placed int    // the new machines that the pool would place
	eval   string // the evaluation of the registered job
	// working is the revision to roll back to, or empty if none is known to have worked.
	working string
}

// Recompiled describes a new revision that results, wholly or in part, from a different version of machinectl.
type Recompiled struct {
	// Before and Now are the versions of machinectl that compiled the running revision and the new one. Before is empty if
	// it was not recorded.
	Before string `json:"before,omitempty"`
	Now    string `json:"now"`
	// Same reports whether the profile's machine is unchanged, so that the program causes all changes. Otherwise it may
	// cause some.
	Same bool `json:"same"`
}

// recompiled returns whether a different version of machinectl causes a new revision, or nil if it doesn't.
func recompiled(before, after manifest.Policy) *Recompiled {
	same := before.Input == after.Input
	if before.Version == 0 || after.Input == "" || !same && before.Compiler == after.Compiler {
		return nil
	}
	return &Recompiled{Before: before.Compiler, Now: after.Compiler, Same: same}
}

// Group is a task group of a planned job.
type Group struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
	Wanted   bool   `json:"wanted"`
	New      bool   `json:"new,omitempty"`
	Count    int    `json:"count"`
}

// Change is one difference. Before is empty if the value is added, and After if it is removed.
type Change struct {
	What   string `json:"what"` // "service comfyui-gpu0: memory"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}
