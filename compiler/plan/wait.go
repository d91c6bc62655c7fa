package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// WaitOptions configures [Wait].
type WaitOptions struct {
	// Every is the time between two observations. Default 1 s.
	Every time.Duration
	// Look, if set, is called with each observation, in the order of the pools.
	Look func([]Progress)
}

// Progress is a pool's progress to the wanted revision.
type Progress struct {
	Pool     string   `json:"pool"`
	Revision string   `json:"revision"`
	Ready    int      `json:"ready"` // ready machines of the wanted revision
	Goal     int      `json:"goal"`  // how many of them there should be
	Old      int      `json:"old"`   // machines of other revisions that still run
	Done     bool     `json:"done"`
	Trouble  []string `json:"trouble,omitempty"` // what machines wait for, or why they failed
	// Unchanged reports whether applying touched no machine. The goal of such a pool is its minimum, because the dispatcher
	// decides on any size beyond that.
	Unchanged bool `json:"unchanged,omitempty"`
	// Failure is why the pool can't become ready, or nil if it still can.
	Failure *Failure `json:"failure,omitempty"`
	// Former is the revision that was wanted before, or empty.
	Former string `json:"former,omitempty"`
	// Working is the revision to roll back to if the current one fails: the newest one that is known to have worked.
	Working string `json:"working,omitempty"`

	place Place
}

// Wait waits until each pool of an applied plan has its machines ready on the wanted revision, and none on others. A pool
// needs its minimum or, if its machines change, its group's count. Wait returns a [NotReadyError] when ctx's deadline
// passes, or earlier when each pool is ready or has failed.
func Wait(ctx context.Context, c *Cluster, p *Plan, opts WaitOptions) error {
	if opts.Every <= 0 {
		opts.Every = time.Second
	}
	tick := time.NewTicker(opts.Every)
	defer tick.Stop()
	var last []Progress
	answered, silent := time.Now(), error(nil)
	w := &waiting{cluster: c, plan: p, before: map[*Pool]*history{}, done: map[*Pool]bool{}}
	for {
		seen, err := w.look(ctx)
		switch {
		case err == nil:
			last, answered, silent = seen, time.Now(), nil
			if ended, err := w.shown(ctx, seen, opts); ended {
				return err
			}
		case ctx.Err() == nil:
			if silent = err; !isSilence(err) || time.Since(answered) > patience {
				return c.unfinished(ctx, &UnfinishedError{Err: err, Plan: p, State: last})
			}
		}
		select {
		case <-ctx.Done():
			if context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // a signal's cause, not wrapped
				return c.unfinished(ctx, &UnfinishedError{Plan: p, State: last})
			}
			return w.timeUp(ctx, last, silent, opts)
		case <-tick.C:
		}
	}
}

// shown passes an observation on, and reports whether waiting ends with it: with no error once all pools are ready.
func (w *waiting) shown(ctx context.Context, seen []Progress, opts WaitOptions) (bool, error) {
	if opts.Look != nil {
		opts.Look(seen)
	}
	left := open(seen)
	if len(left) == 0 {
		return true, nil
	}
	if !allFailed(left) {
		return false, nil
	}
	for _, one := range left {
		w.cluster.tail(ctx, one.Failure, one.place)
	}
	return true, w.cluster.notReady(ctx, &NotReadyError{Pools: left, Failed: true, Unchanged: !w.plan.Changes()})
}

// timeUp ends waiting at its deadline with a last observation, which has a deadline of its own: however short the time to
// wait was, the error names the pools that are not ready.
func (w *waiting) timeUp(ctx context.Context, last []Progress, silent error, opts WaitOptions) error {
	final, cancel := afterwards(ctx)
	defer cancel()
	seen, err := w.look(final)
	switch {
	case err == nil:
		if ended, err := w.shown(final, seen, opts); ended {
			return err
		}
		last = seen
	case silent != nil:
		return w.cluster.unfinished(ctx, &UnfinishedError{Err: silent, Plan: w.plan, State: last})
	case last == nil:
		return w.cluster.unfinished(ctx, &UnfinishedError{Err: err, Plan: w.plan})
	}
	return w.cluster.notReady(ctx, &NotReadyError{Pools: open(last), Unchanged: !w.plan.Changes()})
}

// notReady completes an error with the revisions that its pools can roll back to.
func (c *Cluster) notReady(ctx context.Context, e *NotReadyError) *NotReadyError {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	for i, one := range e.Pools {
		if one.Former != "" && one.Failure != nil {
			e.Pools[i].Working = c.working(ctx, one.Pool, one.Revision, one.place)
		}
	}
	return e
}

