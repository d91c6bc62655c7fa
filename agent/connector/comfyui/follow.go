package comfyui

import (
	"context"
	"errors"
	"syscall"
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
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case e := <-s.events:
			if e.Data.PromptID != p.id {
				continue
			}
			if now, ok := p.track.see(e); ok {
				p.progress(now)
			}
			if ends(e) {
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
			if trouble.lasts(err, p.timing) {
				return nil, connector.Transient(connector.ServiceUnreachable, err, "ComfyUI does not answer")
			}
			p.log.Debug("ComfyUI did not answer", "error", err)
		}
		timer.Reset(wait)
		wait = min(2*wait, p.timing.poll)
	}
}

// ends says that after this message the prompt's record is there, or about to be.
func ends(e event) bool {
	switch e.Type {
	case "execution_success", "execution_error", "execution_interrupted":
		return true
	case "executing":
		return e.Data.Node == nil
	default:
		return false
	}
}

var errForgotten = errors.New("neither queued nor in the history")

// look asks where the prompt is: nil while it is in the queue, its record when it has ended. The order matters: a prompt
// moves from the queue to the history at one instant, so one that is found in neither has been forgotten.
func (p *prompt) look(ctx context.Context) (*record, error) {
	ctx, done := context.WithTimeout(ctx, p.timing.call)
	defer done()
	where, id, err := p.api.find(ctx, p.id, p.clientID)
	if err != nil || where != nowhere {
		return nil, err
	}
	r, err := p.api.history(ctx, id)
	if err == nil && r == nil {
		err = errForgotten
	}
	return r, err
}

// outage times how long a server has not answered.
type outage struct{ refusedSince, silentSince time.Time }

// lasts takes one more failure and says whether that has gone on for too long.
func (o *outage) lasts(err error, t timing) bool {
	now := time.Now()
	if o.silentSince.IsZero() {
		o.silentSince = now
	}
	if !isRefused(err) {
		o.refusedSince = time.Time{}
		return now.Sub(o.silentSince) >= t.silent
	}
	if o.refusedSince.IsZero() {
		o.refusedSince = now
	}
	return now.Sub(o.refusedSince) >= t.refused
}

// isRefused says that nobody listens at the server's address.
func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
