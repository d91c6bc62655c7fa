package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/hcl/diag"
)

func pauseCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "pause", Usage: "start no more jobs of a type", ArgsUsage: "<type>",
		Description: "No machine starts a job of this type until it is resumed. Running jobs of the type continue to their end; those that\n" +
			"wait, and those submitted meanwhile, keep their places. Pools don't grow for them. `machinectl pools` lists paused types.",
		Flags: dispatcherFlags(
			jsonFlag(),
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` that pools shows"},
		),
		ShellComplete: completing(typesThat(false)),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return pause(ctx, cmd, std) },
	}
}

func pause(ctx context.Context, cmd *cli.Command, std streams) error {
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	p, known, err := d.order(ctx, cmd, func(jobType string) (*client.Pausing, error) {
		return d.Pause(ctx, jobType, cmd.String("reason"))
	})
	if err != nil {
		return err
	}
	if err := d.count(ctx, p.Type, &p); err != nil {
		return err
	}
	if cmd.Bool("json") {
		return std.json(p)
	}
	s := std.screen()
	if !p.Known {
		s.Printf("%s no job and no worker has had the type %q yet%s", s.Warn("!"), p.Type, hint(diag.Suggest(p.Type, known)))
	}
	s.Printf("No jobs of type %s are started until `machinectl resume %s`: %s.", p.Type, p.Type, p.Reason)
	s.Printf("  %s to the end, %s.", verbed(p.Running, "that runs continues", "that run continue"), verbed(p.Waiting, "waits", "wait"))
	return nil
}
