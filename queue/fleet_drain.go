package queue

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A machine has two drains, the dispatcher's and the operator's, which end independently: a resize that is cancelled must not
// put a machine back to work that an operator is examining. A claim respects both. Each is stored twice: in a key of its own,
// which expires and from which workers that register later copy it, and in every shard's ctl, which claims read.

// The fields of ctl that hold drains, with the machine's id after them.
const (
	drainField         = "d:"
	operatorDrainField = "p:"
)

// Drain makes every claim of this machine return no jobs; see [API].
func (c *Client) Drain(ctx context.Context, machine, reason string, ttl time.Duration) error {
	_, err := c.drain(ctx, c.keys.fleetDrain(machine), drainField+machine, reason, ttl)
	return err
}

// Undrain ends the dispatcher's drain.
func (c *Client) Undrain(ctx context.Context, machine string) error {
	return c.undrain(ctx, c.keys.fleetDrain(machine), drainField+machine)
}

// DrainFor drains a machine for an operator; see [API].
func (c *Client) DrainFor(ctx context.Context, machine, reason string, d time.Duration) (*OperatorDrain, error) {
	return c.drain(ctx, c.keys.operatorDrain(machine), operatorDrainField+machine, reason, d)
}

// EndDrain ends the operator drain.
func (c *Client) EndDrain(ctx context.Context, machine string) error {
	return c.undrain(ctx, c.keys.operatorDrain(machine), operatorDrainField+machine)
}

// OperatorDrain returns a machine's operator drain; see [API].
func (c *Client) OperatorDrain(ctx context.Context, machine string) (*OperatorDrain, error) {
	now, err := c.Now(ctx)
	if err != nil {
		return nil, err
	}
	value, err := c.rdb.Get(ctx, c.keys.operatorDrain(machine)).Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, c.wrap(ctx, err)
	}
	d, _ := parseDrain(value, now)
	return d, nil
}

func (c *Client) drain(ctx context.Context, key, field, reason string, ttl time.Duration) (*OperatorDrain, error) {
	if ttl < time.Millisecond {
		return nil, &InvalidError{"ttl", "must be at least 1ms: a drain lapses by itself"}
	}
	now, err := c.Now(ctx)
	if err != nil {
		return nil, err
	}
	d := &OperatorDrain{Reason: orElse(printable(reason), "draining"), Until: now.Add(ttl)}
	if err := c.rdb.Set(ctx, key, drainValue(d.Until, d.Reason), ttl).Err(); err != nil {
		return nil, c.wrap(ctx, err)
	}
	types, err := c.allTypes(ctx)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		now, err := c.nowAt(ctx, t)
		if err != nil {
			return nil, err
		}
		if err := c.rdb.HSet(ctx, c.keys.shard(t, "ctl"), field, drainValue(now.Add(ttl), d.Reason)).Err(); err != nil {
			return nil, c.wrap(ctx, err)
		}
	}
	return d, nil
}

func (c *Client) undrain(ctx context.Context, key, field string) error {
	types, err := c.allTypes(ctx)
	if err != nil {
		return err
	}
	_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Del(ctx, key)
		for _, t := range types {
			p.HDel(ctx, c.keys.shard(t, "ctl"), field)
		}
		return nil
	})
	return c.wrap(ctx, err)
}

// drainValue returns a drain in the form that the scripts read.
func drainValue(until time.Time, reason string) string {
	return strconv.FormatInt(until.UnixMilli(), 10) + "\t" + reason
}

// parseDrain reads what drainValue wrote. It returns false for a drain that has ended.
func parseDrain(value string, now time.Time) (*OperatorDrain, bool) {
	until, reason, _ := strings.Cut(value, "\t")
	ms := parseMillis(until)
	if ms <= now.UnixMilli() {
		return nil, false
	}
	return &OperatorDrain{Reason: reason, Until: fromMillis(ms)}, true
}

// copyDrains copies a machine's drains into a type's shard, where claims read them.
func (c *Client) copyDrains(ctx context.Context, machine, jobType string) error {
	for field, key := range map[string]string{drainField: c.keys.fleetDrain(machine), operatorDrainField: c.keys.operatorDrain(machine)} {
		var value *redis.StringCmd
		var left *redis.DurationCmd
		_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
			value, left = p.Get(ctx, key), p.PTTL(ctx, key)
			return nil
		})
		switch {
		case errors.Is(err, redis.Nil):
			continue
		case err != nil:
			return c.wrap(ctx, err)
		case left.Val() <= 0:
			continue
		}
		now, err := c.nowAt(ctx, jobType)
		if err != nil {
			return err
		}
		_, reason, _ := strings.Cut(value.Val(), "\t")
		if err := c.rdb.HSet(ctx, c.keys.shard(jobType, "ctl"), field+machine, drainValue(now.Add(left.Val()), reason)).Err(); err != nil {
			return c.wrap(ctx, err)
		}
	}
	return c.forgetEnded(ctx, machine, jobType)
}

// forgetEnded removes the copy of an operator drain that was ended while it was copied; otherwise it would last for long.
func (c *Client) forgetEnded(ctx context.Context, machine, jobType string) error {
	n, err := c.rdb.Exists(ctx, c.keys.operatorDrain(machine)).Result()
	if err != nil || n > 0 {
		return c.wrap(ctx, err)
	}
	return c.wrap(ctx, c.rdb.HDel(ctx, c.keys.shard(jobType, "ctl"), operatorDrainField+machine).Err())
}

// addDrains adds the operator drains to the machines' reports.
func (c *Client) addDrains(ctx context.Context, machines []Machine, now time.Time) error {
	if len(machines) == 0 {
		return nil
	}
	names := make([]string, len(machines))
	for i, m := range machines {
		names[i] = c.keys.operatorDrain(m.ID)
	}
	values, err := c.rdb.MGet(ctx, names...).Result()
	if err != nil {
		return c.wrap(ctx, err)
	}
	for i, v := range values {
		machines[i].Drain, _ = parseDrain(text(v), now)
	}
	return nil
}
