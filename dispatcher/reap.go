package dispatcher

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/emprops/machinectl/queue"
)

// reapBatch is how many lost or due jobs one pass handles; a full batch is followed by the next immediately.
const reapBatch = 1000

// reap returns lost jobs to the queue and wakes due ones until ctx ends. Every dispatcher does; the queue keeps them from
// doing the same work twice.
func reap(ctx context.Context, q *link, every time.Duration, log *slog.Logger) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		for {
			r, err := reapOnce(ctx, q)
			if (err != nil) != failing && ctx.Err() == nil {
				failing = err != nil
				if failing {
					log.Warn("cannot reap jobs", "error", err)
				} else {
					log.Info("recovered", "from", "cannot reap jobs")
				}
			}
			if r.Requeued+r.Dead+r.TimedOut > 0 {
				log.Info("jobs reaped", "requeued", r.Requeued, "dead", r.Dead, "timed_out", r.TimedOut)
			}
			if err != nil || r.Requeued+r.Dead+r.TimedOut+r.Due < reapBatch {
				break
			}
		}
	}
}

func reapOnce(ctx context.Context, q *link) (queue.ReapResult, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 10*time.Second, errors.New("the queue took longer than 10 s"))
	defer cancel()
	return q.Reap(ctx, reapBatch)
}
