package fleet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/nettext"

	"github.com/emprops/machinectl/hcl/timetext"
)

// restartsAreTrouble is how many restarts of one task are considered a crash loop.
const restartsAreTrouble = 3

// troubleOf explains why an allocation doesn't become ready. It returns "" unless the allocation failed often enough.
func troubleOf(a *api.AllocationListStub) string {
	for _, name := range slices.Sorted(maps.Keys(a.TaskStates)) {
		t := a.TaskStates[name]
		if t.Failed {
			return fmt.Sprintf("task %s failed: %s", name, lastEvent(t))
		}
		if t.Restarts >= restartsAreTrouble {
			return fmt.Sprintf("task %s restarted %d times: %s", name, t.Restarts, lastEvent(t))
		}
	}
	if a.ClientStatus == api.AllocClientStatusFailed {
		return "the allocation failed: " + cmp.Or(a.ClientDescription, "no reason given")
	}
	if n := reschedules(a); n >= restartsAreTrouble {
		return fmt.Sprintf("replaced %d times after failures", n)
	}
	return ""
}

func reschedules(a *api.AllocationListStub) int {
	if a.RescheduleTracker == nil {
		return 0
	}
	return len(a.RescheduleTracker.Events)
}

// lastEvent returns Nomad's last message about a task that explains why it doesn't run.
func lastEvent(t *api.TaskState) string {
	for _, e := range slices.Backward(t.Events) {
		switch e.Type {
		case api.TaskTerminated, api.TaskDriverFailure, api.TaskSetupFailure, api.TaskFailedValidation, api.TaskArtifactDownloadFailed:
			// A driver runs as a plugin; that its words came by RPC is not news.
			text := timetext.Rewrite(strings.ReplaceAll(cmp.Or(e.DisplayMessage, e.Message, e.Type), "rpc error: code = Unknown desc = ", ""))
			return strings.TrimSuffix(text, ".")
		}
	}
	return "no reason given"
}

// placements sets why the groups of a pool with a blocked evaluation can't be placed.
func (c *Client) placements(ctx context.Context, p *Pool) error {
	evals, _, err := c.nomad.Jobs().Evaluations(p.Name, p.query(ctx))
	if err != nil {
		return fmt.Errorf("reading the evaluations of %s: %w", p.ID, nettext.Explain(err))
	}
	slices.SortFunc(evals, func(a, b *api.Evaluation) int { return cmp.Compare(b.CreateIndex, a.CreateIndex) })
	for i := range p.Groups {
		g := &p.Groups[i]
		for _, e := range evals {
			if m := e.FailedTGAllocs[g.Name]; m != nil {
				g.Blocked, g.Full = placementText(m)
				break
			}
			if e.Status == api.EvalStatusComplete && e.BlockedEval == "" && e.QueuedAllocations[g.Name] == 0 {
				break // a newer evaluation placed everything
			}
		}
	}
	return nil
}

// placementText explains why Nomad found no node. full reports whether occupied nodes are the reason.
func placementText(m *api.AllocationMetric) (text string, full bool) {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(m.ConstraintFiltered)) {
		parts = append(parts, fmt.Sprintf("%d of %d nodes don't meet the constraint: %s", m.ConstraintFiltered[reason], m.NodesInPool, reason))
	}
	for _, class := range slices.Sorted(maps.Keys(m.ClassFiltered)) {
		if len(parts) == 0 {
			parts = append(parts, fmt.Sprintf("%d nodes of class %s do not fit", m.ClassFiltered[class], class))
		}
	}
	for _, what := range slices.Sorted(maps.Keys(m.DimensionExhausted)) {
		parts = append(parts, fmt.Sprintf("%d of %d nodes are full: %s", m.DimensionExhausted[what], m.NodesInPool, what))
	}
	if len(m.QuotaExhausted) > 0 {
		parts = append(parts, "quota reached: "+strings.Join(m.QuotaExhausted, ", "))
	}
	if len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("none of %d nodes of node pool %q takes it", m.NodesInPool, m.NodePool))
	}
	return strings.Join(parts, "; "), m.NodesExhausted > 0 || len(m.QuotaExhausted) > 0
}
