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
		Description: "Compares the profile with what runs, and changes nothing. The number of running machines is not part of a plan: the\n" +
			"dispatcher chooses it, within the bounds that the profile sets. Running pools that are not in the profile are listed.\n" +
			"`machinectl apply` carries out exactly the plan that -out saved, or refuses it if the cluster has changed since. The\n" +
			"file holds no sensitive values: they are read from the profile and its variables again.",
		Flags: slices.Concat(sourceFlags(), clusterFlags(), planFlags(), []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "save the plan to `FILE`, for apply"},
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit with 2 if there are changes"},
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

// planFlags returns the flags that plan and apply share.
func planFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "target", Usage: "only the pool of this `NAME`; repeatable"},
		&cli.BoolFlag{Name: "prune", Usage: "remove running pools of the profile's project, in its namespaces, that are not in it"},
		adoptFlag("take over pools of other projects; with -prune, also remove those that belong to none"),
		&cli.BoolFlag{Name: "verbose", Usage: "also show Nomad's own diff"},
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
