package fleet

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/nettext"
)

// Client reads and changes the pools of one Nomad namespace: the one its api.Client is configured for.
type Client struct {
	nomad *api.Client
	log   *slog.Logger

	mu        sync.Mutex
	jobs      map[string]cached // by pool
	nodesOnce sync.Once         // logs only once that nodes can't be listed
}

// cached is what stays the same as long as the job's modify index does.
type cached struct {
	index  uint64
	job    *api.Job
	events []Event
}

// New returns a client that uses the given Nomad client.
func New(nomad *api.Client, log *slog.Logger) *Client {
	return &Client{nomad: nomad, log: log, jobs: map[string]cached{}}
}

// reads bounds the concurrent requests for jobs.
const reads = 8

// Pools reads all pools, by name.
func (c *Client) Pools(ctx context.Context) ([]Pool, error) {
	q := (&api.QueryOptions{}).WithContext(ctx)
	stubs, _, err := c.nomad.Jobs().ListOptions(&api.JobListOptions{Fields: &api.JobListFields{Meta: true}}, q)
	if err != nil {
		return nil, fmt.Errorf("listing Nomad jobs: %w", nettext.Explain(err))
	}
	stubs = slices.DeleteFunc(stubs, func(s *api.JobListStub) bool { return !isPool(s) })
	if len(stubs) == 0 {
		return nil, nil
	}
	allocs, _, err := c.nomad.Allocations().List(q)
	if err != nil {
		return nil, fmt.Errorf("listing Nomad allocations: %w", nettext.Explain(err))
	}
	blocked, _, err := c.nomad.Evaluations().List((&api.QueryOptions{Filter: `Status == "blocked"`}).WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("listing Nomad's blocked evaluations: %w", nettext.Explain(err))
	}
	moving, nodes, err := c.nodes(q)
	if err != nil {
		return nil, err
	}
	pools := make([]Pool, len(stubs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reads)
	for i, s := range stubs {
		group.Go(func() error {
			entry, err := c.job(ctx, s)
			if err != nil {
				return err
			}
			pools[i] = newPool(entry)
			pools[i].Nodes = nodes
			if slices.ContainsFunc(blocked, func(e *api.Evaluation) bool { return e.JobID == s.ID }) {
				return c.placements(ctx, &pools[i])
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	c.forget(stubs)
	addMachines(pools, allocs, moving)
	slices.SortFunc(pools, func(a, b Pool) int { return cmp.Compare(a.Name, b.Name) })
	return pools, nil
}

// job returns the job and its scaling events. It reads them from Nomad only if they may have changed.
func (c *Client) job(ctx context.Context, s *api.JobListStub) (cached, error) {
	c.mu.Lock()
	entry, ok := c.jobs[s.ID]
	c.mu.Unlock()
	if ok && entry.index == s.JobModifyIndex {
		return entry, nil
	}
	q := (&api.QueryOptions{}).WithContext(ctx)
	job, _, err := c.nomad.Jobs().Info(s.ID, q)
	if err != nil {
		return cached{}, fmt.Errorf("reading Nomad job %s: %w", s.ID, nettext.Explain(err))
	}
	status, _, err := c.nomad.Jobs().ScaleStatus(s.ID, q)
	if err != nil {
		return cached{}, fmt.Errorf("reading the scaling events of %s: %w", s.ID, nettext.Explain(err))
	}
	entry = cached{index: *job.JobModifyIndex, job: job, events: eventsOf(status)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs[s.ID] = entry
	return entry, nil
}

func (c *Client) forget(stubs []*api.JobListStub) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.jobs, func(name string, _ cached) bool {
		return !slices.ContainsFunc(stubs, func(s *api.JobListStub) bool { return s.ID == name })
	})
}

func newPool(entry cached) Pool {
	p := Pool{Name: *entry.job.ID, Namespace: namespaceOf(entry.job), Index: entry.index, Events: entry.events}
	wanted := 0
	for _, tg := range entry.job.TaskGroups {
		g := Group{Name: *tg.Name, Count: *tg.Count}
		if tg.Scaling == nil {
			p.Problem = fmt.Sprintf("group %s has no scaling block: apply the profile again", g.Name)
			continue
		}
		policy, ours, err := manifest.ParsePolicy(tg.Scaling.Policy)
		switch {
		case err != nil:
			p.Problem = err.Error()
		case !ours:
			p.Problem = fmt.Sprintf("group %s has no machinectl policy in its scaling block: apply the profile again", g.Name)
		}
		g.Policy = policy
		if policy.Wanted {
			wanted++
		}
		p.Groups = append(p.Groups, g)
	}
	if p.Problem == "" && wanted != 1 {
		p.Problem = fmt.Sprintf("%d groups are marked as wanted, there must be one: apply the profile again", wanted)
	}
	return p
}

// addMachines gives each group its allocations.
func addMachines(pools []Pool, allocs []*api.AllocationListStub, nodes map[string]string) {
	groups := map[string]*Group{}
	for i := range pools {
		for j := range pools[i].Groups {
			groups[pools[i].Name+"/"+pools[i].Groups[j].Name] = &pools[i].Groups[j]
		}
	}
	for _, a := range allocs {
		g := groups[a.JobID+"/"+a.TaskGroup]
		if g == nil {
			continue
		}
		ended := terminal(a.ClientStatus)
		if a.DesiredStatus != api.AllocDesiredStatusRun {
			if !ended {
				g.Stopping++
			}
			continue
		}
		if ended && a.NextAllocation != "" {
			continue // replaced
		}
		g.Machines = append(g.Machines, Machine{
			ID: a.ID, Index: indexOf(a.Name), Node: a.NodeName, Dead: ended, Since: time.Unix(0, a.CreateTime),
			Trouble: troubleOf(a), Moving: movingOf(a, nodes),
		})
	}
	for _, g := range groups {
		slices.SortFunc(g.Machines, func(a, b Machine) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID)) })
	}
}

func terminal(clientStatus string) bool {
	return clientStatus == api.AllocClientStatusComplete || clientStatus == api.AllocClientStatusFailed || clientStatus == api.AllocClientStatusLost
}

// indexOf returns the index in an allocation's name, such as "pool.group[3]", or −1 if there is none.
func indexOf(name string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(name[strings.LastIndexByte(name, '[')+1:], "]"))
	if err != nil {
		return -1
	}
	return n
}
