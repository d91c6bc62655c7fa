package client

import (
	"context"
)

// Ready returns whether the dispatcher accepts jobs.
func (c *Client) Ready(ctx context.Context) (*Readiness, error) {
	return read[Readiness](c.raw.Readyz(ctx))
}

// Status returns which dispatcher resizes which pools.
func (c *Client) Status(ctx context.Context) (*Status, error) {
	return read[Status](c.raw.Status(ctx))
}

// Types returns the job types that were ever used.
func (c *Client) Types(ctx context.Context) ([]Pausing, error) {
	list, err := read[TypeList](c.raw.ListTypes(ctx))
	if err != nil {
		return nil, err
	}
	return list.Types, nil
}

// Pause starts no more jobs of a type. The reason may be empty.
func (c *Client) Pause(ctx context.Context, jobType, reason string) (*Pausing, error) {
	return read[Pausing](c.raw.PauseType(ctx, jobType, Because{Reason: reason}))
}

// Resume starts jobs of a type again.
func (c *Client) Resume(ctx context.Context, jobType string) (*Pausing, error) {
	return read[Pausing](c.raw.ResumeType(ctx, jobType))
}

// Limits returns a type's limits.
func (c *Client) Limits(ctx context.Context, jobType string) (*Limits, error) {
	return read[Limits](c.raw.GetLimits(ctx, jobType))
}

// SetLimits replaces a type's limits. The zero value removes them.
func (c *Client) SetLimits(ctx context.Context, jobType string, l Limits) (*Limits, error) {
	return read[Limits](c.raw.SetLimits(ctx, jobType, l))
}

// Classes returns the classes that have jobs.
func (c *Client) Classes(ctx context.Context) ([]Class, error) {
	list, err := read[ClassList](c.raw.ListClasses(ctx))
	if err != nil {
		return nil, err
	}
	return list.Classes, nil
}

// Pools returns the pools with their last decision.
func (c *Client) Pools(ctx context.Context) ([]Pool, error) {
	list, err := read[PoolList](c.raw.ListPools(ctx))
	if err != nil {
		return nil, err
	}
	return list.Pools, nil
}

// Pool returns a pool with its last decisions.
func (c *Client) Pool(ctx context.Context, name string) (*Pool, error) {
	return read[Pool](c.raw.GetPool(ctx, name))
}

// Machines returns what machines report; all of them, unless a pool is named.
func (c *Client) Machines(ctx context.Context, pool string) ([]Machine, error) {
	list, err := read[MachineList](c.raw.ListMachines(ctx, &ListMachinesParams{Pool: pool}))
	if err != nil {
		return nil, err
	}
	return list.Machines, nil
}

// DrainState returns whether an operator drained a machine, and how many jobs it runs.
func (c *Client) DrainState(ctx context.Context, machine string) (*Drain, error) {
	return read[Drain](c.raw.GetDrain(ctx, machine))
}

// Drain keeps a machine from taking jobs for a while. The zero order is one of 30 minutes.
func (c *Client) Drain(ctx context.Context, machine string, order DrainOrder) (*Drain, error) {
	return read[Drain](c.raw.DrainMachine(ctx, machine, order))
}

// EndDrain lets a machine take jobs again.
func (c *Client) EndDrain(ctx context.Context, machine string) (*Drain, error) {
	return read[Drain](c.raw.EndDrain(ctx, machine))
}

// Alerts returns what is wrong, and what was within the last day.
func (c *Client) Alerts(ctx context.Context) (*AlertList, error) {
	return read[AlertList](c.raw.ListAlerts(ctx))
}

// SetCount gives a pool a number of machines until the order ends, whatever its demand.
func (c *Client) SetCount(ctx context.Context, pool string, order PoolCount) (*PoolOrders, error) {
	return read[PoolOrders](c.raw.SetPoolCount(ctx, pool, order))
}

// EndCount lets demand decide about a pool's size again.
func (c *Client) EndCount(ctx context.Context, pool string) (*PoolOrders, error) {
	return read[PoolOrders](c.raw.EndPoolCount(ctx, pool))
}

// PausePool keeps a pool at its size and its revisions where they are.
func (c *Client) PausePool(ctx context.Context, pool string, order PoolPause) (*PoolOrders, error) {
	return read[PoolOrders](c.raw.PausePool(ctx, pool, order))
}

// ResumePool ends a pause.
func (c *Client) ResumePool(ctx context.Context, pool string) (*PoolOrders, error) {
	return read[PoolOrders](c.raw.ResumePool(ctx, pool))
}
