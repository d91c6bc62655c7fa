package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"

	"github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"

	"github.com/emprops/machinectl/nettext"
)

// Client reads and changes the pools of the namespaces and regions that it is configured for.
type Client struct {
	nomad *api.Client
	where Where
	log   *slog.Logger

	mu        sync.Mutex
	home      string                    // name of the region of the Nomad agent that answers, once known
	jobs      map[ID]cached             // by pool
	last      map[place]map[string]Pool // the pools of each namespace as last read
	nodesOnce sync.Once                 // logs only once that nodes can't be listed
}

// place is a namespace of a region.
type place struct{ region, namespace string }

// cached is what stays the same as long as the job's modify index does.
type cached struct {
	index  uint64
	job    *api.Job
	events []Event
}

// New returns a client that uses the given Nomad client for the given places.
func New(nomad *api.Client, where Where, log *slog.Logger) *Client {
	return &Client{nomad: nomad, where: where, log: log, jobs: map[ID]cached{}, last: map[place]map[string]Pool{}}
}

// reads bounds the concurrent requests to Nomad for one region.
const reads = 8

// Reading is what Nomad answered about all pools.
type Reading struct {
	// Pools are sorted by region, namespace and name. A pool of a place that can't be read now is as it was last read, with
	// a Problem.
	Pools []Pool
	// Unread are the places that can't be read now.
	Unread []Unread
}

// Unread is a place whose pools can't be read.
type Unread struct {
	Region    string   `json:"region,omitempty"`
	Namespace string   `json:"namespace"`       // "*" for all namespaces of the region
	Pools     []string `json:"pools,omitempty"` // the full names of those that are known
	Why       string   `json:"why"`
}

// Read reads all pools. A place that can't be read doesn't keep the others from being read; Read fails only if none can.
func (c *Client) Read(ctx context.Context) (Reading, error) {
	regions, err := c.regions(ctx)
	if err != nil {
		return Reading{}, err
	}
	parts := make([]Reading, len(regions))
	failed := make([]error, len(regions))
	var group errgroup.Group
	for i, region := range regions {
		group.Go(func() error { parts[i], failed[i] = c.region(ctx, region); return nil })
	}
	_ = group.Wait() // the errors are in failed
	if !slices.Contains(failed, nil) {
		return Reading{}, errors.Join(failed...)
	}
	var out Reading
	for i, region := range regions {
		if failed[i] != nil {
			parts[i] = c.lost(region, All, failed[i].Error())
		}
		out.Pools, out.Unread = append(out.Pools, parts[i].Pools...), append(out.Unread, parts[i].Unread...)
	}
	slices.SortFunc(out.Pools, func(a, b Pool) int { return compareIDs(a.ID, b.ID) })
	slices.SortFunc(out.Unread, func(a, b Unread) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Namespace, b.Namespace))
	})
	return out, nil
}

