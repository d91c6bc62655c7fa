package main

import (
	"context"
	"errors"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
)

// applied is the JSON form of what apply did.
type applied struct {
	view.PlanDocument

	Ready bool            `json:"ready"` // false also where nobody waited for it
	State []plan.Progress `json:"state,omitempty"`
	// Unwatched are pools that the dispatcher leaves alone, where somebody said where it is.
	Unwatched []view.Unwatched `json:"unwatched,omitempty"`
	Seconds   float64          `json:"seconds"`

	Warnings []diag.Diagnostic `json:"warnings,omitempty"`
	Error    *failure          `json:"error,omitempty"` // why it isn't ready
}

// applyFlags are those of the commands that change pools.
func applyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "auto-approve", Usage: "don't ask"},
		&cli.BoolFlag{Name: "detach", Usage: "don't wait for the machines to be ready"},
		durationFlag("timeout", 10*time.Minute, "how long to wait for that"),
		&cli.BoolFlag{Name: "force", Usage: "also where running machines would be replaced at once"},
		dispatcherFlag(),
	}
}

// carryOut shows the plan, asks, applies it and follows what comes of it.
func (w *work) carryOut(ctx context.Context, cmd *cli.Command, std streams) error {
	asJSON := cmd.Bool("json")
	if !asJSON {
		w.show(cmd, std)
	}
	if w.plan.Changes() && !cmd.Bool("auto-approve") && !w.agreed {
		if asJSON {
			return misuse(cmd, "-json doesn't ask: add -auto-approve")
		}
		if err := confirm(ctx, cmd, std, "Apply this?"); err != nil && ctx.Err() != nil {
			return &plan.UnfinishedError{Plan: w.plan}
		} else if err != nil {
			return err
		}
	}
	start := time.Now()
	late := plan.Apply(ctx, w.cluster, w.plan, w.pools, plan.ApplyOptions{Force: cmd.Bool("force")})
	doc := applied{Warnings: w.warnings}
	if late == nil {
		doc.Unwatched = w.unwatched(ctx, cmd, std)
	}
	if late == nil && !cmd.Bool("detach") {
		late = w.follow(ctx, cmd, std, &doc)
	}
	doc.PlanDocument = view.NewPlanDocument(w.plan, cmd.Bool("verbose"))
	took := time.Since(start)
	var ended *plan.UnfinishedError
	if errors.As(late, &ended) {
		ended.Again, ended.Note = w.again(w.plan.Left())
	}
	doc.Seconds = float64(took.Milliseconds()) / 1000
	if asJSON {
		doc.Error = newFailure(late)
		return errors.Join(std.json(doc), shown(late))
	}
	if late == nil && doc.Changes {
		std.screen().Applied(w.plan, took, !cmd.Bool("detach"))
	}
	return late
}

// unwatched finds and shows the pools that the dispatcher leaves alone, if somebody said where it is: without one, their sizes
// stay and no machine moves to a new revision.
func (w *work) unwatched(ctx context.Context, cmd *cli.Command, std streams) []view.Unwatched {
	d := newDispatcher(cmd)
	if !d.named {
		return nil
	}
	list, err := d.unwatchedBy(ctx, w.plan)
	switch {
	case cmd.Bool("json"):
	case err != nil && ctx.Err() == nil:
		std.screen().Printf("%s Whether a dispatcher resizes these pools can't be told: %s", std.screen().Warn("!"), err)
	default:
		std.screen().Unwatched(list)
	}
	return list
}

// follow waits for the applied pools, showing how far they are.
func (w *work) follow(ctx context.Context, cmd *cli.Command, std streams, doc *applied) error {
	ctx, cancel := context.WithTimeout(ctx, cmd.Duration("timeout"))
	defer cancel()
	progress := view.Progress{Screen: std.screen()}
	err := plan.Wait(ctx, w.cluster, w.plan, plan.WaitOptions{Look: func(seen []plan.Progress) {
		doc.State = seen
		if !cmd.Bool("json") {
			progress.Show(seen)
		}
	}})
	doc.Ready = err == nil
	return err
}
