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
		Name: "apply", Usage: "make the cluster run what a profile describes", ArgsUsage: "<profile.hcl | directory>… | <saved plan>",
		Description: "Plans, asks, registers the pools' Nomad jobs and follows them until each has its minimum ready, even if nothing had to\n" +
			"be changed. A changed profile becomes a new revision beside the old one, and the dispatcher moves machines over, each\n" +
			"when it is idle.\n" +
			"It is safe to interrupt: a registration under way is finished, registered pools stay, and the message lists them with\n" +
			"the commands that continue or undo the work (exit code 130).\n" +
			"If the new machines can't become ready, because a task keeps crashing or can't be started, it ends immediately with\n" +
			"the reason, the end of the task's log and what to do; the old revision's machines stay. It waits for slow starts and\n" +
			"for room on full nodes.\n" +
			"A plan saved by `plan -out` is carried out without asking. It is refused if the cluster has changed since.",
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
		return &plan.UnfinishedError{Plan: &plan.Plan{}} // nothing has been applied yet
	}
	if err != nil {
		return err
	}
	w.again = func([]string) (string, string) {
		if saved != nil {
			return "machinectl plan <profile>", "then apply it: a saved plan is carried out only once"
		}
		note := "goes on; what is applied is not done twice"
		if slices.ContainsFunc([]string{"var", "var-file", "target", "prune", "namespace", "region", "address", "adopt"}, cmd.IsSet) {
			note = "with the same flags " + note
		}
		return "machinectl apply " + strings.Join(cmd.Args().Slice(), " "), note
	}
	return w.carryOut(ctx, cmd, std)
}
