package comfyui

import (
	"context"
	"errors"
	"time"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/nettext"
)

// soon is the delay before the first read of a prompt's record once the server announced the prompt's end.
const soon = 30 * time.Millisecond

// follow passes on progress until the prompt has ended, and returns its record.
func (p *prompt) follow(ctx context.Context, s *socket) (*record, error) {
	wait := p.timing.poll
	timer := time.NewTimer(soon) // a cached prompt has ended already
	defer timer.Stop()
	var trouble outage
	ended := false
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case e := <-s.events:
			if e.promptID != p.id {
				continue
			}
			trouble.progressed()
			if now, ok := p.track.observe(e); ok {
				p.progress(now)
			}
			if e.ends() {
				ended = true
				wait = soon
				timer.Reset(0)
			}
			continue
		case <-s.connected: // again: messages sent meanwhile are lost
			timer.Reset(0)
			continue
		case <-timer.C:
		}
		r, err := p.observe(ctx)
		switch {
		case r != nil:
			return r, nil
		case err == nil:
			trouble = outage{}
		case errors.Is(err, errForgotten):
			return nil, connector.Transient(connector.ServiceRestarted, nil,
				"ComfyUI no longer knows the prompt: it was restarted, or another client removed the prompt from its queue")
		default:
			if f := trouble.lasts(err, p.timing, ended); f != nil {
				return nil, f
			}
			p.log.Debug("cannot read the prompt's state", "error", err)
		}
		timer.Reset(wait)
		wait = min(2*wait, p.timing.poll)
	}
}

var errForgotten = errors.New("neither queued nor in the history")

// observe returns the prompt's record if it has ended, and nil while it is in the queue. The order matters: a prompt moves
// from the queue to the history at one instant, so a prompt that is in neither has been forgotten. If the queue can't be
// read, perhaps because of another client's prompt, the history is read all the same.
func (p *prompt) observe(ctx context.Context) (*record, error) {
	ctx, done := context.WithTimeout(ctx, p.timing.call)
	defer done()
	where, id, queueErr := p.api.find(ctx, p.id, p.clientID)
	if queueErr == nil && where != nowhere || queueErr != nil && !isUnreadable(queueErr) {
		return nil, queueErr
	}
	r, err := p.api.history(ctx, id)
	if err != nil || r != nil {
		return r, err
	}
	if queueErr != nil {
		return nil, queueErr
	}
	return nil, errForgotten
}

// fault is how a server fails to answer.
type fault int

const (
	refuses    fault = iota + 1 // nothing listens
	silent                      // it doesn't answer
	unreadable                  // it answers, but its answers can't be read
)

// outage records since when a server has failed to answer.
type outage struct {
	kind        fault
	since, ever time.Time // the begin of this kind of fault, and of the whole outage
}

// progressed records that the prompt makes progress: a server whose answers can't be read works all the same.
func (o *outage) progressed() {
	if o.kind == unreadable {
		*o = outage{}
	}
}

// lasts records one more failure, and returns the job's failure once the outage has lasted too long. If the prompt has ended
// and its record can't be read, the limit is shorter.
func (o *outage) lasts(err error, t timing, ended bool) error {
	kind, patience := silent, t.silent
	switch {
	case nettext.Refused(err):
		kind, patience = refuses, t.refused
	case isUnreadable(err):
		if kind = unreadable; ended {
			patience = t.refused
		}
	}
	now := time.Now()
	if o.ever.IsZero() {
		o.ever = now
	}
	if o.kind != kind {
		o.kind, o.since = kind, now
	}
	switch {
	case now.Sub(o.since) < patience && now.Sub(o.ever) < t.silent:
		return nil
	case kind == unreadable:
		return unclear(err)
	default:
		return connector.Transient(connector.ServiceUnreachable, nil, "ComfyUI does not answer: %s", plainly(err))
	}
}
