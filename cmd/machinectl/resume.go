package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/hcl/diag"
)

func resumeCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "resume", Usage: "start jobs of a paused type again", ArgsUsage: "<type>",
		Description:   "Undoes pause: machines start jobs of this type again, and pools grow for them.",
		Flags:         dispatcherFlags(jsonFlag()),
		ShellComplete: completing(typesThat(true)),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return resume(ctx, cmd, std) },
	}
}

func resume(ctx context.Context, cmd *cli.Command, std streams) error {
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	var before pausing // the jobs, before machines take them
	p, known, err := d.order(ctx, cmd, func(jobType string) (*client.Pausing, error) {
		if err := d.count(ctx, jobType, &before); err != nil {
			return nil, err
		}
		return d.Resume(ctx, jobType)
	})
	if err != nil {
		return err
	}
	p.Running, p.Waiting = before.Running, before.Waiting
	switch {
	case cmd.Bool("json"):
		return std.json(p)
	case !p.Before:
		about := ""
		if !p.Known {
			about = hint(diag.Suggest(p.Type, known))
		}
		std.screen().Printf("Jobs of type %s were not paused%s.", p.Type, about)
	default:
		std.screen().Printf("Jobs of type %s are started again: %s.", p.Type, verbed(p.Waiting, "waits", "wait"))
	}
	return nil
}
