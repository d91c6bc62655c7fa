package plan

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// WaitOptions are how [Wait] waits.
type WaitOptions struct {
	// Every is the time between two looks. Default 1 s.
	Every time.Duration
	// Look, if set, is told what each look found, in the pools' order.
	Look func([]Progress)
}

// Progress is how far a pool is on its way to the wanted revision.
type Progress struct {
	Pool     string   `json:"pool"`
	Revision string   `json:"revision"`
	Ready    int      `json:"ready"` // machines of the wanted revision
	Goal     int      `json:"goal"`  // how many there should be
	Old      int      `json:"old"`   // machines of other revisions still running
	Done     bool     `json:"done"`
	Trouble  []string `json:"trouble,omitempty"` // what machines wait for or failed with
}

// NotReadyError says which pools weren't done when the time was up.
type NotReadyError struct {
	Pools []Progress
}

func (e *NotReadyError) Error() string {
	var b strings.Builder
	b.WriteString("applied, but not ready in time:")
	for _, p := range e.Pools {
		fmt.Fprintf(&b, "\n  %s: %d of %d machines ready on revision %s", p.Pool, p.Ready, p.Goal, p.Revision)
		if p.Old > 0 {
			fmt.Fprintf(&b, ", %d still on older ones (the dispatcher moves them, each when it is idle: is it running?)", p.Old)
		}
		for _, why := range p.Trouble {
			b.WriteString("\n    " + why)
		}
	}
	return b.String()
}

// Wait follows the pools of an applied plan until each has its minimum, and what its group's count asks for, ready on
// the wanted revision, and nothing on others. It ends with [NotReadyError] when ctx's deadline passes.
func Wait(ctx context.Context, c *Cluster, p *Plan, opts WaitOptions) error {
	if opts.Every <= 0 {
		opts.Every = time.Second
	}
	tick := time.NewTicker(opts.Every)
	defer tick.Stop()
	var last []Progress
	for {
		seen, err := look(ctx, c, p)
		switch {
		case err == nil:
			last = seen
			if opts.Look != nil {
				opts.Look(seen)
			}
			if open(seen) == nil {
				return nil
			}
		case ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			if cause := context.Cause(ctx); cause != context.DeadlineExceeded { //nolint:errorlint // a signal's cause, not wrapped
				return cause
			}
			return &NotReadyError{Pools: open(last)}
		case <-tick.C:
		}
	}
}

// open are those that aren't done.
func open(all []Progress) []Progress {
	var list []Progress
	for _, p := range all {
		if !p.Done {
			list = append(list, p)
		}
	}
	return list
}

func look(ctx context.Context, c *Cluster, p *Plan) ([]Progress, error) {
	var list []Progress
	for _, pool := range p.Pools {
		switch pool.Action {
		case Nothing, Settings, Remove, Orphan:
			continue
		}
		state, err := Read(ctx, c, pool.Name, pool.Place)
		if err != nil {
			return nil, err
		}
		list = append(list, progress(pool, state))
	}
	return list, nil
}

func progress(pool *Pool, state *State) Progress {
	out := Progress{Pool: pool.Name, Revision: pool.To}
	if state == nil || state.Stopped {
		out.Trouble = []string{"its Nomad job was stopped meanwhile"}
		return out
	}
	wanted := state.Wanted()
	if wanted == nil || wanted.Revision != pool.To {
		out.Trouble = []string{"another revision was applied meanwhile"}
		return out
	}
	out.Ready, out.Goal, out.Old = wanted.Ready, max(wanted.Count, state.Min), state.oldRunning()
	for _, m := range state.Machines {
		if m.Group == wanted.Name && m.State != Ready && m.Why != "" {
			out.Trouble = append(out.Trouble, fmt.Sprintf("machine %s[%d] is %s: %s", m.Group, m.Index, m.State, m.Why))
		}
	}
	out.Done = out.Ready >= out.Goal && out.Old == 0
	return out
}
