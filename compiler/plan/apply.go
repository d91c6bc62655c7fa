package plan

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
)

// ConflictError says that somebody else changed a pool between its plan and its apply.
type ConflictError struct {
	Pool string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("pool %q: somebody else changed it since it was planned; nothing was applied to it. Plan again and look at what is new", e.Pool)
}

// ReplaceError says that applying would replace running machines at once.
type ReplaceError struct {
	Pool     string
	Machines int
}

func (e *ReplaceError) Error() string {
	return fmt.Sprintf("pool %q: its Nomad job was changed by hand, and putting it back would replace %d running machines at once, busy ones included. "+
		"Undo the change in Nomad, or change the profile so that it makes a new revision, or say -force", e.Pool, e.Machines)
}

// ApplyOptions are how a plan is carried out.
type ApplyOptions struct {
	// Force allows what replaces running machines at once.
	Force bool
	// Done, if set, is told of each pool as it is registered.
	Done func(*Pool)
}

// attempts is how often a pool is planned again because its counts moved meanwhile; they move in seconds, planning and
// registering takes milliseconds.
const attempts = 5

// Apply registers every pool of a plan that changes something, in the plan's order, and stops at the first that fails.
// pools are what was planned.
func Apply(ctx context.Context, c *Cluster, p *Plan, pools []*compiler.Pool, opts ApplyOptions) error {
	compiled := map[string]*compiler.Pool{}
	for _, pool := range pools {
		compiled[pool.Name] = pool
	}
	for _, pool := range p.Pools {
		if pool.Action != Nothing {
			if err := c.apply(ctx, pool, compiled[pool.Name], opts.Force); err != nil {
				return err
			}
		}
		if opts.Done != nil {
			opts.Done(pool)
		}
	}
	return nil
}

func (c *Cluster) apply(ctx context.Context, planned *Pool, pool *compiler.Pool, force bool) error {
	current := planned
	for range attempts {
		if current.Replaced > 0 && !force {
			return &ReplaceError{Pool: planned.Name, Machines: current.Replaced}
		}
		_, _, err := c.planner.RegisterOpts(current.job, &nomad.RegisterOptions{EnforceIndex: true, ModifyIndex: current.Index}, current.Place.write(ctx))
		if err == nil {
			return nil
		}
		if !isConflict(err) {
			return c.explain(planned.Name, err)
		}
		// The dispatcher resizes pools at any time. A plan that differs in counts alone is still the plan that was agreed to.
		if current, err = c.plan(ctx, pool); err != nil {
			return err
		}
		if !sameIntent(planned, current) {
			return &ConflictError{Pool: planned.Name}
		}
	}
	return &ConflictError{Pool: planned.Name}
}

// sameIntent says whether two plans of a pool differ in counts at most.
func sameIntent(a, b *Pool) bool {
	return a.Action == b.Action && a.From == b.From && a.To == b.To && reflect.DeepEqual(a.Changes, b.Changes)
}

// isConflict knows Nomad's answer to an enforced index that has moved: an internal server error with these words.
func isConflict(err error) bool {
	var unexpected nomad.UnexpectedResponseError
	return errors.As(err, &unexpected) && strings.Contains(unexpected.Body(), nomad.RegisterEnforceIndexErrPrefix)
}
