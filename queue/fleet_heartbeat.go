package queue

import (
	"context"
	"slices"
	"strings"

	"github.com/redis/go-redis/v9"
)

// Heartbeat renews all of a machine's leases and worker registrations; see [API]. It writes the machine's workers and its
// report again if Redis has lost them.
func (c *Client) Heartbeat(ctx context.Context, machine string, leases []Lease) (*HeartbeatAnswer, error) {
	workers := c.registered(machine)
	byType := map[string][]Lease{}
	for _, l := range leases {
		t := typeOf(l.JobID)
		byType[t] = append(byType[t], l)
	}
	for t := range workers {
		byType[t] = append(byType[t], []Lease{}...)
	}
	out := &HeartbeatAnswer{}
	for t, held := range byType {
		if err := c.heartbeat(ctx, machine, t, workers[t], held, out); err != nil {
			return nil, err
		}
	}
	if err := c.remember(ctx, machine, out); err != nil {
		return nil, err
	}
	slices.Sort(out.Lost)
	slices.Sort(out.Cancelled)
	return out, nil
}

// remember reads what Redis has of the machine outside of the shards, its drain and its report, and writes the report again
// if it is gone. It also checks that the data still has this layout.
func (c *Client) remember(ctx context.Context, machine string, out *HeartbeatAnswer) error {
	var kept *redis.SliceCmd
	var reported *redis.BoolCmd
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		kept = p.MGet(ctx, c.keys.operatorDrain(machine), c.keys.fleetDrain(machine), c.keys.format())
		reported = p.HExists(ctx, c.keys.machines(), machine)
		return nil
	})
	if err != nil {
		return c.wrap(ctx, err)
	}
	values := kept.Val()
	if err := c.verify(ctx, text(values[2])); err != nil {
		return err
	}
	for _, v := range values[:2] { // an operator's reason comes before the dispatcher's
		if s, ok := v.(string); ok && !out.Draining {
			_, out.Reason, _ = strings.Cut(s, "\t")
			out.Draining = true
		}
	}
	c.mu.Lock()
	report, known := c.reports[machine]
	c.mu.Unlock()
	if !known || reported.Val() {
		return nil
	}
	return c.ReportMachine(ctx, report)
}

// heartbeat does one shard's part and adds its answer to out.
func (c *Client) heartbeat(ctx context.Context, machine, jobType string, workers []WorkerInfo, held []Lease, out *HeartbeatAnswer) error {
	args := []any{machine, c.opts.Lease.Milliseconds(), c.opts.Overrun.Milliseconds(), c.opts.registration().Milliseconds(), len(workers)}
	byName := map[string]WorkerInfo{}
	for _, w := range workers {
		args = append(args, w.Name, w.entry())
		byName[w.Name] = w
	}
	for _, l := range held {
		args = append(args, l.JobID, l.Fence, l.Nonce)
	}
	reply, err := c.evalAgain(ctx, "heartbeat", jobType, nil, args...)
	if err != nil {
		return err
	}
	out.Lost = append(out.Lost, texts(at(reply, 0))...)
	out.Cancelled = append(out.Cancelled, texts(at(reply, 1))...)
	if reason, ok := at(reply, 3).(string); ok {
		out.Draining, out.Reason = true, reason
	}
	for _, name := range texts(at(reply, 2)) {
		if err := c.Register(ctx, byName[name]); err != nil {
			return err
		}
	}
	return nil
}
