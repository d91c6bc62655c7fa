package plan

import (
	"context"
	"slices"

	nomad "github.com/hashicorp/nomad/api"
)

// trialJob is the id of the job that [Cluster.crowd] plans. It is never registered.
const trialJob = "machinectl-plan"

// crowd finds pools that Nomad has room for one by one, but not together. A plan concerns one job, so crowd plans a job
// whose groups are what all pools would place. It leaves out pools that move to a new revision, because their machines
// take the places of the old ones.
func (c *Cluster) crowd(ctx context.Context, p *Plan) error {
	together := map[Place][]*Pool{}
	for _, pool := range p.Pools {
		if pool.placed > 0 && len(pool.Infeasible) == 0 && (pool.From == pool.To || pool.Action == Create) {
			together[pool.Place] = append(together[pool.Place], pool)
		}
	}
	for _, pools := range together {
		if len(pools) < 2 {
			continue
		}
		trial, crowd := trialOfAll(pools)
		answer, _, err := c.planner.PlanOpts(trial, &nomad.PlanOptions{}, pools[0].Place.write(ctx))
		if err != nil {
			return c.explain(pools[0].Name, err)
		}
		crowd.For = crowd.Of
		for _, group := range trial.TaskGroups {
			metric := answer.FailedTGAllocs[*group.Name]
			if metric == nil {
				continue
			}
			crowd.For -= metric.CoalescedFailures + 1
			crowd.Why = append(crowd.Why, append(unfit(metric, devicesOf(trial, *group.Name)), exhausted(metric)...)...)
		}
		if crowd.For < crowd.Of {
			slices.Sort(crowd.Why)
			crowd.Why = slices.Compact(crowd.Why)
			p.Crowded = append(p.Crowded, crowd)
		}
	}
	return nil
}

// trialOfAll returns a job with one group for what each of the pools would place.
func trialOfAll(pools []*Pool) (*nomad.Job, Crowd) {
	trial := *pools[0].job
	trial.ID, trial.Name, trial.TaskGroups = new(trialJob), new(trialJob), nil
	var crowd Crowd
	for _, pool := range pools {
		i := slices.IndexFunc(pool.Groups, func(g Group) bool { return g.Wanted })
		group := *pool.job.LookupTaskGroup(pool.Groups[i].Name)
		group.Name, group.Count, group.Scaling = new(pool.Name), new(pool.placed), nil
		trial.TaskGroups = append(trial.TaskGroups, &group)
		crowd.Pools = append(crowd.Pools, pool.Name)
		crowd.Of += pool.placed
	}
	return &trial, crowd
}
