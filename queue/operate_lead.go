package queue

import (
	"context"
	"time"
)

// Lead makes holder the leader of a task among several programs, for ttl, where nobody else is; repeating it renews. It
// returns who leads: holder, or what the other one called itself. It is a guard against doing things twice, not a fence: what
// the leader does must be done well before ttl has passed.
func (c *Client) Lead(ctx context.Context, task, holder string, ttl time.Duration) (leader string, err error) {
	reply, err := c.evalAgain(ctx, "lead", noType, []string{c.keys.lead(task)}, holder, ttl.Milliseconds())
	return text(reply), err
}

// Resign gives the leadership up, if holder has it.
func (c *Client) Resign(ctx context.Context, task, holder string) error {
	_, err := c.evalAgain(ctx, "resign", noType, []string{c.keys.lead(task)}, holder)
	return err
}
