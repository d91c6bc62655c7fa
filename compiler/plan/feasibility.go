package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// feasibility says in plain words why Nomad could not place machines of a group. A plan only tries what it would place;
// for a group that starts at 0, a machine is tried in a plan of its own, and only what no node could ever hold is
// reported: what is merely full may be freed by the group it replaces.
func (c *Cluster) feasibility(ctx context.Context, job *nomad.Job, group string, answer *nomad.JobPlanResponse) ([]string, error) {
	failed, full := answer.FailedTGAllocs, true
	if at := slices.IndexFunc(job.TaskGroups, func(g *nomad.TaskGroup) bool { return *g.Name == group }); *job.TaskGroups[at].Count == 0 {
		trial := *job
		trial.TaskGroups = slices.Clone(job.TaskGroups)
		one := *job.TaskGroups[at]
		one.Count = new(1)
		trial.TaskGroups[at] = &one
		tried, _, err := c.planner.PlanOpts(&trial, &nomad.PlanOptions{}, placeOf(job).write(ctx))
		if err != nil {
			return nil, err
		}
		failed, full = tried.FailedTGAllocs, false
	}
	metric := failed[group]
	if metric == nil {
		return nil, nil
	}
	reasons := unfit(metric, devicesOf(job, group))
	if full {
		reasons = append(reasons, exhausted(metric)...)
	} else if metric.NodesEvaluated > metric.NodesFiltered {
		return nil, nil
	}
	return reasons, nil
}

// unfit words the nodes that were filtered out.
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
			reasons = append(reasons, of+" are of a kind already found unfit")
		case strings.HasPrefix(why, "missing "):
			reasons = append(reasons, of+" lack "+strings.TrimPrefix(why, "missing "))
		default:
			reasons = append(reasons, of+" don't meet "+why)
		}
	}
	return reasons
}

// exhausted words the nodes that would fit but have no room.
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

// devicesOf describes what GPUs a group asks for.
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
