package queue

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/timetext"
)

// Explain explains why a job is in its state. It judges every live worker with package capability.
func (c *Client) Explain(ctx context.Context, id string) (*Explanation, error) {
	r, job, err := c.get(ctx, id)
	if err != nil {
		return nil, err
	}
	e := &Explanation{JobID: id, State: r.state, Position: -1}
	if r.state.Final() {
		e.Summary = "ended: " + string(r.state)
		if job.Error != nil {
			e.Summary += ": " + job.Error.Message
		}
		return e, nil
	}
	if r.state == Running {
		e.Summary = fmt.Sprintf("running on machine %s, worker %s, since %s", r.machine, r.worker, timetext.Moment(fromMillis(r.started)))
		return e, nil
	}
	if err := c.judge(ctx, r, job, e); err != nil {
		return nil, err
	}
	paused, err := c.paused(ctx, job.Type)
	if err != nil {
		return nil, err
	}
	held := false
	if r.state == Waiting {
		if held, err = c.isHeld(ctx, r); err != nil {
			return nil, err
		}
		if e.Position, err = c.positionOf(ctx, r); err != nil {
			return nil, err
		}
	}
	e.Summary = summary(r, e, paused, held)
	return e, nil
}

// DryRun checks a submission without submitting it, and explains who could run it; see [API]. It doesn't compare it with
// earlier submissions of the same idempotency key.
func (c *Client) DryRun(ctx context.Context, s Submission) (*Job, *Explanation, error) {
	checked, err := c.opts.check(s, time.Now())
	if err != nil {
		return nil, nil, err
	}
	job := &Job{Type: s.Type, State: Waiting, Class: checked.class, Requirements: checked.needs, Priority: checked.priority, Tenant: s.Tenant}
	r := &record{id: s.Type + "-", state: Waiting, tenant: s.Tenant}
	e := &Explanation{State: Waiting, Position: -1}
	if err := c.judge(ctx, r, job, e); err != nil {
		return nil, nil, err
	}
	paused, err := c.paused(ctx, s.Type)
	if err != nil {
		return nil, nil, err
	}
	switch {
	case paused == "" && e.Able > 0:
		e.Summary = fmt.Sprintf("%d live workers can run it", e.Able)
	default:
		e.Summary = summary(r, e, paused, false)
	}
	return job, e, nil
}

// isHeld reports whether the job waits because of its tenant's limit.
func (c *Client) isHeld(ctx context.Context, r *record) (bool, error) {
	err := c.rdb.ZScore(ctx, c.keys.shard(typeOf(r.id), "held"), r.tenant+"\t"+r.order+":"+r.class+":"+r.id).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, c.wrap(ctx, err)
}

func summary(r *record, e *Explanation, paused string, held bool) string {
	switch {
	case r.state == Delayed && r.attempts > 0:
		return fmt.Sprintf("waits until %s before attempt %d of %d", timetext.Moment(fromMillis(r.ready)), r.attempts+1, r.maxAttempts)
	case r.state == Delayed:
		return "was submitted to start no earlier than " + timetext.Moment(fromMillis(r.ready))
	case paused != "":
		return "jobs of type " + typeOf(r.id) + " are paused: " + paused
	case held:
		return fmt.Sprintf("tenant %q is at its limit", r.tenant)
	case e.Able == 0 && len(e.Refusals) == 0:
		return "no worker of type " + typeOf(r.id) + " is alive"
	case e.Able == 0:
		return "no live worker can run it: " + e.Nearest.String()
	case e.Position == 0:
		return fmt.Sprintf("is next in its class; %d live workers can run it", e.Able)
	}
	return fmt.Sprintf("has %d jobs of its class before it; %d live workers can run it", e.Position, e.Able)
}

