package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

// turnTimeout bounds one turn, and one call for several requests. A turn runs to its end even if the caller stops waiting:
// jobs in an answer that is not read would be claimed but not run until their lease passes.
const turnTimeout = 10 * time.Second

// MaxClaim is the largest number of jobs that one claim returns. A script that claims more would block Redis for long, and
// Lua can't pass more than some thousand values to one command.
const MaxClaim = 100

// Claim claims up to n jobs for a registered worker; see [API]. It wakes up when a job arrives for which this worker is
// chosen, and polls after Options.Poll at the latest.
func (c *Client) Claim(ctx context.Context, w WorkerInfo, n int, wait time.Duration) ([]Claimed, error) {
	if n < 1 {
		return nil, &InvalidError{"n", "must be at least 1"}
	}
	until := time.Now().Add(wait)
	wasIdle := false
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		left := time.Until(until)
		t, err := c.turn(ctx, turnRequest{worker: w, n: n, mayBeIdle: wasIdle, becomeIdle: left > 0})
		if err != nil {
			return nil, err
		}
		if len(t.claimed) > 0 {
			return t.claimed, nil
		}
		pause := min(left, c.jittered())
		if t.soon > 0 {
			pause = min(pause, t.soon)
		}
		switch {
		case t.status == "more":
			continue
		case t.status == "unregistered":
			err = c.registerAgain(ctx, w)
		case left <= 0:
			return nil, nil
		case t.status == "idle":
			wasIdle = true
			err = c.sleepIdle(ctx, w, pause)
		default: // draining, paused or limited: there is no wake-up
			err = sleep(ctx, pause)
		}
		if err != nil {
			return nil, err
		}
	}
}

// jittered returns how long to sleep before the next poll: half of Options.Poll to all of it.
func (c *Client) jittered() time.Duration {
	return c.opts.Poll/2 + rand.N(c.opts.Poll/2+1)
}

// sleep waits for d. It returns ctx's error if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// sleepIdle waits on the worker's own list for a token. When ctx ends it pushes a token itself, which ends the
// wait, and removes the worker from idle. A wake-up that arrived meanwhile is passed to another worker.
func (c *Client) sleepIdle(ctx context.Context, w WorkerInfo, d time.Duration) error {
	jobType, me := w.Offer.Type, w.Machine+"/"+w.Name
	key := c.keys.wake(jobType, me)
	lasting, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), d+turnTimeout, errNoAnswer)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.wake(lasting, jobType, []string{me}) })
	err := c.waiters.Do(lasting, "BLPOP", key, d.Seconds()).Err()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	if err != nil {
		c.lingers(w)
	}
	if stop() {
		return c.wrap(lasting, err)
	}
	woken, err := c.evalAgain(lasting, "leave", jobType, []string{key}, w.Machine, w.Name, w.Offer.Profile(), w.index())
	if err != nil {
		c.lingers(w)
		c.log.Debug("leaving idle failed; the next claim clears it", "worker", me, "error", err)
	}
	c.wake(lasting, jobType, texts(woken))
	return ctx.Err()
}

// ending is the end of one attempt, in the form that the turn script takes.
type ending struct {
	lease  Lease
	action string // c, f or r
	factor float64
	detail string
	result string
}

// turned is the outcome of a turn.
type turned struct {
	ended   []string // ok, stale or missing, per ending
	status  string
	claimed []Claimed
	soon    time.Duration // until a rate limit lets the next job start; 0: unknown
}

// turn ends attempts, claims up to n jobs and reads the rest of what belongs to them. Nearly always the quick script does it
// all. The turn script does what that leaves, and repeats a call whose answer was lost.
func (c *Client) turn(ctx context.Context, r turnRequest) (*turned, error) {
	worker := r.worker.key()
	r.n = min(r.n, MaxClaim)
	nonce, replay, lingers := c.nonceFor(worker, r.n)
	r.nonce, r.replay, r.mayBeIdle = nonce, replay, r.mayBeIdle || lingers
	if r.n > 0 {
		r.profile = r.worker.Offer.Profile()
	}
	lasting, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), turnTimeout, errNoAnswer)
	defer cancel()
	t, given, err := c.carryOut(lasting, &r)
	c.settle(worker, r.n, nonce, err)
	if err != nil {
		return nil, err
	}
	t.claimed, err = c.fill(lasting, r.worker.Offer.Type, given)
	if err != nil {
		return nil, err
	}
	return t, nil
}

// turnRequest describes one turn. The caller sets the first part, turn the rest.
type turnRequest struct {
	worker     WorkerInfo
	endings    []ending
	n          int  // jobs to claim
	mayBeIdle  bool // the worker may be registered as idle
	becomeIdle bool // register the worker as idle if there is no job

	profile string // empty if no jobs are claimed
	nonce   string
	replay  bool // a call with this nonce got no answer
}

