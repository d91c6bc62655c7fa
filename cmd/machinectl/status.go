package main

import (
	"context"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/view"
)

func statusCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show pools and their machines", ArgsUsage: "[pool]…",
		Description:   "Shows what Nomad runs and, if the dispatcher can be reached, what the machines' agents report.",
		Flags:         append(lookupFlags(), dispatcherFlags(jsonFlag())...),
		ShellComplete: completing(runningPools),
		Action:        showingStatus(std, view.Screen.Status),
	}
}

// showingStatus returns the action of a command that shows pools and machines. Without -json it calls show.
func showingStatus(std streams, show func(view.Screen, view.StatusDocument, time.Time)) cli.ActionFunc {
	return func(ctx context.Context, cmd *cli.Command) error {
		doc, err := statusOf(ctx, cmd)
		if err != nil {
			return err
		}
		if cmd.Bool("json") {
			return std.json(doc)
		}
		show(std.screen(), doc, time.Now())
		return nil
	}
}

// statusOf reads pools, and what the dispatcher knows of them.
func statusOf(ctx context.Context, cmd *cli.Command) (view.StatusDocument, error) {
	c, at, err := cluster(cmd)
	if err != nil {
		return view.StatusDocument{}, err
	}
	doc := view.StatusDocument{}
	if doc.Pools, err = states(ctx, cmd, c, at); err != nil {
		return doc, err
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return doc, err
	}
	doc.Dispatcher = agents(ctx, d)
	return doc, nil
}
