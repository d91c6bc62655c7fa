package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/emprops/machinectl/hcl/manifest"
)

// Pool is one pool: one Nomad job that machinectl manages.
type Pool struct {
	ID

	Index uint64 // the job's modify index, which writes are conditional on
	// Groups are the pool's revisions in the job's order.
	Groups []Group
	// Problem explains why the pool can't be managed, such as a policy of another version; empty if it can.
	Problem string
	Events  []Event // scaling events of all groups, newest first
	// Nodes is a hash of the nodes that accept work: it changes when a node comes, goes, or changes its eligibility.
	Nodes string
}

// Group is one task group: one revision of the pool's machine.
type Group struct {
	Name   string
	Policy manifest.Policy
	Count  int // machines requested from Nomad
	// Machines are those that run, start, or are dead and have not been replaced, sorted by index.
	Machines []Machine
	// Stopping counts allocations that have been told to stop and have not ended: they still hold their GPUs.
	Stopping int
	// Blocked explains why Nomad can't place the missing machines. Full reports whether occupied nodes are the reason.
	Blocked string
	Full    bool
}

// Machine is one allocation as Nomad reports it.
type Machine struct {
	ID    string
	Index int
	Node  string
	Dead  bool // has ended, keeps its index: Nomad may replace it later
	Since time.Time
	// Trouble explains why it doesn't become ready, such as "task agent restarted 4 times: exit code 1"; empty if nothing
	// is wrong.
	Trouble string
	// Moving explains why Nomad may stop it before others: its node drains, is down, or is out of reach.
	Moving string
}

// Wanted returns the group that the pool should end on, or nil if there is none.
func (p *Pool) Wanted() *Group {
	for i := range p.Groups {
		if p.Groups[i].Policy.Wanted {
			return &p.Groups[i]
		}
	}
	return nil
}

// Asked returns how many machines are requested from Nomad, over all groups.
func (p *Pool) Asked() int {
	sum := 0
	for _, g := range p.Groups {
		sum += g.Count
	}
	return sum
}

// Rolling reports whether the job still has a group that isn't wanted.
func (p *Pool) Rolling() bool {
	return slices.ContainsFunc(p.Groups, func(g Group) bool { return !g.Policy.Wanted })
}

// Total returns how many machines the pool is intended to have: those requested, less a rollout's surge of at most one,
// plus those that a rollout on full nodes is short of.
func (p *Pool) Total() int {
	asked := p.Asked()
	if !p.Rolling() || len(p.Events) == 0 || p.Events[0].Total < 0 {
		return asked
	}
	short := 1
	if p.replacing() {
		short = math.MaxInt
	}
	if t := p.Events[0].Total; t >= asked-1 && t-asked <= short {
		return t
	}
	return asked
}

// Fits returns how many machines of the pool were found to fit the nodes in this rollout. It returns 0 if that isn't known,
// or if the nodes have changed since.
func (p *Pool) Fits() int {
	if !p.replacing() || p.Events[0].Fitting.Nodes != p.Nodes {
		return 0
	}
	return p.Events[0].Fitting.Machines
}

// replacing reports whether the last change was made by the present rollout, on full nodes.
func (p *Pool) replacing() bool {
	w := p.Wanted()
	return w != nil && p.Rolling() && len(p.Events) > 0 && p.Events[0].Fitting.Group == w.Name
}

// Resized returns the times of the last changes of the total in each direction, zero if none is recorded.
func (p *Pool) Resized() (up, down time.Time) {
	for i, e := range p.Events {
		if i+1 >= len(p.Events) || e.Total < 0 {
			break
		}
		switch before := p.Events[i+1].Total; {
		case before < 0:
		case e.Total > before && up.IsZero():
			up = e.At
		case e.Total < before && down.IsZero():
			down = e.At
		}
	}
	return up, down
}

// Live returns the group's machines that have not ended.
func (g *Group) Live() []Machine {
	return slices.DeleteFunc(slices.Clone(g.Machines), func(m Machine) bool { return m.Dead })
}

// Victims returns the machines that Nomad may stop when the group shrinks to count, highest index first. It fails if that
// can't be predicted now.
func (g *Group) Victims(count int) ([]Machine, error) {
	live := g.Live()
	slices.SortFunc(live, func(a, b Machine) int { return cmp.Compare(b.Index, a.Index) })
	if count == 0 {
		return live, nil
	}
	seen := map[int]string{}
	for _, m := range g.Machines {
		if m.Moving != "" {
			return nil, fmt.Errorf("machine %s: %s: Nomad would stop it first", m.ID, m.Moving)
		}
		if other, twice := seen[m.Index]; twice {
			return nil, fmt.Errorf("machines %s and %s both have index %d: Nomad has not settled", other, m.ID, m.Index)
		}
		seen[m.Index] = m.ID
	}
	if g.Blocked != "" && len(g.Machines) >= g.Count {
		return nil, errors.New("a machine waits to be replaced: " + g.Blocked)
	}
	// Dead machines are counted as if Nomad counted them: if it doesn't, it stops fewer of the same machines.
	all := slices.SortedFunc(slices.Values(g.Machines), func(a, b Machine) int { return cmp.Compare(b.Index, a.Index) })
	excess := max(len(all)-count, 0)
	return slices.DeleteFunc(all[:excess], func(m Machine) bool { return m.Dead }), nil
}
