package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"

	"github.com/emprops/machinectl/hcl/spec"
)

// State is what runs of one pool.
type State struct {
	Pool     string       `json:"pool"`
	Place    Place        `json:"place"`
	Min      int          `json:"min"`
	Max      int          `json:"max"`
	Stopped  bool         `json:"stopped,omitempty"`
	Groups   []GroupState `json:"groups"` // the wanted one first
	Machines []Machine    `json:"machines"`
}

// GroupState is what runs of one revision.
type GroupState struct {
	Group
	Machine string `json:"machine"` // the machine profile
	Ready   int    `json:"ready"`
	Running int    `json:"running"` // ready or not
}

// Machine is one allocation that runs, or should.
type Machine struct {
	ID    string    `json:"id"`
	Group string    `json:"group"`
	Index int       `json:"index"`
	Node  string    `json:"node"`
	State string    `json:"state"` // waiting, starting, ready, stopping, unknown, failed, lost
	Why   string    `json:"why,omitempty"`
	Since time.Time `json:"since"`
}

// Machine states, as Nomad sees them.
const (
	Starting = "starting" // tasks not all running, or checks not all passing
	Ready    = "ready"
	Stopping = "stopping"
	Unknown  = "unknown" // its node is out of reach
	Failed   = "failed"  // and Nomad will try again
	Lost     = "lost"
)

// Wanted is the group the pool should end on, nil if there is none.
func (s *State) Wanted() *GroupState {
	for i := range s.Groups {
		if s.Groups[i].Wanted {
			return &s.Groups[i]
		}
	}
	return nil
}

// Running counts the machines of the groups that are no longer wanted.
func (s *State) oldRunning() int {
	n := 0
	for _, g := range s.Groups {
		if !g.Wanted {
			n += g.Running
		}
	}
	return n
}

