package main

import (
	"context"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
)

func rollbackCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "rollback", Usage: "return to a pool's previous revision", ArgsUsage: "<pool>…",
		Description: "Makes the previous revision, or the one that -revision names, the wanted one again. Size and scaling stay as they are.\n" +
			"The machines move over as they do after apply. The profile is not changed: applying it again undoes the rollback.\n" +
			"Rolling back twice returns to the first revision.",
		Flags: slices.Concat(lookupFlags(), applyFlags(), []cli.Flag{
			&cli.StringFlag{Name: "revision", Usage: "the `REVISION` to return to (of one pool)"},
			&cli.BoolFlag{Name: "verbose", Usage: "also show Nomad's own diff"},
			jsonFlag(),
		}),
		ShellComplete: completing(runningPools),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return rollback(ctx, cmd, std) },
	}
}

func rollback(ctx context.Context, cmd *cli.Command, std streams) error {
	names, revision := cmd.Args().Slice(), cmd.String("revision")
	if len(names) == 0 || revision != "" && len(names) > 1 {
		return misuse(cmd, "name the pools to roll back; with -revision, a single one")
	}
	c, at, err := cluster(cmd)
	if err != nil {
		return err
	}
	w := &work{cluster: c, byName: true}
	for _, name := range names {
		at, err := placeNamed(ctx, cmd, name, at)
		if err != nil {
			return err
		}
		pool, err := plan.Former(ctx, c, name, at, revision)
		if err != nil {
			return err
		}
		w.pools = append(w.pools, pool)
	}
	if w.plan, err = plan.Make(ctx, c, w.pools, plan.MakeOptions{}); err != nil {
		return err
	}
	w.again = func(left []string) (string, string) {
		if len(left) == 0 {
			return "machinectl status " + strings.Join(names, " "), "shows how far they are"
		}
		return "machinectl rollback " + strings.Join(left, " "), "goes on; what was rolled back is not named again"
	}
	return w.carryOut(ctx, cmd, std)
}
