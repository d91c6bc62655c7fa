package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
)

// ConflictError says that somebody else changed a pool between its plan and its apply.
type ConflictError struct {
	Pool string
	// Moved says what is different now.
	Moved []string
}

func (e *ConflictError) Error() string {
	text := fmt.Sprintf("pool %q: somebody else changed it since it was planned, and nothing was applied to it", e.Pool)
	for _, what := range e.Moved {
		text += "\n  " + what
	}
	return text + "\nPlan again and look at what is new."
}

// ReplaceError says that applying would replace running machines at once.
type ReplaceError struct {
	Pool     string
	Machines int
}

func (e *ReplaceError) Error() string {
	machines := "the running machine"
	if e.Machines > 1 {
		machines = fmt.Sprintf("%d running machines", e.Machines)
	}
	return fmt.Sprintf("pool %q: its Nomad job was changed by hand, and putting it back would replace %s at once, whether busy or not. "+
		"Undo the change in Nomad, or change the profile so that it makes a new revision, or say -force", e.Pool, machines)
}

// ApplyOptions are how a plan is carried out.
type ApplyOptions struct {
	// Force allows what replaces running machines at once.
	Force bool
	// Done, if set, is told of each pool as it is done with.
	Done func(*Pool)
}

// attempts is how often a pool is planned again because its counts moved meanwhile; they move in seconds, planning and
// registering takes milliseconds.
const attempts = 5

// registering is how long Nomad may take to do what it was asked for.
const registering = 15 * time.Second

// Apply registers every pool of a plan that changes something, in the plan's order, and stops at the first that fails, or
// when ctx ends: what Nomad was asked for by then is awaited. Where it stops after something was applied, or is interrupted,
// the error is an [UnfinishedError]. pools are what was planned.
func Apply(ctx context.Context, c *Cluster, p *Plan, pools []*compiler.Pool, opts ApplyOptions) error {
	compiled := map[string]*compiler.Pool{}
	for _, pool := range pools {
		compiled[pool.Name] = pool
	}
	for _, pool := range p.Pools {
		if pool.Action == Nothing || pool.Action == Orphan {
			continue
		}
		if ctx.Err() != nil {
			return c.unfinished(ctx, &UnfinishedError{Plan: p})
		}
		if err := c.applyOne(ctx, pool, compiled[pool.Name], opts.Force); err != nil {
			return c.stopped(ctx, p, pool, err)
		}
		pool.Applied = true
		if opts.Done != nil {
			opts.Done(pool)
		}
	}
	return nil
}

// stopped is the error of a plan that failed at a pool.
func (c *Cluster) stopped(ctx context.Context, p *Plan, at *Pool, err error) error {
	e := &UnfinishedError{Plan: p, Err: err}
	var unreachable *UnreachableError
	if errors.Is(err, context.DeadlineExceeded) {
		e.Err = &UnreachableError{c.address, "it takes too long"}
		e.Uncertain = at
	} else if errors.As(err, &unreachable) && unreachable.Reason != syscall.ECONNREFUSED.Error() {
		e.Uncertain = at
	}
	if applied, _ := p.split(nil); len(applied) == 0 && e.Uncertain == nil {
		return err
	}
	return c.unfinished(ctx, e)
}

// applyOne applies a pool. It isn't interrupted: whether it was applied could not be told then.
func (c *Cluster) applyOne(ctx context.Context, pool *Pool, compiled *compiler.Pool, force bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), registering)
	defer cancel()
	if pool.Action == Remove {
		return c.remove(ctx, pool)
	}
	if err := c.apply(ctx, pool, compiled, force); err != nil {
		return err
	}
	if pool.Action != Revise {
		return nil
	}
	if err := c.tagFormer(ctx, pool); err != nil {
		pool.Notes = append(pool.Notes, fmt.Sprintf("revision %s could not be marked in Nomad, so a rollback to it may not be possible later: %s", pool.From, c.unreachable(err)))
	}
	return nil
}

func (c *Cluster) apply(ctx context.Context, planned *Pool, pool *compiler.Pool, force bool) error {
	current := planned
	for range attempts {
		if current.Replaced > 0 && !force {
			return &ReplaceError{Pool: planned.Name, Machines: current.Replaced}
		}
		answer, _, err := c.planner.RegisterOpts(current.job, &nomad.RegisterOptions{EnforceIndex: true, ModifyIndex: current.Index}, current.Place.write(ctx))
		if err == nil {
			planned.eval = answer.EvalID
			return nil
		}
		if !isConflict(err) {
			return c.explain(planned.Name, err)
		}
		// The dispatcher resizes pools at any time. A plan that differs in counts alone is still the plan that was agreed to.
		if current, err = c.plan(ctx, pool, planned.adopts()); err != nil {
			return err
		}
		if what := moved(planned, current); len(what) > 0 {
			return &ConflictError{Pool: planned.Name, Moved: what}
		}
	}
	return &ConflictError{Pool: planned.Name, Moved: []string{fmt.Sprintf("its count changed %d times while it was being applied", attempts)}}
}

// isConflict knows Nomad's answer to an enforced index that has moved: an internal server error with these words.
func isConflict(err error) bool {
	var unexpected nomad.UnexpectedResponseError
	return errors.As(err, &unexpected) && strings.Contains(unexpected.Body(), nomad.RegisterEnforceIndexErrPrefix)
}