func isSilence(err error) bool {
	var unreachable *UnreachableError
	return errors.As(err, &unreachable)
}

// open returns the pools that aren't done.
func open(all []Progress) []Progress {
	var list []Progress
	for _, p := range all {
		if !p.Done {
			list = append(list, p)
		}
	}
	return list
}

func allFailed(list []Progress) bool {
	return !slices.ContainsFunc(list, func(p Progress) bool { return p.Failure == nil })
}

// waiting is the state of one call of [Wait].
type waiting struct {
	cluster *Cluster
	plan    *Plan
	before  map[*Pool]*history
	done    map[*Pool]bool // whether the pool's evaluation is complete
}

// evaluated reports whether Nomad has evaluated the registered job. Until then, machines that it is about to replace
// look like the new ones.
func (w *waiting) evaluated(ctx context.Context, pool *Pool) (bool, error) {
	if pool.eval == "" || w.done[pool] {
		return true, nil
	}
	evals, _, err := w.cluster.jobs.Evaluations(pool.Name, pool.Place.query(ctx))
	if err != nil {
		return false, w.cluster.explain(pool.Name, err)
	}
	i := slices.IndexFunc(evals, func(e *nomad.Evaluation) bool { return e.ID == pool.eval })
	w.done[pool] = i < 0 || evals[i].Status != nomad.EvalStatusPending
	return w.done[pool], nil
}

func (w *waiting) look(ctx context.Context) ([]Progress, error) {
	var list []Progress
	for _, pool := range w.plan.Pools {
		switch pool.Action {
		case Remove, Orphan:
			continue
		}
		evaluated, err := w.evaluated(ctx, pool) // before reading what it made
		if err != nil {
			return nil, err
		}
		state, err := Read(ctx, w.cluster, pool.Name, pool.Place)
		if err != nil {
			return nil, err
		}
		one, err := w.progress(ctx, pool, state, evaluated)
		if err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func (w *waiting) progress(ctx context.Context, pool *Pool, state *State, evaluated bool) (Progress, error) {
	out := Progress{Pool: pool.Name, Revision: pool.To, Unchanged: pool.Action == Nothing || pool.Action == Settings, place: pool.Place}
	if pool.From != pool.To {
		out.Former = pool.From
	}
	if state == nil || state.Stopped {
		out.Trouble = []string{"its Nomad job was stopped in the meantime"}
		return out, nil
	}
	wanted := state.Wanted()
	if wanted == nil || wanted.Revision != pool.To {
		out.Trouble = []string{"another revision was applied in the meantime"}
		return out, nil
	}
	before := w.before[pool]
	if before == nil {
		before = newHistory(state.Machines)
		w.before[pool] = before
	}
	out.Goal, out.Old = state.Min, state.oldRunning()
	if !out.Unchanged {
		out.Goal = max(wanted.Count, state.Min)
	}
	placed := 0
	for _, m := range state.Machines {
		if m.Group != wanted.Name {
			continue
		}
		placed++
		switch {
		case before.isSettled(m, time.Now()):
			out.Ready++
		case m.State == Ready:
			out.Trouble = append(out.Trouble, fmt.Sprintf("machine %s[%d] has just become ready after a restart of %s: %s", m.Group, m.Index, m.Failing.Task, m.Failing.Why))
		case m.Why != "":
			out.Trouble = append(out.Trouble, fmt.Sprintf("machine %s[%d] is %s: %s", m.Group, m.Index, m.State, m.Why))
		}
	}
	missing, err := w.missing(ctx, pool, wanted, placed)
	if err != nil {
		return out, err
	}
	out.Trouble = append(out.Trouble, missing...)
	if wanted.Count < state.Min && out.Old == 0 {
		out.Trouble = append(out.Trouble, fmt.Sprintf("its count is %d, below its minimum of %d: the dispatcher raises it (is it running?)", wanted.Count, state.Min))
	}
	out.Done = evaluated && out.Ready >= out.Goal && out.Old == 0
	if !out.Done {
		out.Failure = before.failure(wanted.Name, state.Machines)
	}
	return out, nil
}

// missing describes why Nomad has not placed all machines of a group's count.
func (w *waiting) missing(ctx context.Context, pool *Pool, group *GroupState, placed int) ([]string, error) {
	missing := group.Count - placed
	if missing <= 0 {
		return nil, nil
	}
	why, err := w.cluster.room(ctx, pool.Name, group.Name, pool.Place)
	if err != nil || why == "" {
		return nil, err
	}
	wait := "wait"
	if missing == 1 {
		wait = "waits"
	}
	return []string{fmt.Sprintf("%d more %s for a place: %s", missing, wait, why)}, nil
}
