package queue

import (
	"context"
	"errors"
	"time"
)

// TwinTurn is one worker's part of [Client.GatheredTurns], and what came of it.
type TwinTurn struct {
	Worker        WorkerInfo
	Done          []Ending
	N             int
	WasIdle, Idle bool

	Quick   bool // the quick script did it, all but the claim where it gave nothing
	Number  int  // of jobs that it gave; -1: idle
	Ended   []string
	Status  string
	Claimed []Claimed
}

func (t *TwinTurn) attempt() (*attempt, error) {
	a := &attempt{worker: t.Worker, n: t.N, nonce: newNonce(), wasIdle: t.WasIdle, idle: t.Idle, profile: t.Worker.Offer.Profile()}
	for _, d := range t.Done {
		e, err := d.encode()
		if err != nil {
			return nil, err
		}
		a.endings = append(a.endings, e)
	}
	return a, nil
}

// GatheredTurns hands turns of workers with the same profile to one call of the quick script, as happens to those that come
// at once; what that leaves is not done.
func (c *Client) GatheredTurns(ctx context.Context, turns []*TwinTurn) error {
	attempts := make([]*attempt, len(turns))
	for i, t := range turns {
		var err error
		if attempts[i], err = t.attempt(); err != nil {
			return err
		}
	}
	jobType := turns[0].Worker.Offer.Type
	for i, q := range c.quickTurns(ctx, jobType+" "+attempts[0].profile, attempts) {
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

// PlainTurn does a turn with the turn script alone.
func (c *Client) PlainTurn(ctx context.Context, t *TwinTurn) error {
	c.OnlyTurns(t.Worker.Offer.Type)
	endings := make([]ending, len(t.Done))
	for i, d := range t.Done {
		var err error
		if endings[i], err = d.encode(); err != nil {
			return err
		}
	}
	done, err := c.turn(ctx, t.Worker, endings, t.N, t.WasIdle, t.Idle)
	if err != nil {
		return err
	}
	t.Ended, t.Status, t.Claimed = done.ended, done.status, done.claimed
	return nil
}

// ShardKey is the name of one of a type's keys.
func (c *Client) ShardKey(jobType, name string) string { return c.keys.shard(jobType, name) }

// SubmitTogether takes submissions in as those that come at once are, and returns their errors.
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
