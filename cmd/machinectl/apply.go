package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
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
