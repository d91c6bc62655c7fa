package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
)

func applyCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "apply", Usage: "make the cluster run what a profile says", ArgsUsage: "<profile.hcl | directory>… | <saved plan>",
		Description: "Plans, asks, registers the pools' Nomad jobs and follows them until each has its minimum ready, also where nothing had\n" +
			"to be changed. A changed profile becomes a new revision beside the old one, and the dispatcher moves machines over,\n" +
			"each when it is idle.\n" +
			"Interrupting is safe: what is being registered is awaited, what is registered stays, and it says which pools that are\n" +
			"and how to go on or to undo it (exit code 130).\n" +
			"Where the new machines can't become ready, because a task crashes for ever or can't be started, it ends at once with\n" +
			"the reason, the task's last words and what to do; the old revision's machines stay. Slow starts and full nodes are\n" +
			"waited for.\n" +
			"A plan that `plan -out` saved is carried out without asking; it is refused if the cluster moved on since.",
		Flags:  slices.Concat(sourceFlags(), clusterFlags(), planFlags(), applyFlags()),
		Action: func(ctx context.Context, cmd *cli.Command) error { return apply(ctx, cmd, std) },
	}
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

func apply(ctx context.Context, cmd *cli.Command, std streams) error {
	saved, err := savedPlan(cmd)
	if err != nil {
		return err
	}
	var w *work
	if saved != nil {
		w, err = openPlan(ctx, cmd, std, saved)
	} else {
		w, err = makePlan(ctx, cmd, std)
	}
	if err != nil && ctx.Err() != nil {
		return &plan.UnfinishedError{Plan: &plan.Plan{}} // nothing is applied yet, whatever it was that failed
	}
	if err != nil {
		return err
	}
	w.again = func([]string) (string, string) {
		if saved != nil {
			return "machinectl plan <profile>", "then apply it: a saved plan is carried out once"
		}
		note := "goes on; what is applied is not done twice"
		if slices.ContainsFunc([]string{"var", "var-file", "target", "prune", "namespace", "region", "address", "adopt"}, cmd.IsSet) {
			note = "with the same flags " + note
		}
		return "machinectl apply " + strings.Join(cmd.Args().Slice(), " "), note
	}
	return w.carryOut(ctx, cmd, std)
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

// confirm asks on the terminal; anything but yes is no.
func confirm(ctx context.Context, cmd *cli.Command, std streams, question string) error {
	if f, ok := std.in.(*os.File); ok && !isatty.IsTerminal(f.Fd()) && os.Getenv("MACHINECTL_ASSUME_TERMINAL") == "" {
		return misuse(cmd, "this needs to be confirmed, and standard input is no terminal: add -auto-approve")
	}
	if _, err := fmt.Fprintf(std.out, "\n%s Only \"yes\" is taken for one: ", question); err != nil {
		return err
	}
	type line struct {
		text string
		err  error
	}
	// Reading a terminal can't be interrupted; the process ends soon after ctx, and this goroutine with it.
	answer := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(std.in).ReadString('\n')
		answer <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case a := <-answer:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return a.err
		}
		if strings.TrimSpace(a.text) != "yes" {
			return errors.New("not confirmed; nothing was changed")
		}
		return nil
	}
}
