package queue

import (
	"context"
	"slices"
)

// Heartbeat renews all of a machine's leases and worker registrations at once; see [API]. A worker that Redis no longer
// knows is registered again.
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
	if !out.Draining {
		var err error
		if out.Reason, out.Draining, err = c.fleetDrained(ctx, machine); err != nil {
			return nil, err
		}
	}
	slices.Sort(out.Lost)
	slices.Sort(out.Cancelled)
	return out, nil
}

// heartbeat is one shard's part; it adds to out.
func (c *Client) heartbeat(ctx context.Context, machine, jobType string, workers []WorkerInfo, held []Lease, out *HeartbeatAnswer) error {
	args := []any{machine, c.opts.Lease.Milliseconds(), c.opts.Overrun.Milliseconds(), c.opts.registration().Milliseconds(), len(workers)}
	byName := map[string]WorkerInfo{}
	for _, w := range workers {
		args = append(args, w.Name)
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
