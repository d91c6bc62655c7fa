package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// feasibility finds out whether Nomad has room for what a planned pool requests: its minimum, or its wanted group's count
// if that is higher. A plan only tries what it would place itself. What the dispatcher would place later, because of a
// raised minimum or a new revision, is tried in a separate plan without the groups that are no longer wanted. For a pool
// that may be empty, feasibility tries one machine, and reports it only if no node could ever hold it.
func (c *Cluster) feasibility(ctx context.Context, p *Pool, group string, answer *nomad.JobPlanResponse) error {
	asked := max(deref(p.job.LookupTaskGroup(group).Count), p.Minimum)
	trial := trialOf(p.job, group, max(asked, 1))
	if trial != nil {
		var err error
		if answer, _, err = c.planner.PlanOpts(trial, &nomad.PlanOptions{}, p.Place.write(ctx)); err != nil {
			return err
		}
	}
	if answer.Annotations != nil && answer.Annotations.DesiredTGUpdates[group] != nil {
		p.placed = min(int(answer.Annotations.DesiredTGUpdates[group].Place), asked)
	}
	metric := answer.FailedTGAllocs[group]
	if metric == nil || asked == 0 && metric.NodesEvaluated > metric.NodesFiltered {
		return nil
	}
	p.Infeasible = append(unfit(metric, devicesOf(p.job, group)), exhausted(metric)...)
	if asked > 0 {
		p.Room = &Room{For: max(0, asked-metric.CoalescedFailures-1), Of: asked}
	}
	return nil
}

// trialOf returns the job with count machines in one group and none in the others, or nil if the job is already like that.
func trialOf(job *nomad.Job, group string, count int) *nomad.Job {
	trial, same := *job, true
	trial.TaskGroups = nil
	for _, g := range job.TaskGroups {
		tried, n := *g, 0
		if *g.Name == group {
			n = count
		}
		same = same && n == deref(g.Count)
		tried.Count = &n
		trial.TaskGroups = append(trial.TaskGroups, &tried)
	}
	if same {
		return nil
	}
	return &trial
}

// unfit describes why nodes were filtered out.
func unfit(m *nomad.AllocationMetric, devices string) []string {
	if m.NodesEvaluated == 0 {
		return []string{"no node is ready in the cluster"}
	}
	var reasons []string
	for _, why := range slices.Sorted(maps.Keys(m.ConstraintFiltered)) {
		of := nodes(m.ConstraintFiltered[why], m.NodesEvaluated)
		switch {
		case why == "missing devices":
			reasons = append(reasons, of+" lack "+devices)
		case why == "missing drivers":
			reasons = append(reasons, of+" lack the task driver")
		case why == "computed class ineligible":
			reasons = append(reasons, of+" are of a class already found unfit")
		case strings.HasPrefix(why, "missing "):
			reasons = append(reasons, of+" lack "+strings.TrimPrefix(why, "missing "))
		default:
			reasons = append(reasons, of+" don't meet "+why)
		}
	}
	return reasons
}

// exhausted describes why nodes that would fit have no room.
func exhausted(m *nomad.AllocationMetric) []string {
	var reasons []string
	for _, what := range slices.Sorted(maps.Keys(m.DimensionExhausted)) {
		of := nodes(m.DimensionExhausted[what], m.NodesEvaluated)
		if strings.HasPrefix(what, "devices") {
			reasons = append(reasons, of+" have no free GPU that matches")
		} else {
			reasons = append(reasons, of+" have too little "+what+" left")
		}
	}
	return reasons
}

func nodes(n, of int) string {
	return fmt.Sprintf("%d of %d nodes", n, of)
}

// devicesOf describes the GPUs that a group requests.
func devicesOf(job *nomad.Job, group string) string {
	var parts []string
	for _, task := range job.LookupTaskGroup(group).Tasks {
		for _, d := range task.Resources.Devices {
			part := d.Name
			var conditions []string
			for _, c := range d.Constraints {
				name := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(c.LTarget, "${device."), "attr."), "}")
				conditions = append(conditions, strings.TrimSpace(name+" "+c.Operand+" "+c.RTarget))
			}
			if len(conditions) > 0 {
				part += " with " + strings.Join(conditions, ", ")
			}
			parts = append(parts, part)
		}
	}
	if len(parts) > 1 && len(slices.Compact(slices.Clone(parts))) == 1 {
		return fmt.Sprintf("%d × %s", len(parts), parts[0])
	}
	return strings.Join(parts, "; ")
}
