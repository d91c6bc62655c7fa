package plan

import (
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
)

// Action is what applying would do to a pool.
type Action string

// The actions.
const (
	Create   Action = "create"   // no such job runs
	Revise   Action = "revise"   // another revision becomes the wanted one
	Settings Action = "settings" // policy, bounds, priority or texts: no allocation is touched
	Repair   Action = "repair"   // the wanted group was changed by hand: it is put back to what the profile says
	Remove   Action = "remove"   // it is not in the profile, and was asked to be removed
	Orphan   Action = "orphan"   // it is not in the profile; it is left alone
	Nothing  Action = "nothing"
)

// Plan is the difference between some pools and a cluster.
type Plan struct {
	Pools []*Pool `json:"pools"`
	// Crowded are pools that Nomad has room for one by one, but not together.
	Crowded []Crowd `json:"crowded,omitempty"`
}

// Crowd are pools in one place whose machines don't fit together.
type Crowd struct {
	Room

	Pools []string `json:"pools"`
	Why   []string `json:"why"` // in plain words
}

// Room is how many machines Nomad has room for now, of how many.
type Room struct {
	For int `json:"for"`
	Of  int `json:"of"`
}

// Changes says whether applying would do anything.
func (p *Plan) Changes() bool {
	for _, pool := range p.Pools {
		if pool.Action != Nothing && pool.Action != Orphan {
			return true
		}
	}
	return false
}

// Short are the pools that applying would leave as they are, and that have fewer machines ready than their minimum.
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
	// Project is who owns the pool after applying; Owner who owns it now, or owned it when it was stopped. Empty: nobody.
	Project string `json:"project,omitempty"`
	Owner   string `json:"owner,omitempty"`
	// From and To are the wanted revisions before and after; From is empty where there was none.
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Groups are the job's groups after applying, in the job's order.
	Groups []Group `json:"groups"`
	// Changes are what differs, in the profile's words.
	Changes []Change `json:"changes,omitempty"`
	// Recompiled says that this program compiles the machine otherwise than the one did that compiled what runs; nil where it
	// doesn't, or a new revision has another reason.
	Recompiled *Recompiled `json:"recompiled,omitempty"`
	// Minimum is what the profile asks for at least; Ready is how many machines are ready on To.
	Minimum int `json:"minimum"`
	Ready   int `json:"ready"`
	// Infeasible says in plain words why Nomad could not place all machines now; empty where it could.
	Infeasible []string `json:"infeasible,omitempty"`
	// Room is how many machines Nomad could place, of the minimum or of more if more are asked for; nil where it has room
	// for all of them.
	Room *Room `json:"room,omitempty"`
	// Replaced is how many running machines Nomad would replace at once. 0 unless somebody changed the job by hand.
	Replaced int      `json:"replaced,omitempty"`
	Warnings []string `json:"warnings,omitempty"`
	// Running is how many machines a pool that isn't in the profile has.
	Running int `json:"running,omitempty"`
	// Escaped is what the profile's nomad blocks set, one path each.
	Escaped []string `json:"escaped,omitempty"`
	// Applied reports whether it has been applied.
	Applied bool `json:"applied,omitempty"`
	// Notes are what applying it had to say.
	Notes []string `json:"notes,omitempty"`
	// Index is what registering will enforce: the job's modify index that the plan was made against, 0 for none.
	Index uint64 `json:"index"`
	// Diff is Nomad's own difference, without parts that say nothing; nil where there is none.
	Diff *nomad.JobDiff `json:"diff,omitempty"`

	job    *nomad.Job
	policy manifest.Policy
	placed int    // machines that would be new where the pool has what it asks for
	eval   string // of what was registered
	// working is the revision to go back to, empty where none is known to have worked.
	working string
}

// Recompiled is why a pool gets a new revision where that isn't, or may not be, because its profile changed.
type Recompiled struct {
	// Before and Now are the versions of machinectl that compiled the one that runs and the new one. Before is empty where it
	// was not noted.
	Before string `json:"before,omitempty"`
	Now    string `json:"now"`
	// Same: the profile says of the machine what it said before, so all that changes is the program's doing. Else some of it
	// may be.
	Same bool `json:"same"`
}

// recompiled compares who compiled what, for a new revision.
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

// Change is one difference. Before or After is empty where the thing is added or removed.
type Change struct {
	What   string `json:"what"` // "service comfyui-gpu0: memory"
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
}
