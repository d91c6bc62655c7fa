package queue

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

const (
	// quickChunk is how many jobs one call of the quick script ends or claims for several workers. It blocks Redis for about
	// a third of a millisecond.
	quickChunk = 32
	// slowFor is how long the quick script isn't tried for a type with limits or fair share.
	slowFor = time.Second
)

// quickAnswer is what the quick script did for one worker. If done is false, it did nothing. If given is empty and idle
// false, the turn script must do the claim.
type quickAnswer struct {
	done  bool
	ended []string // ok, stale or missing, per ending
	given []any    // in the form that [Client.fill] takes
	idle  bool     // there is no job; the worker is registered as idle if that was requested
	err   error
}

// weight returns how many jobs a turn ends or claims, whichever is more.
func (r *turnRequest) weight() int { return max(1, r.n, len(r.endings)) }

// isQuick reports whether the quick script may be able to handle the turn.
func (c *Client) isQuick(r *turnRequest) bool {
	if r.replay || slices.ContainsFunc(r.endings, func(e ending) bool { return e.action != "c" }) {
		return false
	}
	until, ok := c.slow.Load(r.worker.Offer.Type)
	t, _ := until.(time.Time)
	return !ok || time.Now().After(t)
}

// quickTurns runs the quick script for several workers with the same profile.
func (c *Client) quickTurns(ctx context.Context, key string, turns []*turnRequest) []quickAnswer {
	jobType, profile, _ := strings.Cut(key, " ")
	out := make([]quickAnswer, len(turns))
	more, args := c.quickArgs(profile, turns)
	reply, err := c.eval(ctx, "quick", jobType, more, args...)
	if errors.Is(err, redis.Nil) {
		c.slow.Store(jobType, time.Now().Add(slowFor))
		return out
	}
	if err != nil {
		for i := range out {
			out[i].err = err
		}
		return out
	}
	ended, counts, given := texts(at(reply, 0)), list(at(reply, 1)), list(at(reply, 2))
	for i, r := range turns {
		jobs := int(number(counts[i]))
		n, g := len(r.endings), givenValues*max(0, jobs)
		out[i] = quickAnswer{done: true, ended: ended[:n:n], given: given[:g:g], idle: jobs < 0}
		ended, given = ended[n:], given[g:]
	}
	return out
}

func (c *Client) quickArgs(profile string, turns []*turnRequest) (more []string, args []any) {
	args = make([]any, 0, 4+10*len(turns))
	args = append(args, profile, c.opts.Lease.Milliseconds(), c.opts.Overrun.Milliseconds(), len(turns))
	for _, r := range turns {
		w, idle := r.worker, 0
		if r.mayBeIdle {
			idle++
		}
		if r.becomeIdle {
			idle += 2
		}
		more = append(more, c.keys.wake(w.Offer.Type, w.Machine+"/"+w.Name))
		args = append(args, w.Machine, w.Name, r.nonce, r.n, profile+":"+w.index()+":"+w.Machine+"/"+w.Name, idle)
	}
	for _, r := range turns {
		for _, e := range r.endings {
			more = append(more, c.keys.details(e.lease.JobID))
			args = append(args, e.lease.JobID, e.lease.Fence, e.lease.Nonce, e.result)
		}
	}
	return more, args
}
