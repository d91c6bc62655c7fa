package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
)

// UnfinishedError reports that applying ended before its time: what was applied by then, what wasn't, what goes on by itself,
// and which commands go on or undo it.
type UnfinishedError struct {
	// Err is what ended it; nil where it was interrupted.
	Err  error
	Plan *Plan
	// Uncertain is a pool whose registration got no answer: it may or may not have been applied. Nil where there is none.
	Uncertain *Pool
	// State is how far the pools were that were waited for; nil where they weren't.
	State []Progress
	// Again is the command that goes on; Note says more of it.
	Again, Note string
}

func (e *UnfinishedError) Unwrap() error { return e.Err }

// Interrupted reports whether it was asked to end, rather than failing.
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
		line("no answer from Nomad, so applied or not", []*Pool{e.Uncertain})
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

// state words how far the pools were.
func (e *UnfinishedError) state() string {
	var b strings.Builder
	for _, one := range open(e.State) {
		fmt.Fprintf(&b, "\n  not ready yet: %s, %d of %d machines", one.Pool, one.Ready, one.Goal)
	}
	return b.String()
}

// split are the pools that were applied, and those that are still to be.
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

// Left are the names of the pools that are still to be applied.
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

// goingOn says what happens by itself to pools that were applied.
func goingOn(applied []*Pool) []string {
	var list []string
	for _, kind := range []struct {
		actions []Action
		format  string
	}{
		{[]Action{Create, Repair}, "Nomad goes on starting the machines of %s."},
		{[]Action{Revise}, "The dispatcher goes on moving the machines of %s to the new revision, each when it is idle."},
		{[]Action{Remove}, "The machines of %s go on to end."},
	} {
		of := slices.DeleteFunc(slices.Clone(applied), func(p *Pool) bool { return !slices.Contains(kind.actions, p.Action) })
		if len(of) > 0 {
			list = append(list, fmt.Sprintf(kind.format, strings.Join(names(of), ", ")))
		}
	}
	return list
}

// undo is the command that takes back what was applied to a pool, or what to do instead.
func (p *Pool) undo() string {
	switch {
	case p.Action == Create:
		return p.Place.command("destroy", p.Name) + "   (undoes its creation)"
	case p.Action == Revise && p.working != "":
		return rollbackCommand(p.Name, p.Place, p.From, p.working)
	case p.Action == Revise:
		return fmt.Sprintf("%s has no earlier revision that is known to have worked: to undo, apply its former profile", p.Name)
	default:
		return "to undo what was done to " + p.Name + ", apply its former profile"
	}
}

// command is a command of this program for a pool in this place.
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

// rollbackCommand goes back to a revision. former is the one that it goes to where none is named.
func rollbackCommand(pool string, at Place, former, to string) string {
	verb := "rollback"
	if to != former {
		verb += " -revision " + to
	}
	return fmt.Sprintf("%s   (to revision %s)", at.command(verb, pool), to)
}

// afterwards is a context for what is still to be found out when ctx has ended.
func afterwards(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
}

// unfinished completes an error about a plan with what can be undone.
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
