package queue

import (
	"context"
	"fmt"
)

// Forfeit gives up as lost every lease that a machine still has from an earlier run. An agent calls it when it starts,
// before its first claim. Without it the jobs of a crashed agent wait until their leases pass, although the process that ran
// them is known to be gone. It returns the number of leases. [Client.Reap] requeues what can't be requeued now.
func (c *Client) Forfeit(ctx context.Context, machine string) (int, error) {
	types, err := c.allTypes(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, t := range types {
		reply, err := c.eval(ctx, "forfeit", t, nil, machine)
		if err != nil {
			return total, err
		}
		n := int(number(at(reply, 0)))
		if n == 0 {
			continue
		}
		total += n
		now, err := c.nowAt(ctx, t)
		if err != nil {
			return total, err
		}
		pass := reapPass{c: c, jobType: t, now: now, limit: n, out: &ReapResult{}}
		if err := pass.expire(ctx); err != nil {
			return total, fmt.Errorf("giving back the leases of machine %s: %w", machine, err)
		}
	}
	return total, nil
}
