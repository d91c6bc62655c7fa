package queue

import (
	"context"
	"time"
)

// Lead makes holder the leader of a task among several programs for ttl if there is no other leader; repeating it renews the
// lease. It returns the leader, which is holder or the name that another program gave. The lease keeps work from being done
// twice, but it is not a fence: the leader must finish what it does well before ttl has passed.
func (c *Client) Lead(ctx context.Context, task, holder string, ttl time.Duration) (leader string, err error) {
	reply, err := c.evalAgain(ctx, "lead", noType, []string{c.keys.lead(task)}, holder, ttl.Milliseconds())
	return text(reply), err
}

// Resign gives up the leadership if holder has it.
func (c *Client) Resign(ctx context.Context, task, holder string) error {
	_, err := c.evalAgain(ctx, "resign", noType, []string{c.keys.lead(task)}, holder)
	return err
}
