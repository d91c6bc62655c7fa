package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
)

const (
	connections = 50  // in every participant's throughput
	payloadSize = 256 // bytes of JSON
)

// payload returns a JSON object of exactly n bytes.
func payload(n int) json.RawMessage {
	return json.RawMessage(`{"prompt":"` + strings.Repeat("x", n-len(`{"prompt":""}`)) + `"}`)
}

// ours is the queue under test, on an empty Redis.
type ours struct {
	*queue.Client
}

// openOurs opens a client whose workers don't lapse while a measurement is prepared.
func openOurs(ctx context.Context, e *env) (*ours, error) {
	c, err := queue.Open(ctx, queue.Options{URL: e.redis.url(), PoolSize: 64, Lease: time.Hour, Poll: time.Minute})
	if err != nil {
		return nil, err
	}
	return &ours{c}, nil
}

// needing returns a submission that needs a machine with at least this much GPU memory. Each amount is a class of its
// own.
func needing(jobType string, mib int, parameters json.RawMessage) queue.Submission {
	return queue.Submission{Type: jobType, Requires: map[string]any{"gpu.memory": fmt.Sprintf(">=%dMiB", mib)}, Parameters: parameters}
}

// machine returns the only worker of a machine, which offers this much GPU memory.
func machine(jobType, name string, index, gib int) queue.WorkerInfo {
	return queue.WorkerInfo{
		Machine: name, Index: index, Name: "worker",
		Offer: capability.Offer{Type: jobType, Flags: []string{"gpu"}, Attrs: map[string]any{"gpu.memory": fmt.Sprintf("%dGiB", gib)}},
	}
}

// submit submits n jobs from one goroutine per connection and returns how long it took.
func (o *ours) submit(ctx context.Context, n int, job func(i int) queue.Submission) (time.Duration, error) {
	return spread(ctx, connections, n, func(ctx context.Context, i int) error {
		_, err := o.Submit(ctx, job(i))
		return err
	})
}

// drain lets the workers run n waiting jobs that do nothing, batch at a time, and returns how long it took.
func (o *ours) drain(ctx context.Context, jobType string, n, batch int) (time.Duration, error) {
	workers := make([]queue.WorkerInfo, connections)
	for i := range workers {
		workers[i] = machine(jobType, fmt.Sprintf("m%02d", i), i, 24)
		if err := o.Register(ctx, workers[i]); err != nil {
			return 0, err
		}
	}
	var done atomic.Int64
	start := time.Now()
	_, err := spread(ctx, connections, connections, func(ctx context.Context, i int) error {
		return o.loop(ctx, workers[i], batch, &done)
	})
	took := time.Since(start)
	if err == nil && done.Load() != int64(n) {
		err = fmt.Errorf("%d of %d jobs completed", done.Load(), n)
	}
	return took, err
}

// loop runs one worker, which completes its jobs and claims the next ones until none is left.
func (o *ours) loop(ctx context.Context, w queue.WorkerInfo, batch int, done *atomic.Int64) error {
	var held []queue.Claimed
	for {
		next, err := o.turn(ctx, w, held, batch)
		if err != nil {
			return err
		}
		done.Add(int64(len(held)))
		if len(next) == 0 {
			return nil
		}
		held = next
	}
}

// turn completes jobs and claims up to n others, in one call to Redis.
func (o *ours) turn(ctx context.Context, w queue.WorkerInfo, held []queue.Claimed, n int) ([]queue.Claimed, error) {
	endings := make([]queue.Ending, len(held))
	for i, h := range held {
		endings[i] = queue.Ending{Lease: h.Lease, Result: &queue.Result{}}
	}
	next, errs, err := o.Turn(ctx, w, endings, n)
	return next, errors.Join(append(errs, err)...)
}

// take claims n jobs one by one. It returns an error if there is none.
func (o *ours) take(ctx context.Context, w queue.WorkerInfo, n int) ([]queue.Claimed, error) {
	var held []queue.Claimed
	for range n {
		got, err := o.Claim(ctx, w, 1, 0)
		if err != nil {
			return held, err
		}
		if len(got) == 0 {
			return held, errStarved
		}
		held = append(held, got...)
	}
	return held, nil
}

var errStarved = errors.New("a claim came back empty although a job that the worker can run was waiting")

// putBack releases jobs, which returns them to their place in the queue.
func (o *ours) putBack(ctx context.Context, held []queue.Claimed) error {
	for _, h := range held {
		if err := o.Release(ctx, h.Lease, "measured"); err != nil {
			return err
		}
	}
	return nil
}

// spread calls f for 0 to n−1 from the given number of goroutines and returns how long it took. The first error stops
// it.
func spread(ctx context.Context, goroutines, n int, f func(ctx context.Context, i int) error) (time.Duration, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range goroutines {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := f(ctx, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	wg.Wait()
	return time.Since(start), context.Cause(ctx)
}
