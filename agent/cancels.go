package agent

import (
	"context"
)

// cancels ends attempts as soon as the queue pushes their jobs' cancellation, until life ends. A push is fast but may be
// lost; the next heartbeat's answer is reliable.
func (a *agent) cancels(life context.Context) {
	retry := newBackOff()
	for life.Err() == nil {
		pushed, err := a.queue.Cancels(life, a.o.ID)
		if err != nil {
			a.log.Warn("cannot listen for cancellations", "error", err)
			pause(life, retry.NextBackOff())
			continue
		}
		retry.Reset()
		for id := range pushed {
			a.log.Info("job cancelled", "job", id)
			a.book.end([]string{id}, nil, errCancelled)
		}
		pause(life, retry.NextBackOff())
	}
}
