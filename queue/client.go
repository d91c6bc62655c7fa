package queue

import (
	"context"
	"errors"
	"time"
)

var _ API = (*Client)(nil)

var errNotYet = errors.New("queue: not available in this revision")

// Client is the queue. It is safe for concurrent use.
type Client struct{}

// Open connects to Redis.
func Open(ctx context.Context, o Options) (*Client, error) { return &Client{}, nil }

// Submit: see [API].
func (c *Client) Submit(ctx context.Context, s Submission) (*Job, error) { return nil, errNotYet }

// Get: see [API].
func (c *Client) Get(ctx context.Context, id string) (*Job, error) { return nil, errNotYet }

// List: see [API].
func (c *Client) List(ctx context.Context, f ListFilter) (jobs []Job, next string, err error) {
	return nil, "", errNotYet
}

// Cancel: see [API].
func (c *Client) Cancel(ctx context.Context, id, reason string) (*Job, error) { return nil, errNotYet }

// Requeue: see [API].
func (c *Client) Requeue(ctx context.Context, id string) (*Job, error) { return nil, errNotYet }

// Explain: see [API].
func (c *Client) Explain(ctx context.Context, id string) (*Explanation, error) { return nil, errNotYet }

// Events: see [API].
func (c *Client) Events(ctx context.Context, id, after string) (*EventStream, error) {
	return nil, errNotYet
}

// Register: see [API].
func (c *Client) Register(ctx context.Context, w WorkerInfo) error { return errNotYet }

// Unregister: see [API].
func (c *Client) Unregister(ctx context.Context, machine, worker string) error { return errNotYet }

// Claim: see [API].
func (c *Client) Claim(ctx context.Context, w WorkerInfo, n int, wait time.Duration) ([]Claimed, error) {
	return nil, errNotYet
}

// Heartbeat: see [API].
func (c *Client) Heartbeat(ctx context.Context, machine string, leases []Lease) (*HeartbeatAnswer, error) {
	return nil, errNotYet
}

// Cancels: see [API].
func (c *Client) Cancels(ctx context.Context, machine string) (<-chan string, error) {
	return nil, errNotYet
}

// Progress: see [API].
func (c *Client) Progress(ctx context.Context, l Lease, p Progress) error { return errNotYet }

// Complete: see [API].
func (c *Client) Complete(ctx context.Context, l Lease, r Result) error { return errNotYet }

// Fail: see [API].
func (c *Client) Fail(ctx context.Context, l Lease, f Failure) error { return errNotYet }

// Release: see [API].
func (c *Client) Release(ctx context.Context, l Lease, reason string) error { return errNotYet }

// Reap: see [API].
func (c *Client) Reap(ctx context.Context, limit int) (ReapResult, error) {
	return ReapResult{}, errNotYet
}

// Demand: see [API].
func (c *Client) Demand(ctx context.Context) ([]ClassDemand, error) { return nil, errNotYet }

// Drain: see [API].
func (c *Client) Drain(ctx context.Context, machine, reason string, ttl time.Duration) error {
	return errNotYet
}

// Undrain: see [API].
func (c *Client) Undrain(ctx context.Context, machine string) error { return errNotYet }

// InFlight: see [API].
func (c *Client) InFlight(ctx context.Context, machine string) (int, error) { return 0, errNotYet }

// ReportMachine: see [API].
func (c *Client) ReportMachine(ctx context.Context, m Machine) error { return errNotYet }

// RemoveMachine: see [API].
func (c *Client) RemoveMachine(ctx context.Context, id string) error { return errNotYet }

// Machines: see [API].
func (c *Client) Machines(ctx context.Context) ([]Machine, error) { return nil, errNotYet }

// WatchMachines: see [API].
func (c *Client) WatchMachines(ctx context.Context) (<-chan Machine, error) { return nil, errNotYet }

// Watch: see [API].
func (c *Client) Watch(ctx context.Context) (<-chan Event, error) { return nil, errNotYet }

// Now: see [API].
func (c *Client) Now(ctx context.Context) (time.Time, error) { return time.Time{}, errNotYet }

// Ping: see [API].
func (c *Client) Ping(ctx context.Context) error { return errNotYet }

// Close: see [API].
func (c *Client) Close() error { return errNotYet }
