package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emprops/machinectl/queue"
)

// progress throttles one attempt's progress reports: the latest is sent, at most once per interval.
type progress struct {
	queue  lifeSigns
	lease  queue.Lease
	every  time.Duration
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	latest queue.Progress
	fresh  chan struct{} // holds a token while latest has not been sent
}

func newProgress(q lifeSigns, l queue.Lease, every time.Duration, cancel context.CancelCauseFunc) *progress {
	return &progress{queue: q, lease: l, every: every, cancel: cancel, fresh: make(chan struct{}, 1)}
}

// report accepts a report. It never blocks.
func (p *progress) report(v queue.Progress) {
	p.mu.Lock()
	p.latest = v
	p.mu.Unlock()
	select {
	case p.fresh <- struct{}{}:
	default:
	}
}

// loop sends reports until ctx ends. A report that could not be sent is dropped: the next one supersedes it. If the queue
// answers that the lease is stale or the job has ended, the attempt is cancelled.
func (p *progress) loop(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.fresh:
		}
		p.mu.Lock()
		v := p.latest
		p.mu.Unlock()
		switch err := p.queue.Progress(ctx, p.lease, v); {
		case errors.Is(err, queue.ErrFinal):
			p.cancel(errCancelled)
		case errors.Is(err, queue.ErrStale), errors.Is(err, queue.ErrNotFound):
			p.cancel(errLost)
		}
		pause(ctx, p.every)
	}
}
