package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/redis/go-redis/v9"
)

// turnTimeout bounds one call of the turn script. It runs to its end even where the caller stops waiting: an answer that
// nobody reads would leave jobs claimed by nobody until their lease passes.
const turnTimeout = 10 * time.Second

// Claim takes up to n jobs for a registered worker; see [API]. It wakes up when a job arrives that this worker can run
// and is the one chosen for it, and looks by itself after Options.Poll at the latest.
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
		t, err := c.turn(ctx, w, nil, n, wasIdle, left > 0)
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
			err = c.Register(ctx, w)
		case left <= 0:
			return nil, nil
		case t.status == "idle":
			wasIdle = true
			err = c.sleepIdle(ctx, w, pause)
		default: // draining, paused or limited: nobody wakes us
			err = sleep(ctx, pause)
		}
		if err != nil {
			return nil, err
		}
	}
}

// jittered is how long to sleep before looking again, half of Options.Poll to all of it.
func (c *Client) jittered() time.Duration {
	return c.opts.Poll/2 + rand.N(c.opts.Poll/2+1)
}

// sleep waits for d or the end of ctx, which is its error.
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

// sleepIdle waits on the worker's own list for a token. When ctx ends it pushes a token itself, so that the wait ends at
// once, and takes the worker out of idle; a wake-up that was on its way is handed to another worker.
func (c *Client) sleepIdle(ctx context.Context, w WorkerInfo, d time.Duration) error {
	jobType, me := w.Offer.Type, w.Machine+"/"+w.Name
	key := c.keys.wake(jobType, me)
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), d+turnTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { c.wake(lasting, jobType, []string{me}) })
	err := c.waiters.Do(lasting, "BLPOP", key, d.Seconds()).Err()
	if errors.Is(err, redis.Nil) {
		err = nil
	}
	if stop() {
		return c.wrap(lasting, err)
	}
	woken, err := c.evalAgain(lasting, "leave", jobType, []string{key}, w.Machine, w.Name, w.Offer.Profile(), w.index())
	if err != nil {
		c.log.Debug("leaving idle failed; the next claim clears it", "worker", me, "error", err)
	}
	c.wake(lasting, jobType, texts(woken))
	return ctx.Err()
}

// ending is one attempt's end, as the turn script takes it.
type ending struct {
	lease  Lease
	action string // c, f or r
	factor float64
	detail string
	result string
}

// turned is what the turn script answered.
type turned struct {
	ended   []string // ok, stale or missing, per ending
	status  string
	claimed []Claimed
	soon    time.Duration // until a rate limit lets the next job start; 0: unknown
}

// turn runs the turn script and completes what it claimed.
func (c *Client) turn(ctx context.Context, w WorkerInfo, endings []ending, n int, wasIdle, idle bool) (*turned, error) {
	jobType := w.Offer.Type
	profile := ""
	if n > 0 {
		profile = w.Offer.Profile()
	}
	me := w.Machine + "/" + w.Name
	nonce, replay := c.nonceFor(me, n)
	more := []string{c.keys.wake(jobType, me)}
	args := []any{
		w.Machine, w.Name, profile, w.index(), n, nonce, c.opts.Lease.Milliseconds(), c.opts.Overrun.Milliseconds(),
		c.opts.KeepOff.Milliseconds(), boolArg(wasIdle), boolArg(idle), c.opts.Backoff.Milliseconds(), c.opts.MaxBackoff.Milliseconds(), boolArg(replay),
	}
	for _, e := range endings {
		more = append(more, c.keys.details(e.lease.JobID))
		args = append(args, e.lease.JobID, e.lease.Fence, e.lease.Nonce, e.action, e.factor, e.detail, e.result)
	}
	lasting, cancel := context.WithTimeout(context.WithoutCancel(ctx), turnTimeout)
	defer cancel()
	reply, err := c.eval(lasting, "turn", jobType, more, args...)
	if isBroken(err) {
		args[replayArg] = "1"
		reply, err = c.eval(lasting, "turn", jobType, more, args...)
	}
	c.settle(me, n, nonce, err)
	if err != nil {
		return nil, err
	}
	c.wake(lasting, jobType, texts(at(reply, 3)))
	t := &turned{ended: texts(at(reply, 0)), status: text(at(reply, 1)), soon: time.Duration(number(at(reply, 4))) * time.Millisecond}
	if t.claimed, err = c.fill(lasting, jobType, list(at(reply, 2))); err != nil {
		return nil, err
	}
	return t, nil
}

// replayArg is the place of the replay flag among the turn script's arguments.
const replayArg = 13

// nonceFor is a new nonce for a claim or, where an earlier claim of the worker got no answer, that one's: the script then
// gives the same jobs again.
func (c *Client) nonceFor(worker string, n int) (nonce string, replay bool) {
	if n == 0 {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if nonce, replay = c.unanswered[worker]; replay {
		return nonce, true
	}
	return newNonce(), false
}

// settle remembers a claim that got no answer, and forgets it when it got one.
func (c *Client) settle(worker string, n int, nonce string, err error) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.unanswered[worker] = nonce
	} else {
		delete(c.unanswered, worker)
	}
}

// fill makes jobs of the script's answer, four values each, reading what it left out: large parameters and, once per
// class, requirements. If that fails the jobs are given back.
func (c *Client) fill(ctx context.Context, jobType string, given []any) ([]Claimed, error) {
	if len(given) == 0 {
		return nil, nil
	}
	var out []Claimed
	var classes, large []string
	for i := 0; i+3 < len(given); i += 4 {
		id := text(given[i])
		r, err := parseRecord(id, text(given[i+1]))
		if err != nil {
			return nil, err
		}
		job, err := r.job(text(given[i+3]), nil)
		if err != nil {
			return nil, err
		}
		if given[i+2] == nil && r.has >= 4 {
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
