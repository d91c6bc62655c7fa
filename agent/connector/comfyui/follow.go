package comfyui

import (
	"context"
	"errors"
	"time"

	"github.com/emprops/machinectl/agent/connector"
)

// soon is how long after the server said that a prompt ended its record is looked for, at first.
const soon = 30 * time.Millisecond

// follow passes on progress until the prompt has ended, and returns its record.
func (p *prompt) follow(ctx context.Context, s *socket) (*record, error) {
	wait := p.timing.poll
	timer := time.NewTimer(soon) // a prompt that is cached has ended already
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
			trouble.heard()
			if now, ok := p.track.see(e); ok {
				p.progress(now)
			}
			if e.ends() {
				ended = true
				wait = soon
				timer.Reset(0)
			}
			continue
		case <-s.connected: // again: what was said meanwhile is lost
			timer.Reset(0)
			continue
		case <-timer.C:
		}
		r, err := p.look(ctx)
		switch {
		case r != nil:
			return r, nil
		case err == nil:
			trouble = outage{}
		case errors.Is(err, errForgotten):
			return nil, connector.Transient(connector.ServiceRestarted, nil,
				"ComfyUI no longer knows the prompt: it was restarted, or somebody took the prompt out of its queue")
		default:
			if f := trouble.lasts(err, p.timing, ended); f != nil {
				return nil, f
			}
			p.log.Debug("no proper answer", "error", err)
		}
		timer.Reset(wait)
		wait = min(2*wait, p.timing.poll)
	}
}

var errForgotten = errors.New("neither queued nor in the history")

// look asks where the prompt is: nil while it is in the queue, its record when it has ended. The order matters: a prompt
// moves from the queue to the history at one instant, so one that is found in neither has been forgotten. A queue that can't be
// read, for another client's prompt perhaps, leaves the history to be asked.
func (p *prompt) look(ctx context.Context) (*record, error) {
	ctx, done := context.WithTimeout(ctx, p.timing.call)
	defer done()
	where, id, unseen := p.api.find(ctx, p.id, p.clientID)
	if unseen == nil && where != nowhere || unseen != nil && !isUnreadable(unseen) {
		return nil, unseen
	}
	r, err := p.api.history(ctx, id)
	if err != nil || r != nil {
		return r, err
	}
	if unseen != nil {
		return nil, unseen
	}
	return nil, errForgotten
}

// fault is how a server fails to answer.
type fault int

const (
	refuses   fault = iota + 1 // nobody listens
	silent                     // no answer comes
	unclearly                  // answers come, but none that can be read
)

// outage times how long a server has given no proper answer.
type outage struct {
	kind        fault
	since, ever time.Time // since when in this way, and in any
}

// heard takes note that the prompt goes on: a server which answers nonsense works all the same.
func (o *outage) heard() {
	if o.kind == unclearly {
		*o = outage{}
	}
}

// lasts takes one more failure and returns what it means for the job once that has gone on for too long. A prompt that has ended is
// not waited for long where its record can't be read.
func (o *outage) lasts(err error, t timing, ended bool) error {
	kind, patience := silent, t.silent
	switch {
	case isRefused(err):
		kind, patience = refuses, t.refused
	case isUnreadable(err):
		if kind = unclearly; ended {
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
	case kind == unclearly:
		return unclear(err)
	default:
		return connector.Transient(connector.ServiceUnreachable, nil, "ComfyUI does not answer: %s", plainly(err))
	}
}
