package queue

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// ReportMachine stores a machine's report for [MachineTTL] and publishes it on the channel "machine:status". It sets At.
func (c *Client) ReportMachine(ctx context.Context, m Machine) error {
	if problem := checkText(m.ID, maxName); problem != "" || m.ID == "" {
		return &InvalidError{"machine.id", orElse(problem, "is missing")}
	}
	c.mu.Lock()
	c.reports[m.ID] = m
	c.mu.Unlock()
	now, err := c.Now(ctx)
	if err != nil {
		return err
	}
	m.At, m.Drain = now, nil
	b, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("queue: machine report: %w", err)
	}
	_, err = c.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HSet(ctx, c.keys.machines(), m.ID, b)
		p.ZAdd(ctx, c.keys.machinesTill(), redis.Z{Score: float64(now.Add(MachineTTL).UnixMilli()), Member: m.ID})
		return nil
	})
	if err != nil {
		return c.wrap(ctx, err)
	}
	return c.wrap(ctx, c.rdb.Publish(ctx, c.keys.status(), b).Err())
}

// RemoveMachine removes a machine's report and publishes that it is gone.
func (c *Client) RemoveMachine(ctx context.Context, id string) error {
	c.mu.Lock()
	delete(c.reports, id)
	c.mu.Unlock()
	_, err := c.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, c.keys.machines(), id)
		p.ZRem(ctx, c.keys.machinesTill(), id)
		return nil
	})
	if err != nil {
		return c.wrap(ctx, err)
	}
	b, err := json.Marshal(Machine{ID: id, State: MachineGone})
	if err != nil {
		return fmt.Errorf("queue: machine report: %w", err)
	}
	return c.wrap(ctx, c.rdb.Publish(ctx, c.keys.status(), b).Err())
}

// Machines lists the machines that reported within [MachineTTL], by pool, index and id.
func (c *Client) Machines(ctx context.Context) ([]Machine, error) {
	now, err := c.Now(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := c.rdb.ZRangeByScore(ctx, c.keys.machinesTill(), &redis.ZRangeBy{Min: strconv.FormatInt(now.UnixMilli(), 10), Max: "+inf"}).Result()
	if err != nil || len(ids) == 0 {
		return nil, c.wrap(ctx, err)
	}
	values, err := c.rdb.HMGet(ctx, c.keys.machines(), ids...).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	var out []Machine
	for _, v := range values {
		s := text(v)
		if s == "" {
			continue // removed meanwhile
		}
		var m Machine
		if err := json.Unmarshal([]byte(s), &m); err != nil {
			return nil, fmt.Errorf("queue: machine report in Redis: %w", err)
		}
		out = append(out, m)
	}
	if err := c.addDrains(ctx, out, now); err != nil {
		return nil, err
	}
	slices.SortFunc(out, func(a, b Machine) int {
		return cmp.Or(cmp.Compare(a.Pool, b.Pool), cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// WatchMachines sends each published report; see [API].
func (c *Client) WatchMachines(ctx context.Context) (<-chan Machine, error) {
	return subscribe(ctx, c.rdb.Subscribe(ctx, c.keys.status()), c, func(m *redis.Message) (Machine, bool) {
		var out Machine
		return out, json.Unmarshal([]byte(m.Payload), &out) == nil
	})
}

// reapMachines forgets the reports of silent machines.
func (c *Client) reapMachines(ctx context.Context, now time.Time) error {
	gone, err := c.rdb.ZRangeByScore(ctx, c.keys.machinesTill(), &redis.ZRangeBy{Min: "-inf", Max: "(" + strconv.FormatInt(now.UnixMilli(), 10)}).Result()
	if err != nil || len(gone) == 0 {
		return c.wrap(ctx, err)
	}
	members := make([]any, len(gone))
	for i, id := range gone {
		members[i] = id
	}
	_, err = c.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.HDel(ctx, c.keys.machines(), gone...)
		p.ZRem(ctx, c.keys.machinesTill(), members...)
		return nil
	})
	return c.wrap(ctx, err)
}
