package plan

import (
	"context"
	"slices"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
)

// working returns the newest revision of a pool, except present, that is known to have worked: one of its machines is
// ready, or ran without a failure for a while. It returns "" if there is none, or if Nomad doesn't answer.
func (c *Cluster) working(ctx context.Context, pool, present string, at Place) string {
	versions, err := c.versions(ctx, pool, at)
	if err != nil {
		return ""
	}
	allocs, _, err := c.jobs.Allocations(pool, true, at.query(ctx))
	if err != nil {
		return ""
	}
	tried := []string{present}
	for _, v := range versions {
		group, policy := wantedGroup(v)
		if group == nil || slices.Contains(tried, policy.Revision) {
			continue
		}
		tried = append(tried, policy.Revision)
		for _, a := range allocs {
			if a.TaskGroup == *group.Name && c.worked(ctx, a, group, at) {
				return policy.Revision
			}
		}
	}
	return ""
}

// worked reports whether a machine is ready, or had all its tasks running for a while.
func (c *Cluster) worked(ctx context.Context, a *nomad.AllocationListStub, group *nomad.TaskGroup, at Place) bool {
	if a.ClientStatus == nomad.AllocClientStatusRunning {
		m, err := c.machine(ctx, a, group, at)
		return err == nil && m.State == Ready && m.Failing == nil
	}
	if a.ClientStatus != nomad.AllocClientStatusComplete {
		return false
	}
	for name, task := range a.TaskStates {
		ran := task.FinishedAt.Sub(task.StartedAt)
		if task.Failed || task.Restarts > 0 || name != manifest.TaskSetup && (task.StartedAt.IsZero() || ran < settleTime) {
			return false
		}
	}
	return len(a.TaskStates) > 0
}

// patience is how long Nomad may fail to answer before [Wait] gives up, so that replacing a server doesn't end it.
const patience = 20 * time.Second
