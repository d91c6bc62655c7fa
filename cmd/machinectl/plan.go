package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
)

func planCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "show what applying a profile would change", ArgsUsage: "<profile.hcl | directory>…",
		Description: "Compares the profile with what runs. Nothing is changed. How many machines run now stays as it is: that is the\n" +
			"dispatcher's choice, within the bounds the profile sets. Pools that run but are not in the profile are mentioned.\n" +
			"A plan written with -out is what `machinectl apply` then does, or refuses if the cluster moved on meanwhile. The\n" +
			"file holds no sensitive values: they are taken from the profile and its variables again.",
		Flags: slices.Concat(sourceFlags(), clusterFlags(), planFlags(), []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "save the plan to `FILE`, for apply"},
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit with 2 where there are changes"},
		}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			w, err := makePlan(ctx, cmd, std)
			if err != nil {
				return err
			}
			if out := cmd.String("out"); out != "" {
				if err := w.save(out, cmd.Args().Slice()); err != nil {
					return err
				}
			}
			if cmd.Bool("json") {
				err = std.json(planned{view.NewPlanDocument(w.plan, cmd.Bool("verbose")), w.warnings})
			} else {
				w.show(cmd, std)
				if out := cmd.String("out"); out != "" {
					std.screen().Printf("Saved: `machinectl apply %s` does this.", out)
				}
			}
			if err == nil && w.plan.Changes() && cmd.Bool("detailed-exitcode") {
				return &shownError{errChanges}
			}
			return err
		},
	}
}

// planFlags are those of plan and apply alike.
func planFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "target", Usage: "only the pool of this `NAME`; repeatable"},
		&cli.BoolFlag{Name: "prune", Usage: "remove pools of the profile's project that run in its namespaces and are not in it"},
		adoptFlag("take over pools of other projects; with -prune, remove those that belong to none, too"),
		&cli.BoolFlag{Name: "verbose", Usage: "show Nomad's own difference too"},
		jsonFlag(),
	}
}

func adoptFlag(usage string) cli.Flag {
	return &cli.BoolFlag{Name: "adopt", Usage: usage}
}

// planned is the JSON form of a plan.
type planned struct {
	view.PlanDocument

	Warnings []diag.Diagnostic `json:"warnings,omitempty"`
}
