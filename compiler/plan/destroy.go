package plan

import (
	"context"
	"fmt"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// Destroy stops a pool's Nomad job and waits until its machines have ended. With purge, it then also removes the job from
// Nomad's state. Each machine's agent gets its grace; the jobs that it can't finish go back to the queue.
//
// owner is the project that the pool belonged to when it was read. If the owner has changed, Destroy returns a
// [ConflictError].
func Destroy(ctx context.Context, c *Cluster, pool string, at Place, owner string, purge bool) error {
	live, err := c.lookup(ctx, pool, at)
	if err != nil {
		return c.explain(pool, err)
	}
	if live == nil {
		return nil
	}
	if !isOurs(live) {
		return &NotOursError{Pool: pool, Place: at}
	}
	if now := Owner(live); now != owner {
		return &ConflictError{Pool: pool, Moved: []string{fmt.Sprintf("it belonged to %s and now belongs to %s", projectWords(owner), projectWords(now))}}
	}
	if _, _, err := c.planner.DeregisterOpts(pool, &nomad.DeregisterOptions{}, at.write(ctx)); err != nil {
		return c.explain(pool, err)
	}
	if err := c.waitEnded(ctx, pool, at); err != nil {
		return err
	}
	if !purge {
		return c.explain(pool, c.untag(ctx, pool, at))
	}
	_, _, err = c.planner.DeregisterOpts(pool, &nomad.DeregisterOptions{Purge: true}, at.write(ctx))
	return c.explain(pool, err)
}

// StoppingError reports that a pool was stopped, but its machines had not ended when ctx did.
type StoppingError struct {
	Pool    string
	Running int
}

func (e *StoppingError) Error() string {
	return fmt.Sprintf("pool %q is stopping, but %d of its machines have not ended yet; they will end without further action", e.Pool, e.Running)
}

func (c *Cluster) waitEnded(ctx context.Context, pool string, at Place) error {
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		allocs, _, err := c.jobs.Allocations(pool, true, at.query(ctx))
		if err != nil {
			return c.explain(pool, err)
		}
		running := 0
		for _, a := range allocs {
			switch a.ClientStatus {
			case nomad.AllocClientStatusRunning, nomad.AllocClientStatusPending:
				running++
			}
		}
		if running == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return &StoppingError{Pool: pool, Running: running}
		case <-tick.C:
		}
	}
}
