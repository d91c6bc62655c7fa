package agent

import (
	"context"
	"time"
)

// heartbeat renews all leases and registrations until life ends, and acts on the queue's answers. After a failure it tries
// again sooner, so that no lease is lost in an outage shorter than a lease.
func (a *agent) heartbeat(life context.Context) {
	for {
		wait := a.o.HeartbeatEvery
		if !a.beat(life) {
			wait = min(wait, time.Second)
		}
		pause(life, wait)
		if life.Err() != nil {
			return
		}
	}
}

// beat sends one heartbeat and reports whether it was answered.
func (a *agent) beat(life context.Context) bool {
	ctx, done := context.WithTimeout(life, 10*time.Second)
	defer done()
	sent := a.book.leases()
	answer, err := a.queue.Heartbeat(ctx, a.o.ID, sent)
	a.link.note(life, err)
	if err != nil {
		if life.Err() == nil {
			a.log.Warn("heartbeat failed", "error", err)
		}
		return false
	}
	a.book.end(answer.Lost, sent, errLost)
	a.book.end(answer.Cancelled, sent, errCancelled)
	a.setDraining(answer.Draining, answer.Reason)
	return true
}
