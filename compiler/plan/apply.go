package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/nettext"
)

// ConflictError reports that a pool was changed between its plan and its apply.
type ConflictError struct {
	Pool string
	// Moved describes what is different now.
	Moved []string
}

func (e *ConflictError) Error() string {
	text := fmt.Sprintf("pool %q: it was changed since it was planned, and nothing was applied to it", e.Pool)
	for _, what := range e.Moved {
		text += "\n  " + what
	}
	return text + "\nPlan again and review what is new."
}

// ReplaceError reports that applying would replace running machines immediately.
type ReplaceError struct {
	Pool     string
	Machines int
}

func (e *ReplaceError) Error() string {
	machines := "the running machine"
	if e.Machines > 1 {
		machines = fmt.Sprintf("%d running machines", e.Machines)
	}
	return fmt.Sprintf("pool %q: its Nomad job was changed by hand, and restoring it would replace %s immediately, busy or not. "+
		"Undo the change in Nomad, or change the profile so that it makes a new revision, or use -force", e.Pool, machines)
}

// ApplyOptions configures [Apply].
type ApplyOptions struct {
	// Force allows changes that replace running machines immediately.
	Force bool
	// Done, if set, is called with each pool that has been applied.
	Done func(*Pool)
}

// attempts limits how often a pool is planned again because its counts changed in between. Counts change every few
// seconds, and planning and registering take milliseconds.
const attempts = 5

// registering is the time limit for registering or stopping one pool.
const registering = 15 * time.Second

// Apply registers every pool of a plan that changes something, in the plan's order. It stops at the first that fails, or
// when ctx ends; a request that is already sent is still awaited. If Apply stops after something was applied, or is
// interrupted, the error is an [UnfinishedError]. pools are the compiled pools of the plan.
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

// stopped returns the error for a plan whose apply failed at a pool.
func (c *Cluster) stopped(ctx context.Context, p *Plan, at *Pool, err error) error {
	e := &UnfinishedError{Plan: p, Err: err}
	var unreachable *UnreachableError
	if errors.Is(err, context.DeadlineExceeded) {
		e.Err = &UnreachableError{c.address, err}
		e.Uncertain = at
	} else if errors.As(err, &unreachable) && !nettext.Refused(unreachable) {
		e.Uncertain = at
	}
	if applied, _ := p.split(nil); len(applied) == 0 && e.Uncertain == nil {
		return err
	}
	return c.unfinished(ctx, e)
}

// applyOne applies a pool. It can't be interrupted, because it would then be unknown whether the pool was applied.
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
		// The dispatcher resizes pools at any time. A plan that differs only in counts is still the one that was agreed to.
		if current, err = c.plan(ctx, pool, planned.adopts()); err != nil {
			return err
		}
		if what := moved(planned, current); len(what) > 0 {
			return &ConflictError{Pool: planned.Name, Moved: what}
		}
	}
	return &ConflictError{Pool: planned.Name, Moved: []string{fmt.Sprintf("its count changed %d times while it was being applied", attempts)}}
}

// isConflict reports whether Nomad refused a registration because the enforced index has changed. It answers that with an
// internal server error, which only its text distinguishes.
func isConflict(err error) bool {
	var unexpected nomad.UnexpectedResponseError
	return errors.As(err, &unexpected) && strings.Contains(unexpected.Body(), nomad.RegisterEnforceIndexErrPrefix)
}
