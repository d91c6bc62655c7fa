package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Cancel cancels a job. A worker that runs it is told immediately through [Client.Cancels] and again with its next
// heartbeat. Cancelling a cancelled job succeeds; for any other ended job the error is [ErrFinal].
func (c *Client) Cancel(ctx context.Context, id, reason string) (*Job, error) {
	t, err := checkID(id)
	if err != nil {
		return nil, err
	}
	reply, err := c.evalAgain(ctx, "cancel", t, []string{c.keys.details(id)}, id, printable(reason), c.keys.cancels(""))
	if err != nil {
		return nil, err
	}
	if woken := texts(reply); len(woken) > 0 {
		c.wake(ctx, t, woken[1:])
	} else if err := verdictOf(id, text(reply)); err != nil {
		return nil, err
	}
	return c.Get(ctx, id)
}

// Requeue makes a failed, dead or cancelled job wait again, with all its attempts, at its original place.
func (c *Client) Requeue(ctx context.Context, id string) (*Job, error) {
	t, err := checkID(id)
	if err != nil {
		return nil, err
	}
	reply, err := c.eval(ctx, "requeue", t, []string{c.keys.details(id)}, id)
	if err != nil {
		return nil, err
	}
	switch text(reply) {
	case "missing":
		return nil, verdictOf(id, "missing")
	case "completed":
		return nil, fmt.Errorf("%w: %s is completed: submit it again instead", ErrFinal, id)
	case "active":
		return nil, &InvalidError{"id", id + " has not ended: only a failed, dead or cancelled job can be requeued"}
	}
	c.wake(ctx, t, texts(reply)[1:])
	if err := c.remap(ctx, t); err != nil {
		return nil, err
	}
	return c.Get(ctx, id)
}

// Cancels sends the ids of a machine's jobs as they are cancelled; see [API].
func (c *Client) Cancels(ctx context.Context, machine string) (<-chan string, error) {
	return subscribe(ctx, c.rdb.Subscribe(ctx, c.keys.cancels(machine)), c, func(m *redis.Message) (string, bool) { return m.Payload, true })
}

// InFlight counts the jobs a machine runs.
func (c *Client) InFlight(ctx context.Context, machine string) (int, error) {
	types, err := c.allTypes(ctx)
	if err != nil {
		return 0, err
	}
	total := 0
	for _, t := range types {
		n, err := c.rdb.HGet(ctx, c.keys.shard(t, "counts"), "m:"+machine).Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			return 0, c.wrap(ctx, err)
		}
		total += n
	}
	return total, nil
}

// checkID returns the job type in a job's id. The error is [ErrNotFound] for what can't be an id.
func checkID(id string) (string, error) {
	t := typeOf(id)
	if t == "" || len(id) > 128 || strings.ContainsFunc(t, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') }) {
		return "", fmt.Errorf("%w: %q is not a job id", ErrNotFound, printable(id))
	}
	return t, nil
}