func compareIDs(a, b ID) int {
	return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

// lost returns the pools of a place as they were last read, each with the reason why it can't be read now.
func (c *Client) lost(region, namespace, why string) Reading {
	region = c.nameOf(region)
	u := Unread{Region: region, Namespace: namespace, Why: why}
	var out Reading
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, pools := range c.last {
		if at.region != region || namespace != All && at.namespace != namespace {
			continue
		}
		for _, p := range pools {
			p.Problem = "Nomad can't be read: " + why
			out.Pools = append(out.Pools, p)
			u.Pools = append(u.Pools, p.String())
		}
	}
	slices.Sort(u.Pools)
	out.Unread = []Unread{u}
	return out
}

// region reads one region. It fails if none of its namespaces can be read.
func (c *Client) region(ctx context.Context, region string) (Reading, error) {
	found, unread, err := c.find(ctx, region)
	if err != nil {
		return Reading{}, err
	}
	var out Reading
	for namespace, why := range unread {
		lost := c.lost(region, namespace, why)
		out.Pools, out.Unread = append(out.Pools, lost.Pools...), append(out.Unread, lost.Unread...)
	}
	if len(found) == 0 {
		return out, nil
	}
	moving, nodes, err := c.nodes((&api.QueryOptions{Region: region}).WithContext(ctx))
	if err != nil {
		return Reading{}, err
	}
	var mu sync.Mutex
	var failed error
	read := 0
	var group errgroup.Group
	group.SetLimit(reads)
	for namespace, stubs := range found {
		group.Go(func() error {
			pools, err := c.namespace(ctx, place{region, namespace}, stubs, moving)
			part := Reading{Pools: pools}
			if err != nil {
				part = c.lost(region, namespace, whyNot(err))
			}
			for i := range part.Pools {
				part.Pools[i].Nodes = nodes
			}
			mu.Lock()
			defer mu.Unlock()
			if failed = errors.Join(failed, err); err == nil {
				read++
			}
			out.Pools, out.Unread = append(out.Pools, part.Pools...), append(out.Unread, part.Unread...)
			return nil
		})
	}
	_ = group.Wait() // the errors are in failed
	if read == 0 {
		return Reading{}, failed
	}
	return out, nil
}

// find lists the pools' jobs of a region by namespace, and why namespaces can't be listed. A namespace without pools is in
// neither. It fails if no namespace can be listed.
func (c *Client) find(ctx context.Context, region string) (found map[string][]*api.JobListStub, unread map[string]string, err error) {
	found, unread = map[string][]*api.JobListStub{}, map[string]string{}
	names := c.where.Namespaces
	if c.where.all() {
		stubs, err := c.list(ctx, region, All)
		if err != nil {
			return nil, nil, err
		}
		found = byNamespace(stubs)
		names = c.known(region, found) // a token that may no longer read a namespace gets no error here
	}
	var failed error
	for _, name := range names {
		stubs, err := c.list(ctx, region, name)
		failed = errors.Join(failed, err)
		switch {
		case err != nil:
			unread[name] = whyNot(err)
		case len(stubs) > 0:
			found[name] = stubs
		default:
			c.remember(place{c.nameOf(region), name}, nil)
			if why := c.absent(ctx, region, name); why != "" && !c.where.all() {
				unread[name] = why
			}
		}
	}
	if !c.where.all() && len(unread) == len(names) && failed != nil {
		return nil, nil, failed
	}
	return found, unread, nil
}

// whyNot returns an error of Nomad, and what a missing permission means.
func whyNot(err error) string {
	var status api.UnexpectedResponseError
	if errors.As(err, &status) && status.StatusCode() == http.StatusForbidden {
		return "the Nomad token may not read this namespace: it needs list-jobs and read-job; `machinectl acl dispatcher` prints the policy"
	}
	return err.Error()
}

// known returns the namespaces of a region that had pools when they were last read and are not listed now.
func (c *Client) known(region string, listed map[string][]*api.JobListStub) []string {
	region = c.nameOf(region)
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for at := range c.last {
		if at.region == region && listed[at.namespace] == nil {
			names = append(names, at.namespace)
		}
	}
	slices.Sort(names)
	return names
}

// namespace reads the pools of one namespace.
func (c *Client) namespace(ctx context.Context, at place, stubs []*api.JobListStub, moving map[string]string) ([]Pool, error) {
	q := (&api.QueryOptions{Region: at.region, Namespace: at.namespace}).WithContext(ctx)
	allocs, _, err := c.nomad.Allocations().List(q)
	if err != nil {
		return nil, fmt.Errorf("listing the Nomad allocations of namespace %s: %w", at.namespace, nettext.Explain(err))
	}
	blocked, _, err := c.nomad.Evaluations().List((&api.QueryOptions{Region: at.region, Namespace: at.namespace, Filter: `Status == "blocked"`}).WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("listing Nomad's blocked evaluations of namespace %s: %w", at.namespace, nettext.Explain(err))
	}
	pools := make([]Pool, len(stubs))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(reads)
	for i, s := range stubs {
		group.Go(func() error {
			entry, err := c.job(ctx, at, s)
			if err != nil {
				return err
			}
			pools[i] = newPool(entry, at.region)
			if slices.ContainsFunc(blocked, func(e *api.Evaluation) bool { return e.JobID == s.ID }) {
				return c.placements(ctx, &pools[i])
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	addMachines(pools, allocs, moving)
	if at.region == "" {
		c.learnHome(pools[0].Region)
	}
	c.remember(place{pools[0].Region, at.namespace}, pools)
	return pools, nil
}

// job returns the job and its scaling events. It reads them from Nomad only if they may have changed.
func (c *Client) job(ctx context.Context, at place, s *api.JobListStub) (cached, error) {
	key := ID{at.region, at.namespace, s.ID}
	c.mu.Lock()
	entry, ok := c.jobs[key]
	c.mu.Unlock()
	if ok && entry.index == s.JobModifyIndex {
		return entry, nil
	}
	q := (&api.QueryOptions{Region: at.region, Namespace: at.namespace}).WithContext(ctx)
	job, _, err := c.nomad.Jobs().Info(s.ID, q)
	if err != nil {
		return cached{}, fmt.Errorf("reading Nomad job %s of namespace %s: %w", s.ID, at.namespace, nettext.Explain(err))
	}
	status, _, err := c.nomad.Jobs().ScaleStatus(s.ID, q)
	if err != nil {
		return cached{}, fmt.Errorf("reading the scaling events of %s in namespace %s: %w", s.ID, at.namespace, nettext.Explain(err))
	}
	entry = cached{index: *job.JobModifyIndex, job: job, events: eventsOf(status)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jobs[key] = entry
	return entry, nil
}

// remember keeps the pools of a place for when it can't be read, and forgets those that are gone.
func (c *Client) remember(at place, pools []Pool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := map[string]Pool{}
	for _, p := range pools {
		now[p.Name] = p
	}
	maps.DeleteFunc(c.jobs, func(id ID, _ cached) bool {
		_, present := now[id.Name]
		return (id.Region == at.region || id.Region == "") && id.Namespace == at.namespace && !present
	})
	if delete(c.last, at); len(now) > 0 {
		c.last[at] = now
	}
}
