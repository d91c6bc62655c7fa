package agent

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/queue"
)

// pace is the least time between two claims that return nothing. The queue makes claims wait, except those of a draining
// machine.
const pace = 500 * time.Millisecond

// worker is one claim loop and the attempts that it started.
type worker struct {
	spec      manifest.Worker
	gpu       int // index of its service's GPU, or -1
	connector connector.Connector
	gate      *gate
	log       *slog.Logger
	a         *agent

	slots    chan struct{} // one token per running attempt
	attempts sync.WaitGroup

	completed, failed atomic.Int64

	mu   sync.Mutex
	info queue.WorkerInfo
	// announced reports whether the queue knows info. It becomes false when info changes, and after each failure of the
	// queue, which may have lost the registration.
	announced bool
}

// offer changes what the worker offers. The next claim registers the change with the queue.
func (w *worker) offer(change func(*queue.WorkerInfo) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if change(&w.info) {
		w.announced = false
	}
}

func (w *worker) forget() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.announced = false
}

func (w *worker) offered() queue.WorkerInfo {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.info
}

// loop claims and starts attempts until ctx ends. Attempts outlive it; life bounds them.
func (w *worker) loop(ctx, life context.Context) {
	retry := newBackOff()
	for {
		if w.gate.reason() != "" {
			w.withdraw(ctx)
		}
		if w.gate.wait(ctx) != nil {
			return
		}
		n := w.takeSlots(ctx)
		if n == 0 {
			return
		}
		began := time.Now()
		claimed, err := w.claim(ctx, n)
		w.a.link.note(ctx, err)
		started := w.start(ctx, life, claimed)
		w.giveSlots(n - started)
		switch {
		case err != nil && ctx.Err() == nil:
			w.forget()
			w.log.Warn("claim failed", "error", err)
			pause(ctx, retry.NextBackOff())
		case len(claimed) == 0:
			retry.Reset()
			pause(ctx, pace-time.Since(began))
		default:
			retry.Reset()
		}
	}
}

// claim registers the worker if that is due, and claims up to n jobs.
func (w *worker) claim(ctx context.Context, n int) ([]queue.Claimed, error) {
	w.mu.Lock()
	info, announced := w.info, w.announced
	w.mu.Unlock()
	if !announced {
		if err := w.a.queue.Register(ctx, info); err != nil {
			return nil, err
		}
		w.mu.Lock()
		w.announced = true
		w.mu.Unlock()
	}
	return w.a.queue.Claim(ctx, info, n, w.a.o.ClaimWait)
}

// withdraw unregisters a worker that can't run jobs, so that it doesn't count as able to. If that fails, the registration
// lapses by itself and does no harm: the worker claims nothing.
func (w *worker) withdraw(ctx context.Context) {
	w.mu.Lock()
	announced := w.announced
	w.announced = false
	w.mu.Unlock()
	if !announced {
		return
	}
	if err := w.a.queue.Unregister(ctx, w.a.o.ID, w.spec.Name); err != nil {
		w.log.Warn("cannot unregister a worker", "error", err)
	}
}

// start begins attempts at the claimed jobs and returns how many. If the worker may no longer run jobs, it releases them.
func (w *worker) start(ctx, life context.Context, claimed []queue.Claimed) int {
	reason := w.gate.reason()
	if ctx.Err() != nil {
		reason = errStopping.Error()
	}
	if reason == "" {
		for _, c := range claimed {
			w.attempts.Go(func() {
				defer w.giveSlots(1)
				w.run(life, c)
			})
		}
		return len(claimed)
	}
	for _, c := range claimed {
		w.attempts.Go(func() {
			_ = w.settle(life, c.Lease, "release", func(ctx context.Context) error {
				return w.a.queue.Release(ctx, c.Lease, reason)
			}) // settle has logged it
		})
	}
	return 0
}

// takeSlots waits for a free slot, takes all that are free, and returns how many, or 0 if ctx ended.
func (w *worker) takeSlots(ctx context.Context) int {
	select {
	case w.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n := 1; ; n++ {
		select {
		case w.slots <- struct{}{}:
		default:
			return n
		}
	}
}

func (w *worker) giveSlots(n int) {
	for range n {
		<-w.slots
	}
}

// status returns the worker's part of the machine's report.
func (w *worker) status(draining, stopping bool) queue.WorkerStatus {
	info := w.offered()
	s := queue.WorkerStatus{
		Name: w.spec.Name, Concurrency: w.spec.Concurrency, Offer: info.Offer, Jobs: w.a.book.jobs(w.spec.Name),
		Completed: w.completed.Load(), Failed: w.failed.Load(), Reason: w.gate.reason(),
	}
	switch {
	case w.gate.held(holdGPU):
		s.State = "failed"
	case draining || stopping:
		s.State = "draining"
	case len(s.Jobs) > 0:
		s.State = "busy"
	case s.Reason != "":
		s.State = "starting"
	default:
		s.State = "idle"
	}
	return s
}

// newBackOff returns a back-off that grows from 100 ms to 5 s, with jitter.
func newBackOff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval = 100 * time.Millisecond
	b.MaxInterval = 5 * time.Second
	return b
}

// pause waits for d or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