// judge counts the live workers that could run the job and the reasons why others can't, and finds the nearest of those.
func (c *Client) judge(ctx context.Context, r *record, job *Job, e *Explanation) error {
	workers, err := c.liveWorkers(ctx)
	if err != nil {
		return err
	}
	reasons := map[string]int{}
	var refused []refusedWorker
	for _, w := range workers {
		lacks, unmet := w.lacks(r, job)
		if len(lacks) == 0 {
			e.Able++
			continue
		}
		reasons[lacks[0]]++
		refused = append(refused, refusedWorker{liveWorker: w, lacks: lacks, unmet: unmet})
	}
	for reason, n := range reasons {
		e.Refusals = append(e.Refusals, Refusal{reason, n})
	}
	slices.SortFunc(e.Refusals, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(b.Workers, a.Workers), cmp.Compare(a.Reason, b.Reason))
	})
	if e.Able == 0 {
		e.Nearest = nearest(refused)
	}
	return nil
}

// lacks returns what keeps a worker from running the job, empty if nothing does, and how many requirements it doesn't meet. A
// worker of another type is farther away than any other.
func (w liveWorker) lacks(r *record, job *Job) (lacks []string, unmet int) {
	for _, m := range job.Requirements.Unmet(w.offer) {
		lacks = append(lacks, m.String())
	}
	unmet = len(lacks)
	switch {
	case w.offer.Type != job.Type:
		unmet = math.MaxInt
	case unmet > 0:
	case w.draining:
		lacks = append(lacks, "its machine is draining")
	case r.excluded == w.machine:
		lacks = append(lacks, "the job failed on this machine and keeps off it for a while")
	}
	return lacks, unmet
}

// refusedWorker is a worker that can't run a job.
type refusedWorker struct {
	liveWorker
	lacks []string
	unmet int
}

// nearest returns the worker with the fewest unmet requirements; of several, one that shares its lacks with the most others,
// then the first by name.
func nearest(workers []refusedWorker) *Nearest {
	if len(workers) == 0 {
		return nil
	}
	alike := map[string]int{}
	for _, w := range workers {
		alike[strings.Join(w.lacks, "\n")]++
	}
	count := func(w refusedWorker) int { return alike[strings.Join(w.lacks, "\n")] }
	best := slices.MinFunc(workers, func(a, b refusedWorker) int {
		return cmp.Or(
			cmp.Compare(a.unmet, b.unmet), cmp.Compare(count(b), count(a)), slices.Compare(a.lacks, b.lacks),
			cmp.Compare(a.machine, b.machine), cmp.Compare(a.name, b.name),
		)
	})
	return &Nearest{Machine: best.machine, Worker: best.name, Lacks: best.lacks, Workers: count(best)}
}

// String returns a phrase for people.
func (n *Nearest) String() string {
	who := fmt.Sprintf("the nearest is worker %s of machine %s", n.Worker, n.Machine)
	if n.Workers > 1 {
		who = fmt.Sprintf("the nearest are %d workers such as %s of machine %s", n.Workers, n.Worker, n.Machine)
	}
	return who + ": " + strings.Join(n.Lacks, "; ")
}

type liveWorker struct {
	machine, name string
	offer         capability.Offer
	draining      bool
}

// liveWorkers lists the registered workers of all types: a worker of another type is a reason, too.
func (c *Client) liveWorkers(ctx context.Context) ([]liveWorker, error) {
	types, err := c.allTypes(ctx)
	if err != nil {
		return nil, err
	}
	var out []liveWorker
	for _, t := range types {
		now, err := c.nowAt(ctx, t)
		if err != nil {
			return nil, err
		}
		ctl, err := c.rdb.HGetAll(ctx, c.keys.shard(t, "ctl")).Result()
		if err != nil {
			return nil, c.wrap(ctx, err)
		}
		f, err := c.readFleet(ctx, t)
		if err != nil {
			return nil, err
		}
		for field, v := range ctl {
			name, isWorker := strings.CutPrefix(field, "w:")
			profile, _, _ := strings.Cut(v, "\t")
			o, known := f.offers[profile]
			if !isWorker || !known { // its profile was removed meanwhile
				continue
			}
			machine, worker, _ := strings.Cut(name, "/")
			_, ours := parseDrain(ctl[drainField+machine], now)
			_, theirs := parseDrain(ctl[operatorDrainField+machine], now)
			out = append(out, liveWorker{machine: machine, name: worker, offer: o, draining: ours || theirs})
		}
	}
	return out, nil
}