// carryOut returns what the scripts did, and the claimed jobs in the form that [Client.fill] takes.
func (c *Client) carryOut(ctx context.Context, r *turnRequest) (*turned, []any, error) {
	var ended []string
	if c.isQuick(r) {
		q, err := gathered(ctx, c.turns, r.worker.Offer.Type+" "+r.profile, r)
		if err = errors.Join(err, q.err); err != nil && !isBroken(err) {
			return nil, nil, err
		}
		if r.replay = err != nil; q.done {
			if q.idle {
				return &turned{ended: q.ended, status: "idle"}, nil, nil
			}
			if len(q.given) > 0 || r.n == 0 {
				return &turned{ended: q.ended, status: "ok"}, q.given, nil
			}
			ended, r.endings = q.ended, nil
		}
	}
	reply, err := c.evalTurn(ctx, r)
	if isBroken(err) && !r.replay {
		r.replay = true
		reply, err = c.evalTurn(ctx, r)
	}
	if err != nil {
		return nil, nil, err
	}
	c.wake(ctx, r.worker.Offer.Type, texts(at(reply, 3)))
	t := &turned{ended: append(ended, texts(at(reply, 0))...), status: text(at(reply, 1)), soon: time.Duration(number(at(reply, 4))) * time.Millisecond}
	return t, list(at(reply, 2)), nil
}

func (c *Client) evalTurn(ctx context.Context, r *turnRequest) (any, error) {
	w := r.worker
	more := append(make([]string, 0, 1+len(r.endings)), c.keys.wake(w.Offer.Type, w.Machine+"/"+w.Name))
	args := append(make([]any, 0, 14+7*len(r.endings)),
		w.Machine, w.Name, r.profile, w.index(), r.n, r.nonce, c.opts.Lease.Milliseconds(), c.opts.Overrun.Milliseconds(),
		c.opts.KeepOff.Milliseconds(), boolArg(r.mayBeIdle), boolArg(r.becomeIdle), c.opts.Backoff.Milliseconds(), c.opts.MaxBackoff.Milliseconds(), boolArg(r.replay),
	)
	for _, e := range r.endings {
		more = append(more, c.keys.details(e.lease.JobID))
		args = append(args, e.lease.JobID, e.lease.Fence, e.lease.Nonce, e.action, e.factor, e.detail, e.result)
	}
	return c.eval(ctx, "turn", w.Offer.Type, more, args...)
}

// givenValues is how many values the scripts return per job: id, record, parameters, meta.
const givenValues = 4

// fill decodes the jobs in the script's answer, [givenValues] each, and reads what the script left out: large parameters
// and, once per class, requirements. If that fails, it releases the jobs.
func (c *Client) fill(ctx context.Context, jobType string, given []any) ([]Claimed, error) {
	if len(given) == 0 {
		return nil, nil
	}
	var out []Claimed
	var classes, large []string
	for i := 0; i+givenValues <= len(given); i += givenValues {
		id := text(given[i])
		r, err := parseRecord(id, text(given[i+1]))
		if err != nil {
			return nil, err
		}
		job, err := r.job(text(given[i+3]), nil)
		if err != nil {
			return nil, err
		}
		if given[i+2] == nil && r.has&hasLarge != 0 {
			large = append(large, id)
		} else if s := text(given[i+2]); s != "" {
			job.Parameters = []byte(s)
		}
		classes = append(classes, r.class)
		out = append(out, Claimed{Job: *job, Lease: r.lease()})
	}
	if err := c.fillRest(ctx, jobType, out, classes, large); err != nil {
		return nil, errors.Join(err, c.giveBack(ctx, out))
	}
	return out, nil
}

func (c *Client) fillRest(ctx context.Context, jobType string, jobs []Claimed, classes, large []string) error {
	needs, err := c.requirements(ctx, jobType, classes)
	if err != nil {
		return err
	}
	bodies := map[string]string{}
	if len(large) > 0 {
		values, err := c.rdb.HMGet(ctx, c.keys.shard(jobType, "bodies"), large...).Result()
		if err != nil {
			return c.wrap(ctx, err)
		}
		for i, v := range values {
			bodies[large[i]] = text(v)
		}
	}
	for i := range jobs {
		jobs[i].Job.Requirements = needs[jobs[i].Job.Class]
		if s := bodies[jobs[i].Job.ID]; s != "" {
			jobs[i].Job.Parameters = []byte(s)
		}
	}
	return nil
}

func (c *Client) giveBack(ctx context.Context, jobs []Claimed) error {
	var errs []error
	for _, j := range jobs {
		errs = append(errs, c.Release(ctx, j.Lease, "its parameters could not be read"))
	}
	return errors.Join(errs...)
}
