package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emprops/machinectl/queue"
)

// link is the state of the agent's connection to the queue.
type link struct {
	changed func(up bool) // called at each change, outside the lock

	mu    sync.Mutex
	err   error // nil while the queue can be reached
	since time.Time
}

// errConnecting is the link's initial error.
var errConnecting = errors.New("not connected yet")

func newLink(changed func(up bool)) *link {
	return &link{changed: changed, err: errConnecting, since: time.Now()}
}

// note records the outcome of a call to the queue. An error after the end of ctx is ignored. Any answer, even a refusal,
// means that the queue can be reached.
func (l *link) note(ctx context.Context, err error) {
	if err != nil && ctx.Err() != nil {
		return
	}
	if !errors.Is(err, queue.ErrUnavailable) {
		err = nil
	}
	l.mu.Lock()
	turned := (l.err == nil) != (err == nil)
	l.err = err
	if turned {
		l.since = time.Now()
	}
	l.mu.Unlock()
	if turned {
		l.changed(err == nil)
	}
}

// state returns why the queue can't be reached, or nil if it can, and since when that is so.
func (l *link) state() (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since, l.err
}

// refuse records why the queue could not be opened.
func (l *link) refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}
