package agent

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/emprops/machinectl/queue"
)

// link is what the agent knows of its connection to the queue.
type link struct {
	changed func(up bool) // called at each change, outside the lock

	mu    sync.Mutex
	err   error // nil: up
	since time.Time
}

// errConnecting is the link's first state.
var errConnecting = errors.New("not connected yet")

func newLink(changed func(up bool)) *link {
	return &link{changed: changed, err: errConnecting, since: time.Now()}
}

// note takes the outcome of a call to the queue. An error which only says that ctx ended says nothing of the queue; every
// answer, a refusal too, says that it is there.
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

// state returns since when the queue can't be reached and why, or since when it can and nil.
func (l *link) state() (time.Time, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.since, l.err
}

// refuse notes that the queue could not even be opened.
func (l *link) refuse(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}
