package plan

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
)

// OrphanOptions configures [Orphans].
type OrphanOptions struct {
	Project string // the profile's project, or empty
	Prune   bool   // remove pools of the project
	Adopt   bool   // with Prune, also remove pools that belong to no project
}

// Orphans finds the pools that run in the namespaces of the given pools, but aren't among them. It returns those of the
// same project, which were removed from the profile, and those of no project, which may have been. It ignores pools of
// other projects.
func Orphans(ctx context.Context, c *Cluster, pools []*compiler.Pool, opts OrphanOptions) ([]*Pool, error) {
	known := map[Place]map[string]bool{}
	for _, pool := range pools {
		at := placeOf(pool.Job)
		if known[at] == nil {
			known[at] = map[string]bool{}
		}
		known[at][pool.Name] = true
	}
	var list []*Pool
	for at, names := range known {
		states, err := Pools(ctx, c, at)
		if err != nil {
			return nil, err
		}
		for _, s := range states {
			if names[s.Pool] || s.Project != "" && s.Project != opts.Project {
				continue
			}
			pool := &Pool{Name: s.Pool, Place: at, Action: Orphan, Owner: s.Project}
			if opts.Prune && (s.Project != "" || opts.Adopt) {
				pool.Action = Remove
			}
			if wanted := s.Wanted(); wanted != nil {
				pool.From = wanted.Revision
			}
			for _, g := range s.Groups {
				pool.Groups = append(pool.Groups, g.Group)
				pool.Running += g.Running
			}
			list = append(list, pool)
		}
	}
	slices.SortFunc(list, func(a, b *Pool) int { return cmp.Compare(a.Name, b.Name) })
	return list, nil
}

// remove stops a pool that was planned to be removed. It doesn't wait for the machines to end.
func (c *Cluster) remove(ctx context.Context, p *Pool) error {
	live, err := c.lookup(ctx, p.Name, p.Place)
	if err != nil {
		return c.explain(p.Name, err)
	}
	if !isRunning(live) {
		return nil
	}
	if !isOurs(live) {
		return &NotOursError{Pool: p.Name, Place: p.Place}
	}
	if owner := Owner(live); owner != p.Owner {
		return &ConflictError{Pool: p.Name, Moved: []string{fmt.Sprintf("it belonged to %s and now belongs to %s", projectWords(p.Owner), projectWords(owner))}}
	}
	if wanted := wantedOf(live); wanted != p.From {
		return &ConflictError{Pool: p.Name, Moved: []string{fmt.Sprintf("it was on revision %s, and now revision %s is the wanted one", orNone(p.From), orNone(wanted))}}
	}
	if _, _, err = c.planner.DeregisterOpts(p.Name, &nomad.DeregisterOptions{}, p.Place.write(ctx)); err != nil {
		return c.explain(p.Name, err)
	}
	return c.explain(p.Name, c.untag(ctx, p.Name, p.Place))
}

// wantedOf returns the wanted revision of a job, or "" if there is none.
func wantedOf(job *nomad.Job) string {
	for _, g := range job.TaskGroups {
		if policy, ours, err := policyOf(g); err == nil && ours && policy.Wanted {
			return policy.Revision
		}
	}
	return ""
}
