package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"

	"github.com/emprops/machinectl/hcl/manifest"
)

// State is the live state of a pool.
type State struct {
	Pool     string       `json:"pool"`
	Project  string       `json:"project,omitempty"` // its owner
	Place    Place        `json:"place"`
	Min      int          `json:"min"`
	Max      int          `json:"max"`
	Stopped  bool         `json:"stopped,omitempty"`
	Groups   []GroupState `json:"groups"` // the wanted one first
	Machines []Machine    `json:"machines"`
}

// GroupState is the live state of one revision of a pool.
type GroupState struct {
	Group
	Machine string `json:"machine"` // its name in the profile
	Ready   int    `json:"ready"`
	Running int    `json:"running"` // ready or not
}

// Wanted returns the group of the wanted revision, or nil if there is none.
func (s *State) Wanted() *GroupState {
	for i := range s.Groups {
		if s.Groups[i].Wanted {
			return &s.Groups[i]
		}
	}
	return nil
}

// oldRunning counts the running machines of groups that are no longer wanted.
func (s *State) oldRunning() int {
	n := 0
	for _, g := range s.Groups {
		if !g.Wanted {
			n += g.Running
		}
	}
	return n
}

// Pools reads the state of every pool in a place, except stopped ones. The namespace "*" stands for all namespaces.
func Pools(ctx context.Context, c *Cluster, at Place) ([]*State, error) {
	return c.states(ctx, at, func(string) bool { return true })
}

// Named is like [Pools], but reads only pools with one of the given names.
func Named(ctx context.Context, c *Cluster, at Place, names []string) ([]*State, error) {
	return c.states(ctx, at, func(pool string) bool { return slices.Contains(names, pool) })
}

func (c *Cluster) states(ctx context.Context, at Place, wanted func(pool string) bool) ([]*State, error) {
	stubs, _, err := c.jobs.ListOptions(&nomad.JobListOptions{Fields: &nomad.JobListFields{Meta: true}}, at.query(ctx))
	if err != nil {
		return nil, c.unreachable(err)
	}
	stubs = slices.DeleteFunc(stubs, func(s *nomad.JobListStub) bool {
		return s.Meta[manifest.MetaManaged] != manifest.MetaManagedValue || s.Stop || !wanted(s.ID)
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

// Read reads one pool's state. It returns nil if there is no such pool.
func Read(ctx context.Context, c *Cluster, pool string, at Place) (*State, error) {
	live, err := c.lookup(ctx, pool, at)
	if err != nil || live == nil {
		return nil, c.explain(pool, err)
	}
	if !isOurs(live) {
		return nil, &NotOursError{Pool: pool, Place: at}
	}
	return c.read(ctx, live, at)
}

// read reads the state of a pool from its live job.
func (c *Cluster) read(ctx context.Context, live *nomad.Job, at Place) (*State, error) {
	pool := *live.ID
	allocs, _, err := c.jobs.Allocations(pool, true, at.query(ctx))
	if err != nil {
		return nil, c.explain(pool, err)
	}
	s := &State{Pool: pool, Project: Owner(live), Place: placeOf(live), Stopped: deref(live.Stop)}
	if s.Machines, err = c.machines(ctx, latest(allocs), live, at); err != nil {
		return nil, err
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

// machines reads a job's allocations. It reads several concurrently, because each may need a request to its node.
func (c *Cluster) machines(ctx context.Context, allocs []*nomad.AllocationListStub, live *nomad.Job, at Place) ([]Machine, error) {
	list := make([]Machine, len(allocs))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(concurrency)
	for i, a := range allocs {
		g.Go(func() error {
			var err error
			list[i], err = c.machine(ctx, a, live.LookupTaskGroup(a.TaskGroup), at)
			list[i].Why = c.foreign.text(list[i].Why)
			if f := list[i].Failing; f != nil {
				f.Why = c.foreign.text(f.Why)
			}
			return err
		})
	}
	return list, g.Wait()
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
