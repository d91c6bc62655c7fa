package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"
)

func machinesCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "machines", Usage: "show machines", ArgsUsage: "[pool]…",
		Description:   "Lists the machines of the named pools, or of all: where they run, what they do, and what they wait for.",
		Flags:         append(clusterFlags(), jsonFlag(), dispatcherFlag()),
		ShellComplete: completing(runningPools),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			doc, err := statusOf(ctx, cmd)
			if err != nil {
				return err
			}
			if cmd.Bool("json") {
				return std.json(doc)
			}
			std.screen().Machines(doc, time.Now())
			return nil
		},
	}
}
