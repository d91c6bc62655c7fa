package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// UnfinishedError reports that an apply ended early: what was applied and what wasn't, what continues without further
// action, and which commands continue or undo the apply.
type UnfinishedError struct {
	// Err is the cause, or nil if the apply was interrupted.
	Err  error
	Plan *Plan
	// Uncertain is a pool whose registration got no answer, or nil. The pool may or may not have been applied.
	Uncertain *Pool
	// State is the progress of the pools when waiting ended, or nil if it had not begun.
	State []Progress
	// Again is the command that continues the apply, and Note explains it.
	Again, Note string
}

func (e *UnfinishedError) Unwrap() error { return e.Err }

// Interrupted reports whether the apply was interrupted, rather than failed.
func (e *UnfinishedError) Interrupted() bool { return e.Err == nil }

func (e *UnfinishedError) Error() string {
	ended := "interrupted"
	if e.Err != nil {
		ended = e.Err.Error()
	}
	applied, left := e.Plan.split(e.Uncertain)
	if len(applied) == 0 && e.Uncertain == nil {
		if e.State != nil {
			return ended + "; nothing had to be changed" + e.state()
		}
		return ended + "; nothing was changed"
	}
	var b strings.Builder
	b.WriteString(ended)
	line := func(what string, pools []*Pool) {
		if len(pools) > 0 {
			fmt.Fprintf(&b, "\n  %s: %s", what, strings.Join(names(pools), ", "))
		}
	}
	line("applied", applied)
	if e.Uncertain != nil {
		line("no answer from Nomad, may or may not be applied", []*Pool{e.Uncertain})
	}
	line("not applied", left)
	b.WriteString(e.state())
	for _, goesOn := range goingOn(applied) {
		b.WriteString("\n  " + goesOn)
	}
	b.WriteString("\n  Next:")
	if e.Again != "" {
		fmt.Fprintf(&b, "\n    %s   (%s)", e.Again, e.Note)
	}
	for _, pool := range applied {
		b.WriteString("\n    " + pool.undo())
	}
	return b.String()
}

// state describes the pools' progress.
func (e *UnfinishedError) state() string {
	var b strings.Builder
	for _, one := range open(e.State) {
		fmt.Fprintf(&b, "\n  not ready yet: %s, %d of %d machines", one.Pool, one.Ready, one.Goal)
	}
	return b.String()
}

// split returns the pools that were applied, and those that are still to be applied.
func (p *Plan) split(uncertain *Pool) (applied, left []*Pool) {
	for _, pool := range p.Pools {
		switch {
		case pool.Action == Nothing || pool.Action == Orphan || pool == uncertain:
		case pool.Applied:
			applied = append(applied, pool)
		default:
			left = append(left, pool)
		}
	}
	return applied, left
}

// Left returns the names of the pools that are still to be applied.
func (p *Plan) Left() []string {
	_, left := p.split(nil)
	return names(left)
}

func names(pools []*Pool) []string {
	var list []string
	for _, pool := range pools {
		list = append(list, pool.Name)
	}
	return list
}

// goingOn describes what happens to applied pools without further action.
func goingOn(applied []*Pool) []string {
	var list []string
	for _, kind := range []struct {
		actions []Action
		format  string
	}{
		{[]Action{Create, Repair}, "Nomad continues to start the machines of %s."},
		{[]Action{Revise}, "The dispatcher continues to move the machines of %s to the new revision, each when it is idle."},
		{[]Action{Remove}, "The machines of %s continue to end."},
	} {
		of := slices.DeleteFunc(slices.Clone(applied), func(p *Pool) bool { return !slices.Contains(kind.actions, p.Action) })
		if len(of) > 0 {
			list = append(list, fmt.Sprintf(kind.format, strings.Join(names(of), ", ")))
		}
	}
	return list
}

// undo returns the command that undoes what was applied to a pool, or what to do instead.
func (p *Pool) undo() string {
	switch {
	case p.Action == Create:
		return p.Place.command("destroy", p.Name) + "   (undoes its creation)"
	case p.Action == Revise && p.working != "":
		return rollbackCommand(p.Name, p.Place, p.From, p.working)
	case p.Action == Revise:
		return fmt.Sprintf("%s has no earlier revision that is known to have worked: to undo, apply its previous profile", p.Name)
	default:
		return "to undo what was done to " + p.Name + ", apply its previous profile"
	}
}

// command returns a command of machinectl for a pool in this place.
func (p Place) command(verb, pool string) string {
	words := []string{"machinectl", verb}
	if p.Namespace != "" && p.Namespace != nomad.DefaultNamespace {
		words = append(words, "-namespace", p.Namespace)
	}
	if p.Region != "" {
		words = append(words, "-region", p.Region)
	}
	return strings.Join(append(words, pool), " ")
}

// rollbackCommand returns the command that rolls back to a revision. former is the revision that it uses by default.
func rollbackCommand(pool string, at Place, former, to string) string {
	verb := "rollback"
	if to != former {
		verb += " -revision " + to
	}
	return fmt.Sprintf("%s   (to revision %s)", at.command(verb, pool), to)
}

// afterwards returns a context for the requests that are needed after ctx has ended.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// unfinished completes an error with the revisions that its pools can roll back to.
func (c *Cluster) unfinished(ctx context.Context, e *UnfinishedError) *UnfinishedError {
	ctx, cancel := afterwards(ctx)
	defer cancel()
	for _, pool := range e.Plan.Pools {
		if pool.Applied && pool.Action == Revise {
			pool.working = c.working(ctx, pool.Name, pool.To, pool.Place)
		}
	}
	return e
}
