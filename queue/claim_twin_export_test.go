package queue

import (
	"context"
	"errors"
	"time"
)

// TwinTurn is one worker's part of [Client.GatheredTurns], and its result.
type TwinTurn struct {
	Worker        WorkerInfo
	Done          []Ending
	N             int
	WasIdle, Idle bool

	Quick   bool // the quick script handled it, except for a claim that it returned no job for
	Number  int  // of returned jobs; -1 if idle
	Ended   []string
	Status  string
	Claimed []Claimed
}

func (t *TwinTurn) request() (*turnRequest, error) {
	r := &turnRequest{worker: t.Worker, n: t.N, nonce: newNonce(), mayBeIdle: t.WasIdle, becomeIdle: t.Idle, profile: t.Worker.Offer.Profile()}
	for _, d := range t.Done {
		e, err := d.encode()
		if err != nil {
			return nil, err
		}
		r.endings = append(r.endings, e)
	}
	return r, nil
}

// GatheredTurns passes the turns of workers with the same profile to one call of the quick script, as if they had
// arrived concurrently. It does not handle what that script leaves.
func (c *Client) GatheredTurns(ctx context.Context, turns []*TwinTurn) error {
	requests := make([]*turnRequest, len(turns))
	for i, t := range turns {
		var err error
		if requests[i], err = t.request(); err != nil {
			return err
		}
	}
	jobType := turns[0].Worker.Offer.Type
	for i, q := range c.quickTurns(ctx, jobType+" "+requests[0].profile, requests) {
		t := turns[i]
		if q.err != nil {
			return q.err
		}
		t.Quick, t.Number, t.Ended = q.done, len(q.given)/givenValues, q.ended
		if q.idle {
			t.Number = -1
		}
		var err error
		if t.Claimed, err = c.fill(ctx, jobType, q.given); err != nil {
			return err
		}
	}
	return nil
}

// PlainTurn does a turn with only the turn script.
func (c *Client) PlainTurn(ctx context.Context, t *TwinTurn) error {
	c.OnlyTurns(t.Worker.Offer.Type)
	endings := make([]ending, len(t.Done))
	for i, d := range t.Done {
		var err error
		if endings[i], err = d.encode(); err != nil {
			return err
		}
	}
	done, err := c.turn(ctx, turnRequest{worker: t.Worker, endings: endings, n: t.N, mayBeIdle: t.WasIdle, becomeIdle: t.Idle})
	if err != nil {
		return err
	}
	t.Ended, t.Status, t.Claimed = done.ended, done.status, done.claimed
	return nil
}

// ShardKey returns the name of one of a type's keys.
func (c *Client) ShardKey(jobType, name string) string { return c.keys.shard(jobType, name) }

// SubmitTogether submits in one call, as for concurrent submissions, and returns the errors.
func (c *Client) SubmitTogether(ctx context.Context, all []Submission) []error {
	jobs := make([]*checked, len(all))
	errs := make([]error, len(all))
	for i, s := range all {
		if jobs[i], errs[i] = c.opts.check(s, time.Now()); errs[i] == nil {
			jobs[i].id, errs[i] = newID(s.Type)
		}
	}
	for i, end := range c.submitGathered(ctx, all[0].Type, jobs) {
		errs[i] = errors.Join(errs[i], end.err)
	}
	return errs
}

// OnlyTurns keeps a client from using the quick script.
func (c *Client) OnlyTurns(jobTypes ...string) {
	for _, t := range jobTypes {
		c.slow.Store(t, time.Now().Add(time.Hour))
	}
}
