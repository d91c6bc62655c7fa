package rollout

import (
	"cmp"
	"fmt"
	"slices"
)

// Group is the current state of one revision of a pool's machine.
type Group struct {
	Name     string
	Wanted   bool
	Count    int // machines requested from Nomad
	Missing  int // requested machines that Nomad has not placed
	Live     int // allocations that run or start
	Ready    int // machines that report ready
	Stopping int // allocations that have been told to stop and have not ended
	// Trouble explains why a new machine doesn't become ready: it crashes, or takes too long.
	Trouble string
	// Blocked explains why Nomad can't place the missing machines. Full reports whether occupied nodes are the reason.
	Blocked string
	Full    bool
}

// placed returns the count to which the group can shrink without stopping a machine.
func (g Group) placed() int { return g.Count - g.Missing }

// Plan is how many machines each group should have now.
type Plan struct {
	Targets map[string]int
	// Fits is how many machines of the pool are known to fit the nodes, or 0 if that isn't known. Pass it to the next
	// call of [Next] while the wanted group and the nodes stay the same.
	Fits int
	// Remove names empty old groups that should leave the job.
	Remove []string
	// Moving reports whether a rollout is in progress. Stalled explains why it has stopped; empty while it proceeds.
	Moving  bool
	Stalled string
	Reason  string // what the rollout waits for, to be read by operators
}

// state is the input of a plan, summed up.
type state struct {
	wanted   Group
	olds     []Group
	old      int // requested, over all old groups
	live     int // over all groups
	stopping int
	total    int
}

// Next plans the groups' sizes for a total number of machines. Exactly one group is wanted. fits is the last plan's
// Fits.
func Next(groups []Group, total, fits int) Plan {
	plan := Plan{Targets: map[string]int{}}
	s := state{total: total}
	for _, g := range groups {
		s.live += g.Live
		s.stopping += g.Stopping
		if g.Wanted {
			s.wanted = g
			continue
		}
		s.olds = append(s.olds, g)
		s.old += g.Count
		if g.Count == 0 && g.Live == 0 && g.Stopping == 0 {
			plan.Remove = append(plan.Remove, g.Name)
		}
	}
	plan.Moving = len(s.olds) > len(plan.Remove)
	if plan.Moving {
		plan.Fits = fits
	}
	var next, rest int
	switch {
	case s.old == 0:
		next = plan.finish(s)
	case plan.stalls(s.wanted):
		plan.Reason = "the new revision doesn't become ready, the old one serves: " + plan.Stalled
		next, rest = s.within(), max(total-s.wanted.Ready, 0)
	case fits > 0:
		next, rest = plan.swap(s)
	default:
		next, rest = plan.surge(s)
	}
	plan.Targets[s.wanted.Name] = next
	if len(s.olds) > 0 {
		spread(s.olds, rest, plan.Targets)
	}
	plan.oneAtATime(groups, s)
	return plan
}

// oneAtATime keeps a plan that stops machines from also requesting others: machines that wait for a place are withdrawn
// first.
func (p *Plan) oneAtATime(groups []Group, s state) {
	stops, pending := false, false
	for _, g := range groups {
		stops = stops || p.Targets[g.Name] < g.placed()
		pending = pending || g.Missing > 0 && (g.Blocked == "" || g.Full && s.stopping > 0)
	}
	if !stops {
		return
	}
	for _, g := range groups {
		target := p.Targets[g.Name]
		switch {
		case pending && target < g.placed():
			target = g.Count // until Nomad has placed or refused the others
		case g.Missing > 0 && g.Full:
			target = g.placed()
			if p.Fits == 0 {
				p.Fits = max(s.live, 1)
			}
		case p.Fits > 0:
			target = min(target, g.Count)
		}
		p.Targets[g.Name] = target
	}
}

// within returns how many of the total the wanted group has.
func (s state) within() int { return min(s.wanted.Count, s.total) }

func (p *Plan) finish(s state) (next int) {
	if !p.Moving {
		return s.total
	}
	p.Reason = "waiting for the old revision's machines to end"
	if p.Fits > 0 && s.stopping > 0 {
		return s.within()
	}
	return s.total
}

func (p *Plan) stalls(wanted Group) bool {
	switch {
	case wanted.Trouble != "":
		p.Stalled = wanted.Trouble
	case wanted.Blocked != "" && !wanted.Full && wanted.Missing > 0:
		p.Stalled = wanted.Blocked
	}
	return p.Stalled != ""
}

// surge requests one machine more than the total; an old one goes for each new one that is ready.
func (p *Plan) surge(s state) (next, rest int) {
	w := s.wanted
	next = max(s.within(), min(s.total+1-s.old, s.total))
	rest = min(max(s.total-w.Ready, 0), s.old)
	switch {
	case w.Missing > 0 && w.Full && s.stopping == 0:
		p.Fits = max(s.live, 1)
		p.Reason = "nodes are full, so machines are replaced one by one"
		return w.placed(), s.old
	case w.Missing > 0:
		p.Reason = "waiting for Nomad to place a new machine"
		return next, s.old
	case w.Ready < w.Count:
		p.Reason = waitingFor(w.Count - w.Ready)
	case rest < s.old:
		p.Reason = "waiting for old machines to finish their jobs"
	}
	return next, rest
}

// swap lets one old machine go, waits until it has ended, and requests a new one in its place.
func (p *Plan) swap(s state) (next, rest int) {
	w, fit := s.wanted, min(s.total, p.Fits)
	next = s.within()
	rest = min(max(fit-w.Ready, 0), s.old)
	switch {
	case w.Missing > 0 && w.Full && s.stopping == 0 && rest < s.old:
		p.Reason = "nodes are full, so a new machine that found no room is withdrawn"
		return w.placed(), s.old
	case w.Missing > 0:
		p.Reason = "waiting for room on a node"
		return next, s.old
	case s.stopping > 0:
		p.Reason = "waiting for a machine to end and free its place"
	case rest < s.old:
		p.Reason = "waiting for old machines to finish their jobs"
	case w.Ready+s.old < fit:
		next = max(next, min(fit-s.old, s.total))
		p.Reason = waitingFor(next - w.Ready)
	case w.Ready < w.Count:
		p.Reason = waitingFor(w.Count - w.Ready)
	default:
		p.Reason = "nodes are full, so an old machine makes room for a new one"
		return next, s.old - 1
	}
	return next, rest
}

func waitingFor(machines int) string {
	if machines == 1 {
		return "waiting for a new machine to be ready"
	}
	return fmt.Sprintf("waiting for %d new machines to be ready", machines)
}

// spread divides the remaining old machines among the old groups. Groups with the fewest ready machines shrink first.
// Missing machines go to the group with the most, and only if every placed machine stays.
func spread(olds []Group, rest int, targets map[string]int) {
	order := slices.SortedFunc(slices.Values(olds), func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Ready, a.Ready), cmp.Compare(b.placed(), a.placed()), cmp.Compare(a.Name, b.Name))
	})
	for _, share := range []func(Group) int{Group.placed, func(g Group) int { return g.Missing }} {
		for _, g := range order {
			n := min(share(g), rest)
			targets[g.Name] += n
			rest -= n
		}
	}
	targets[order[0].Name] += rest
}
