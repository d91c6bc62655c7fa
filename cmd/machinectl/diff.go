package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
)

func diffCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "diff", Usage: "compare two profiles", ArgsUsage: "<old> <new>",
		Description: "Shows what applying the second profile would change if the first one runs. Needs no cluster.",
		Flags: append(sourceFlags(), jsonFlag(),
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit with 2 if there are differences"}),
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 2 {
				return misuse(cmd, "name two profiles, the old one first")
			}
			var sides [2][]*compiler.Pool
			for i, path := range cmd.Args().Slice() {
				src, err := loadPaths(cmd, std, []string{path})
				if err != nil {
					return err
				}
				sides[i] = src.pools
			}
			p := plan.Compare(sides[0], sides[1])
			if cmd.Bool("json") {
				if err := std.json(view.NewPlanDocument(p, false)); err != nil {
					return err
				}
			} else {
				std.screen().Diff(p)
			}
			if p.Changes() && cmd.Bool("detailed-exitcode") {
				return &shownError{errChanges}
			}
			return nil
		},
	}
}
