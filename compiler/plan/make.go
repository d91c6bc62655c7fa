package plan

import (
	"context"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
	"golang.org/x/sync/errgroup"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/manifest"
)

// concurrency limits how many pools are planned concurrently, so that a large profile doesn't overload the servers.
const concurrency = 8

// MakeOptions configures [Make].
type MakeOptions struct {
	// Adopt takes over pools that belong to other projects.
	Adopt bool
}

// Make plans every pool. The error joins the errors of all pools; the plan then contains the other pools.
func Make(ctx context.Context, c *Cluster, pools []*compiler.Pool, opts MakeOptions) (*Plan, error) {
	planned := make([]*Pool, len(pools))
	errs := make([]error, len(pools))
	var g errgroup.Group
	g.SetLimit(concurrency)
	for i, pool := range pools {
		g.Go(func() error {
			planned[i], errs[i] = c.plan(ctx, pool, opts.Adopt)
			return nil
		})
	}
	_ = g.Wait() // each pool's error is in errs
	p := &Plan{Pools: slices.DeleteFunc(planned, func(p *Pool) bool { return p == nil })}
	if err := Joined(errs); err != nil {
		return p, err
	}
	return p, c.crowd(ctx, p)
}

func (c *Cluster) plan(ctx context.Context, pool *compiler.Pool, adopt bool) (*Pool, error) {
	at := placeOf(pool.Job)
	live, err := c.lookup(ctx, pool.Name, at)
	if err != nil {
		return nil, c.explain(pool.Name, err)
	}
	t, err := makeTarget(pool, live)
	if err != nil {
		return nil, err
	}
	if isRunning(live) && !adopt {
		if err := checkOwner(pool.Name, at, t.owner, pool.Policy.Project, "rename the pool, or take it over with -adopt"); err != nil {
			return nil, err
		}
	}
	answer, _, err := c.planner.PlanOpts(t.job, &nomad.PlanOptions{Diff: true}, at.write(ctx))
	if err != nil {
		return nil, c.explain(pool.Name, err)
	}
	out := &Pool{
		Name: pool.Name, Place: at, Project: pool.Policy.Project, Owner: t.owner, To: pool.Revision, Groups: t.groups,
		Index: answer.JobModifyIndex, Diff: prune(answer.Diff), Warnings: c.foreign.texts(warnings(answer.Warnings)),
		NomadSet: pool.NomadSet, Minimum: pool.Policy.Min, job: t.job, policy: pool.Policy,
	}
	out.compare(t, pool, live)
	if out.Ready, err = c.ready(ctx, live, out, *pool.Group().Name); err != nil {
		return nil, err
	}
	if answer.Annotations != nil {
		for _, u := range answer.Annotations.DesiredTGUpdates {
			out.Replaced += int(u.DestructiveUpdate)
		}
	}
	if err := c.feasibility(ctx, out, *pool.Group().Name, answer); err != nil {
		return nil, c.explain(pool.Name, err)
	}
	out.Infeasible = c.foreign.texts(out.Infeasible)
	return out, nil
}

// ready counts the machines that are ready in a live job's group.
func (c *Cluster) ready(ctx context.Context, live *nomad.Job, p *Pool, group string) (int, error) {
	if !isRunning(live) || live.LookupTaskGroup(group) == nil || p.Minimum == 0 {
		return 0, nil
	}
	state, err := c.read(ctx, live, p.Place)
	if err != nil {
		return 0, err
	}
	for _, g := range state.Groups {
		if g.Name == group {
			return g.Ready, nil
		}
	}
	return 0, nil
}

// compare sets the action and the changes.
func (p *Pool) compare(t target, pool *compiler.Pool, live *nomad.Job) {
	hideJobs(live, t.job).diff(p.Diff)
	if !isRunning(live) {
		p.Action = Create
		return
	}
	var before manifest.Policy
	if t.before != nil {
		before, _, _ = policyOf(t.before) // read without error in makeTarget
		p.From = before.Revision
		p.Changes = groupChanges(t.before, pool.Group(), hide([]manifest.Policy{before, pool.Policy}))
	}
	p.Changes = append(policyChanges(before, pool.Policy), p.Changes...)
	p.Changes = append(p.Changes, jobChanges(live, pool.Job)...)
	switch {
	case p.Diff == nil:
		p.Action, p.Changes = Nothing, nil
	case p.From != p.To:
		p.Action = Revise
		if pool.Source != nil {
			p.Recompiled = recompiled(before, pool.Policy)
		}
	case touches(p.Diff, *pool.Group().Name):
		p.Action = Repair
	default:
		p.Action = Settings
	}
}

// touches reports whether a group's diff contains more than its scaling block.
func touches(diff *nomad.JobDiff, group string) bool {
	for _, g := range diff.TaskGroups {
		if g.Name != group {
			continue
		}
		if len(g.Fields) > 0 || len(g.Tasks) > 0 {
			return true
		}
		for _, o := range g.Objects {
			if o.Name != "Scaling" {
				return true
			}
		}
	}
	return false
}

// warnings splits Nomad's text into lines, without its heading.
func warnings(text string) []string {
	var list []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if item, ok := strings.CutPrefix(line, "* "); ok {
			list = append(list, item)
		} else if line != "" && !strings.HasSuffix(line, "warnings:") && !strings.HasSuffix(line, "warning:") {
			list = append(list, line)
		}
	}
	return list
}
