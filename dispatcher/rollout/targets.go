package rollout

import (
	"cmp"
	"fmt"
	"slices"
)

// Group is one revision of a pool's machine at present.
type Group struct {
	Name     string
	Wanted   bool
	Count    int // machines that Nomad is asked for
	Live     int // allocations that run or start
	Ready    int // machines that report ready
	Stopping int // allocations that have been told to stop and have not ended
	// Trouble says why a new machine does not come up: it crashes, or isn't ready after its time.
	Trouble string
	// Blocked says why Nomad can't place what is missing; Full that occupied nodes are the reason.
	Blocked string
	Full    bool
}

// Plan is how many machines each group should have now.
type Plan struct {
	Targets map[string]int
	// Remove names old groups which are empty and should leave the job.
	Remove []string
	// Moving says that a rollout is under way; Stalled why it has stopped, empty while it goes on.
	Moving  bool
	Stalled string
	Reason  string // what is being waited for, for people
}

// Next plans the groups' sizes for a total of machines. Exactly one group is wanted.
func Next(groups []Group, total int) Plan {
	plan := Plan{Targets: map[string]int{}}
	var wanted Group
	var olds []Group
	old := 0
	for _, g := range groups {
		if g.Wanted {
			wanted = g
			continue
		}
		olds = append(olds, g)
		old += g.Count
		if g.Count == 0 && g.Live == 0 && g.Stopping == 0 {
			plan.Remove = append(plan.Remove, g.Name)
		}
	}
	if old == 0 {
		plan.Targets[wanted.Name] = total
		for _, g := range olds {
			plan.Targets[g.Name] = 0
		}
		plan.Moving = len(olds) > len(plan.Remove)
		if plan.Moving {
			plan.Reason = "waiting for the old revision's machines to end"
		}
		return plan
	}
	plan.Moving = true
	next, rest := plan.move(wanted, olds, old, total)
	plan.Targets[wanted.Name] = next
	spread(olds, rest, plan.Targets)
	return plan
}

// move returns the wanted group's target and that of all old groups together.
func (p *Plan) move(wanted Group, olds []Group, old, total int) (next, rest int) {
	within := min(wanted.Count, total)
	rest = max(total-wanted.Ready, 0)
	switch {
	case wanted.Trouble != "":
		p.Stalled = wanted.Trouble
	case wanted.Blocked != "" && !wanted.Full && wanted.Live < wanted.Count:
		p.Stalled = wanted.Blocked
	}
	if p.Stalled != "" {
		p.Reason = "the new revision does not come up, the old one serves: " + p.Stalled
		return within, rest
	}
	next = max(within, min(total+1-old, total))
	rest = min(rest, old)
	if wanted.Full && wanted.Live < wanted.Count && rest == old {
		// No room for the surge. Make some, unless it has been made already and is not taken up yet.
		stopping := 0
		for _, g := range olds {
			stopping += g.Stopping
		}
		if stopping == 0 && wanted.Ready+old >= total {
			p.Reason = "nodes are full: an old machine makes room for a new one"
			return next, old - 1
		}
		p.Reason = "waiting for the room that an old machine leaves"
		return next, rest
	}
	switch {
	case wanted.Ready < wanted.Count:
		p.Reason = fmt.Sprintf("waiting for %d new machines to be ready", wanted.Count-wanted.Ready)
	case rest < old:
		p.Reason = "waiting for old machines to finish their jobs"
	}
	return next, rest
}

// spread divides the old machines among the old groups: those with the fewest ready machines give first, and what is
// missing goes to the one with the most.
func spread(olds []Group, rest int, targets map[string]int) {
	order := slices.SortedFunc(slices.Values(olds), func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Ready, a.Ready), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	sum := 0
	for _, g := range order {
		n := min(g.Count, rest-sum)
		targets[g.Name] = n
		sum += n
	}
	targets[order[0].Name] += rest - sum
}
