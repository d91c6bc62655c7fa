package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
)

func planCommand(std streams) *cli.Command {
	flags := append(sourceFlags(), clusterFlags()...)
	return &cli.Command{
		Name: "plan", Usage: "show what applying a profile would change", ArgsUsage: "<profile.hcl | directory>…",
		Description: "Compares the profile with what runs. Nothing is changed. How many machines run now stays as it is: that is the\n" +
			"dispatcher's choice, within the bounds the profile sets.",
		Flags: append(flags, jsonFlag(), &cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit with 2 where there are changes"}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			src, _, p, err := makePlan(ctx, cmd, std)
			if err != nil {
				return err
			}
			if cmd.Bool("json") {
				err = view.JSON(std.out, view.NewPlanDocument(p), src.profile.Sensitive)
			} else {
				screen(std.out, src.profile.Sensitive).Plan(p)
			}
			if err == nil && p.Changes() && cmd.Bool("detailed-exitcode") {
				return &shownError{errChanges}
			}
			return err
		},
	}
}

// makePlan loads, compiles and plans what a command line names.
func makePlan(ctx context.Context, cmd *cli.Command, std streams) (*source, *plan.Cluster, *plan.Plan, error) {
	src, err := load(cmd, std)
	if err != nil {
		return nil, nil, nil, err
	}
	c, at, err := cluster(cmd)
	if err != nil {
		return nil, nil, nil, err
	}
	src.settle(at)
	if len(src.pools) == 0 {
		return nil, nil, nil, errors.New("the profile has no pools, so there is nothing to run: add a pool block")
	}
	p, err := plan.Make(ctx, c, src.pools)
	if err != nil {
		return nil, nil, nil, err
	}
	return src, c, p, nil
}
