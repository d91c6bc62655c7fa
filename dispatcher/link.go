package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/emprops/machinectl/queue"
)

// link is the queue, once it is open. Until then every call fails with queue.ErrUnavailable and the reason.
type link struct {
	mu     sync.Mutex
	client *queue.Client
	why    error
}

// open keeps trying to open the queue until it succeeds or ctx ends.
func (l *link) open(ctx context.Context, o queue.Options, log *slog.Logger) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 5*time.Second
	client, err := backoff.Retry(ctx, func() (*queue.Client, error) {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return queue.Open(attempt, o)
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(0), backoff.WithNotify(func(err error, next time.Duration) {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.why == nil || l.why.Error() != err.Error() {
			log.Warn("cannot open the queue, requests get 503", "error", err, "next", next)
		}
		l.why = err
	}))
	if err != nil {
		return fmt.Errorf("opening the queue: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.client = client
	log.Info("queue opened")
	return nil
}

func (l *link) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.client == nil {
		return nil
	}
	return l.client.Close()
}

func (l *link) get() (*queue.Client, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.client != nil:
		return l.client, nil
	case l.why != nil:
		return nil, fmt.Errorf("%w: %w", queue.ErrUnavailable, l.why)
	default:
		return nil, fmt.Errorf("%w: it is being opened", queue.ErrUnavailable)
	}
}

// via calls f with the queue, or returns why it isn't open.
func via[T any](l *link, f func(*queue.Client) (T, error)) (T, error) {
	c, err := l.get()
	if err != nil {
		var zero T
		return zero, err
	}
	return f(c)
}

func (l *link) Submit(ctx context.Context, s queue.Submission) (*queue.Job, error) {
	return via(l, func(c *queue.Client) (*queue.Job, error) { return c.Submit(ctx, s) })
}

func (l *link) SubmitBatch(ctx context.Context, all []queue.Submission) ([]*queue.Job, error) {
	return via(l, func(c *queue.Client) ([]*queue.Job, error) { return c.SubmitBatch(ctx, all) })
}

func (l *link) DryRun(ctx context.Context, s queue.Submission) (*queue.Job, *queue.Explanation, error) {
	c, err := l.get()
	if err != nil {
		return nil, nil, err
	}
	return c.DryRun(ctx, s)
}

func (l *link) Limits(ctx context.Context, jobType string) (queue.Limits, error) {
	return via(l, func(c *queue.Client) (queue.Limits, error) { return c.Limits(ctx, jobType) })
}

func (l *link) SetLimits(ctx context.Context, jobType string, limits queue.Limits) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.SetLimits(ctx, jobType, limits)
}

func (l *link) Get(ctx context.Context, id string) (*queue.Job, error) {
	return via(l, func(c *queue.Client) (*queue.Job, error) { return c.Get(ctx, id) })
}

func (l *link) List(ctx context.Context, f queue.ListFilter) (jobs []queue.Job, next string, err error) {
	c, err := l.get()
	if err != nil {
		return nil, "", err
	}
	return c.List(ctx, f)
}

func (l *link) Cancel(ctx context.Context, id, reason string) (*queue.Job, error) {
	return via(l, func(c *queue.Client) (*queue.Job, error) { return c.Cancel(ctx, id, reason) })
}

func (l *link) Requeue(ctx context.Context, id string) (*queue.Job, error) {
	return via(l, func(c *queue.Client) (*queue.Job, error) { return c.Requeue(ctx, id) })
}

func (l *link) Pause(ctx context.Context, jobType, reason string) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.Pause(ctx, jobType, reason)
}

func (l *link) Resume(ctx context.Context, jobType string) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.Resume(ctx, jobType)
}

func (l *link) Types(ctx context.Context) ([]queue.TypeState, error) {
	return via(l, func(c *queue.Client) ([]queue.TypeState, error) { return c.Types(ctx) })
}

func (l *link) Explain(ctx context.Context, id string) (*queue.Explanation, error) {
	return via(l, func(c *queue.Client) (*queue.Explanation, error) { return c.Explain(ctx, id) })
}

func (l *link) Events(ctx context.Context, id, after string) (*queue.EventStream, error) {
	return via(l, func(c *queue.Client) (*queue.EventStream, error) { return c.Events(ctx, id, after) })
}

func (l *link) Demand(ctx context.Context) ([]queue.ClassDemand, error) {
	return via(l, func(c *queue.Client) ([]queue.ClassDemand, error) { return c.Demand(ctx) })
}

func (l *link) Machines(ctx context.Context) ([]queue.Machine, error) {
	return via(l, func(c *queue.Client) ([]queue.Machine, error) { return c.Machines(ctx) })
}

func (l *link) DeadLetters(ctx context.Context) (map[string]int64, error) {
	return via(l, func(c *queue.Client) (map[string]int64, error) { return c.DeadLetters(ctx) })
}

func (l *link) InFlight(ctx context.Context, machine string) (int, error) {
	return via(l, func(c *queue.Client) (int, error) { return c.InFlight(ctx, machine) })
}

func (l *link) Reap(ctx context.Context, limit int) (queue.ReapResult, error) {
	return via(l, func(c *queue.Client) (queue.ReapResult, error) { return c.Reap(ctx, limit) })
}

func (l *link) Drain(ctx context.Context, machine, reason string, ttl time.Duration) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.Drain(ctx, machine, reason, ttl)
}

func (l *link) Undrain(ctx context.Context, machine string) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.Undrain(ctx, machine)
}

func (l *link) DrainFor(ctx context.Context, machine, reason string, d time.Duration) (*queue.OperatorDrain, error) {
	return via(l, func(c *queue.Client) (*queue.OperatorDrain, error) { return c.DrainFor(ctx, machine, reason, d) })
}

func (l *link) EndDrain(ctx context.Context, machine string) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.EndDrain(ctx, machine)
}

func (l *link) OperatorDrain(ctx context.Context, machine string) (*queue.OperatorDrain, error) {
	return via(l, func(c *queue.Client) (*queue.OperatorDrain, error) { return c.OperatorDrain(ctx, machine) })
}

func (l *link) AddDecisions(ctx context.Context, pool string, docs ...[]byte) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.AddDecisions(ctx, pool, docs...)
}

func (l *link) Decisions(ctx context.Context, pool string, most int) ([][]byte, error) {
	return via(l, func(c *queue.Client) ([][]byte, error) { return c.Decisions(ctx, pool, most) })
}

func (l *link) PoolOrders(ctx context.Context) (map[string]map[string]queue.PoolOrder, error) {
	return via(l, func(c *queue.Client) (map[string]map[string]queue.PoolOrder, error) { return c.PoolOrders(ctx) })
}

func (l *link) OrderPool(ctx context.Context, pool, kind string, o queue.PoolOrder) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.OrderPool(ctx, pool, kind, o)
}

func (l *link) WithdrawOrder(ctx context.Context, pool, kind string) (bool, error) {
	return via(l, func(c *queue.Client) (bool, error) { return c.WithdrawOrder(ctx, pool, kind) })
}

func (l *link) PublishPools(ctx context.Context, doc []byte, ttl time.Duration) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.PublishPools(ctx, doc, ttl)
}

func (l *link) PublishedPools(ctx context.Context) ([]byte, error) {
	return via(l, func(c *queue.Client) ([]byte, error) { return c.PublishedPools(ctx) })
}

func (l *link) Ping(ctx context.Context) error {
	c, err := l.get()
	if err != nil {
		return err
	}
	return c.Ping(ctx)
}
