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

	Ready bool            `json:"ready"` // also false if it was not waited for
	State []plan.Progress `json:"state,omitempty"`
	// Unwatched lists pools that the dispatcher leaves alone. It is empty if the command line names no dispatcher.
	Unwatched []view.Unwatched `json:"unwatched,omitempty"`
	Seconds   float64          `json:"seconds"`

	Warnings []diag.Diagnostic `json:"warnings,omitempty"`
	Error    *failure          `json:"error,omitempty"` // why it is not ready
}

// applyFlags returns the flags of the commands that change pools.
func applyFlags() []cli.Flag {
	return dispatcherFlags(
		&cli.BoolFlag{Name: "auto-approve", Usage: "don't ask"},
		&cli.BoolFlag{Name: "detach", Usage: "don't wait for the machines to be ready"},
		durationFlag("timeout", 10*time.Minute, "how long to wait for them"),
		&cli.BoolFlag{Name: "force", Usage: "go on even if running machines would be replaced immediately"},
	)
}

// carryOut shows the plan, asks for confirmation, applies it and waits for the pools.
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

// unwatched finds and shows the pools that the dispatcher leaves alone, if its URL is given: their sizes stay as they are, and
// no machine moves to a new revision.
func (w *work) unwatched(ctx context.Context, cmd *cli.Command, std streams) []view.Unwatched {
	d, err := newDispatcher(cmd)
	if err == nil && !d.named {
		return nil
	}
	var list []view.Unwatched
	if err == nil {
		list, err = d.unwatchedBy(ctx, w.plan)
	}
	switch {
	case cmd.Bool("json"):
	case err != nil && ctx.Err() == nil:
		std.screen().Printf("%s Whether a dispatcher resizes these pools can't be told: %s", std.screen().Warn("!"), advised(err))
	default:
		std.screen().Unwatched(list)
	}
	return list
}

// follow waits for the applied pools and shows their progress.
func (w *work) follow(ctx context.Context, cmd *cli.Command, std streams, doc *applied) error {
	ctx, cancel := context.WithTimeout(ctx, cmd.Duration("timeout"))
	defer cancel()
	progress := view.Progress{Screen: std.screen()}
	err := plan.Wait(ctx, w.cluster, w.plan, plan.WaitOptions{Look: func(state []plan.Progress) {
		doc.State = state
		if !cmd.Bool("json") {
			progress.Show(state)
		}
	}})
	doc.Ready = err == nil
	return err
}
