package main

import (
	"context"
	"encoding/json"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/hcl/diag"
)

func pauseCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "pause", Usage: "start no more jobs of a type", ArgsUsage: "<type>",
		Description: "No machine starts a job of this type until it is resumed. Jobs of the type that run go on to their end; those that wait,\n" +
			"and those that are submitted meanwhile, keep their places. Pools don't grow for them. `machinectl pools` shows what is paused.",
		Flags: []cli.Flag{
			dispatcherFlag(), jsonFlag(),
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for whoever asks why"},
		},
		ShellComplete: completing(typesThat(false)),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return pause(ctx, cmd, std) },
	}
}

func pause(ctx context.Context, cmd *cli.Command, std streams) error {
	order := map[string]string{}
	if reason := cmd.String("reason"); reason != "" {
		order["reason"] = reason
	}
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	p, known, err := newDispatcher(cmd).order(ctx, cmd, "pause", body)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return std.json(p)
	}
	s := std.screen()
	if !p.Known {
		s.Printf("%s no job and no worker has had the type %q so far%s", s.Warn("!"), p.Type, hint(diag.Suggest(p.Type, known)))
	}
	s.Printf("No jobs of type %s are started until `machinectl resume %s`: %s.", p.Type, p.Type, p.Reason)
	s.Printf("  %s on to the end, %s.", verbed(p.Running, "that runs goes", "that run go"), verbed(p.Waiting, "waits", "wait"))
	return nil
}
