package plan

import (
	"cmp"
	"context"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// room describes why Nomad has not placed machines of a group. It returns "" if Nomad has placed them, or has not tried yet.
func (c *Cluster) room(ctx context.Context, pool, group string, at Place) (string, error) {
	evals, _, err := c.jobs.Evaluations(pool, at.query(ctx))
	if err != nil {
		return "", c.explain(pool, err)
	}
	slices.SortFunc(evals, func(a, b *nomad.Evaluation) int { return cmp.Compare(b.CreateIndex, a.CreateIndex) })
	for _, e := range evals {
		if m := e.FailedTGAllocs[group]; m != nil {
			return strings.Join(append(unfit(m, "the GPUs it requests"), exhausted(m)...), "; "), nil
		}
		if e.Status == nomad.EvalStatusComplete && e.BlockedEval == "" && e.QueuedAllocations[group] == 0 {
			return "", nil // a newer evaluation placed everything
		}
	}
	return "", nil
}
