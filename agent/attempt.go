package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

const (
	// connectorGrace is how long a connector may take to return once its context has ended.
	connectorGrace = 10 * time.Second
	// stoppingGrace is the same while the machine stops. It is shorter because the connector's service stops next, and the
	// job must be released before that.
	stoppingGrace = 2 * time.Second
)

// outcome is what a connector returned.
type outcome struct {
	result queue.Result
	err    error
}

// run runs one claimed job and settles it. It returns when the connector has returned and the queue has answered, or when
// life ended.
func (w *worker) run(life context.Context, c queue.Claimed) {
	log := w.log.With("job", c.Job.ID, "fence", c.Lease.Fence)
	ctx, cancel := context.WithCancelCause(life)
	defer cancel(nil)
	if limit := c.Job.Timeout.D(); limit > 0 {
		var done context.CancelFunc
		ctx, done = context.WithTimeoutCause(ctx, limit, errTimeout)
		defer done()
	}
	a := &attempt{worker: w.spec.Name, lease: c.Lease, cancel: cancel}
	w.a.book.add(a)
	defer w.a.book.remove(a)
	log.Info("attempt started", "attempt", c.Job.Attempts, "timeout", c.Job.Timeout)
	began := time.Now()

	progress := newProgress(w.a.queue, c.Lease, w.a.o.ProgressEvery, cancel)
	reported := make(chan struct{})
	go func() { defer close(reported); progress.loop(ctx) }()

	// The connector has its own goroutine, so that its job is settled even if the connector ignores its context.
	returned := make(chan outcome, 1)
	go func() { returned <- w.call(ctx, c, progress.report) }()
	var out outcome
	overdue := false
	select {
	case out = <-returned:
	case <-ctx.Done():
		grace := connectorGrace
		if errors.Is(context.Cause(ctx), errStopping) {
			grace = stoppingGrace
		}
		select {
		case out = <-returned:
		case <-time.After(grace):
			overdue = true
			out.err = context.Cause(ctx)
			log.Error("connector overdue", "after", grace)
		}
	}
	cause := context.Cause(ctx)
	cancel(nil)
	<-reported
	w.conclude(life, c, out, cause)
	log.Info("attempt ended", "took", time.Since(began).Round(time.Millisecond), "error", out.err)
	if overdue {
		select { // the slot stays taken: the worker must not run more than its concurrency
		case <-returned:
		case <-life.Done():
		}
	}
}

// call runs the connector; a panic becomes a failure.
func (w *worker) call(ctx context.Context, c queue.Claimed, progress func(queue.Progress)) (out outcome) {
	defer func() {
		if r := recover(); r != nil {
			w.log.Error("connector panicked", "job", c.Job.ID, "panic", r, "stack", string(debug.Stack()))
			out.err = connector.Transient(connector.Panic, nil, "connector %s panicked: %v", w.spec.Connector, r)
		}
	}()
	result, err := w.connector.Run(ctx, connector.Attempt{Job: c.Job, Files: w.a.files(c.Lease), Progress: progress})
	return outcome{result, err}
}

// conclude settles an attempt with the queue, by the table in the package documentation.
func (w *worker) conclude(life context.Context, c queue.Claimed, out outcome, cause error) {
	failure := connector.Describe
	switch {
	case errors.Is(cause, errLost), errors.Is(cause, errCancelled):
		w.log.Info("result discarded", "job", c.Job.ID, "fence", c.Lease.Fence, "cause", cause)
	case out.err == nil:
		err := w.settle(life, c.Lease, "complete", func(ctx context.Context) error {
			return w.a.queue.Complete(ctx, c.Lease, out.result)
		})
		if invalid, ok := errors.AsType[*queue.InvalidError](err); ok {
			w.fail(life, c.Lease, queue.Failure{Code: connector.Internal, Message: "the result was refused: " + invalid.Error()})
		} else if err == nil {
			w.completed.Add(1)
		}
	case isPanic(out.err):
		w.fail(life, c.Lease, failure(out.err))
	case errors.Is(cause, errStopping):
		_ = w.settle(life, c.Lease, "release", func(ctx context.Context) error { // settle has logged it
			return w.a.queue.Release(ctx, c.Lease, errStopping.Error())
		})
	case errors.Is(cause, errTimeout):
		w.fail(life, c.Lease, queue.Failure{
			Code: connector.Timeout, Retriable: true,
			Message: fmt.Sprintf("the attempt took longer than the job's timeout of %s", timetext.Duration(c.Job.Timeout.D())),
		})
	default:
		w.fail(life, c.Lease, failure(out.err))
	}
}

func isPanic(err error) bool {
	f, ok := errors.AsType[*connector.Failure](err)
	return ok && f.Code == connector.Panic
}

func (w *worker) fail(life context.Context, l queue.Lease, f queue.Failure) {
	w.failed.Add(1)
	w.log.Warn("attempt failed", "job", l.JobID, "code", f.Code, "retriable", f.Retriable, "message", f.Message)
	_ = w.settle(life, l, "fail", func(ctx context.Context) error { // settle has logged it
		return w.a.queue.Fail(ctx, l, f)
	})
}

// settle repeats op until the queue answers, through an outage of any length, or until life ends. It returns the answer: nil,
// or an error that another try would not change.
func (w *worker) settle(life context.Context, l queue.Lease, name string, op func(context.Context) error) error {
	retry := newBackOff()
	for {
		ctx, done := context.WithTimeout(life, 10*time.Second)
		err := op(ctx)
		done()
		w.a.link.note(life, err)
		_, invalid := errors.AsType[*queue.InvalidError](err)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, queue.ErrStale), errors.Is(err, queue.ErrFinal), errors.Is(err, queue.ErrNotFound), invalid:
			w.log.Warn("queue refused an operation", "operation", name, "job", l.JobID, "fence", l.Fence, "error", err)
			return err
		case life.Err() != nil:
			w.log.Error("job left to its lease", "operation", name, "job", l.JobID, "fence", l.Fence, "error", err)
			return err
		}
		w.log.Warn("queue did not answer", "operation", name, "job", l.JobID, "fence", l.Fence, "error", err)
		pause(life, retry.NextBackOff())
	}
}