// Pools reads the state of every pool in a place; namespace "*" is all of them. Stopped pools are left out.
func Pools(ctx context.Context, c *Cluster, at Place) ([]*State, error) {
	stubs, _, err := c.jobs.ListOptions(&nomad.JobListOptions{Fields: &nomad.JobListFields{Meta: true}}, at.query(ctx))
	if err != nil {
		return nil, c.unreachable(err)
	}
	stubs = slices.DeleteFunc(stubs, func(s *nomad.JobListStub) bool {
		return s.Meta[spec.MetaManaged] != spec.MetaManagedValue || s.Stop
	})
	states := make([]*State, len(stubs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, stub := range stubs {
		g.Go(func() error {
			var err error
			states[i], err = Read(ctx, c, stub.ID, Place{Region: at.Region, Namespace: stub.Namespace})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(states, func(s *State) bool { return s == nil }), nil
}

// Read reads one pool's state; nil if there is no such pool.
func Read(ctx context.Context, c *Cluster, pool string, at Place) (*State, error) {
	live, err := c.lookup(ctx, pool, at)
	if err != nil || live == nil {
		return nil, c.explain(pool, err)
	}
	if !isOurs(live) {
		return nil, &NotOursError{Pool: pool, Place: at}
	}
	allocs, _, err := c.jobs.Allocations(pool, true, at.query(ctx))
	if err != nil {
		return nil, c.explain(pool, err)
	}
	s := &State{Pool: pool, Place: placeOf(live), Stopped: deref(live.Stop)}
	for _, a := range latest(allocs) {
		m, err := c.machine(ctx, a, at)
		if err != nil {
			return nil, err
		}
		s.Machines = append(s.Machines, m)
	}
	slices.SortFunc(s.Machines, func(a, b Machine) int {
		if a.Group != b.Group {
			return strings.Compare(a.Group, b.Group)
		}
		return a.Index - b.Index
	})
	for _, g := range live.TaskGroups {
		if err := s.addGroup(g); err != nil {
			return nil, fmt.Errorf("pool %q, group %q: %w", pool, *g.Name, err)
		}
	}
	slices.SortStableFunc(s.Groups, func(a, b GroupState) int {
		switch {
		case a.Wanted == b.Wanted:
			return 0
		case a.Wanted:
			return -1
		default:
			return 1
		}
	})
	return s, nil
}

func (s *State) addGroup(g *nomad.TaskGroup) error {
	policy, ours, err := policyOf(g)
	if err != nil {
		return err
	}
	state := GroupState{Group: Group{Name: *g.Name, Count: deref(g.Count)}}
	if ours {
		state.Revision, state.Wanted, state.Machine = policy.Revision, policy.Wanted, policy.Machine
	}
	if state.Wanted {
		s.Min, s.Max = policy.Min, policy.Max
	}
	for _, m := range s.Machines {
		if m.Group != *g.Name {
			continue
		}
		switch m.State {
		case Ready:
			state.Ready++
			state.Running++
		case Starting, Stopping, Unknown:
			state.Running++
		}
	}
	s.Groups = append(s.Groups, state)
	return nil
}

// latest keeps of each name (group and index) the newest allocation, and every one that still runs.
func latest(allocs []*nomad.AllocationListStub) []*nomad.AllocationListStub {
	newest := map[string]*nomad.AllocationListStub{}
	for _, a := range allocs {
		if b := newest[a.Name]; b == nil || b.CreateIndex < a.CreateIndex {
			newest[a.Name] = a
		}
	}
	return slices.DeleteFunc(slices.Clone(allocs), func(a *nomad.AllocationListStub) bool {
		switch a.ClientStatus {
		case nomad.AllocClientStatusRunning, nomad.AllocClientStatusPending, nomad.AllocClientStatusUnknown:
			return false
		case nomad.AllocClientStatusFailed, nomad.AllocClientStatusLost:
			// What Nomad gave up on its own is worth showing while nothing newer has its place.
			return newest[a.Name] != a || a.DesiredStatus != nomad.AllocDesiredStatusRun
		default:
			return true
		}
	})
}

// machine reads one allocation.
func (c *Cluster) machine(ctx context.Context, a *nomad.AllocationListStub, at Place) (Machine, error) {
	m := Machine{ID: a.ID, Group: a.TaskGroup, Index: indexOf(a.Name), Node: a.NodeName, Since: time.Unix(0, a.CreateTime).UTC()}
	m.State, m.Why = taskStates(a)
	if m.State != Ready {
		return m, nil
	}
	// Nomad's check endpoint is on the client; one that can't be asked is treated as not ready, with the reason.
	checks, err := c.checks.Checks(a.ID, at.query(ctx))
	if err != nil {
		if ctx.Err() != nil {
			return m, ctx.Err()
		}
		m.State, m.Why = Starting, "its checks can't be read: "+err.Error()
		return m, nil
	}
	for _, check := range checks {
		if check.Status != "success" {
			m.State, m.Why = Starting, checkWords(check)
		}
	}
	return m, nil
}

// taskStates is what the states of an allocation's tasks say; [Ready] means as far as they can tell.
func taskStates(a *nomad.AllocationListStub) (state, why string) {
	switch a.ClientStatus {
	case nomad.AllocClientStatusUnknown:
		return Unknown, "its node is out of reach"
	case nomad.AllocClientStatusFailed:
		return Failed, lastWords(a)
	case nomad.AllocClientStatusLost:
		return Lost, "its node went away"
	}
	if a.DesiredStatus != nomad.AllocDesiredStatusRun {
		return Stopping, a.DesiredDescription
	}
	if len(a.TaskStates) == 0 || a.ClientStatus == nomad.AllocClientStatusPending {
		return Starting, lastWords(a)
	}
	for name, t := range a.TaskStates {
		if name != spec.TaskSetup && t.State != "running" {
			return Starting, lastWords(a)
		}
	}
	return Ready, ""
}

// lastWords is the latest event of the tasks that aren't running: what they wait for or failed with.
func lastWords(a *nomad.AllocationListStub) string {
	var last *nomad.TaskEvent
	task := ""
	for name, t := range a.TaskStates {
		if t.State == "running" || t.State == "dead" && !t.Failed {
			continue
		}
		for _, e := range t.Events {
			// Why a task ended says more than that its siblings were ended for it.
			if e.Type == nomad.TaskSiblingFailed || e.Type == nomad.TaskKilling || e.Type == nomad.TaskKilled || e.Type == nomad.TaskNotRestarting {
				continue
			}
			if last == nil || e.Time > last.Time {
				last, task = e, name
			}
		}
	}
	if last == nil {
		return a.DesiredDescription
	}
	return task + ": " + firstLine(last.DisplayMessage)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// indexOf reads the number at the end of an allocation's name, "pool.group[3]".
func indexOf(name string) int {
	var n int
	if _, err := fmt.Sscanf(name[strings.LastIndexByte(name, '[')+1:], "%d]", &n); err != nil {
		return -1
	}
	return n
}
