package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
)

func logsCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "logs", Usage: "show the output of a machine's tasks", ArgsUsage: "<machine> [task]",
		Description: "Shows what a task of the machine wrote to standard error, or with -stdout to standard output. The task is the agent\n" +
			"unless one is named, such as shared-setup or a service instance. With -json, each line is an object.",
		Flags: append(lookupFlags(),
			&cli.BoolFlag{Name: "f", Usage: "follow the log until interrupted"},
			&cli.BoolFlag{Name: "stdout", Usage: "standard output instead of standard error"},
			&cli.Int64Flag{Name: "tail", Value: 8 << 10, Usage: "start at most this many `BYTES` before the end; 0 starts at the beginning"},
			jsonFlag()),
		ShellComplete: completing(machineNames),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return logs(ctx, cmd, std) },
	}
}

func logs(ctx context.Context, cmd *cli.Command, std streams) (err error) {
	if n := cmd.Args().Len(); n < 1 || n > 2 {
		return misuse(cmd, "name a machine, and optionally one of its tasks")
	}
	client, alloc, task, err := findTask(ctx, cmd)
	if err != nil {
		return err
	}
	kind := "stderr"
	if cmd.Bool("stdout") {
		kind = "stdout"
	}
	origin, offset := nomad.OriginEnd, cmd.Int64("tail")
	if offset == 0 {
		origin = nomad.OriginStart
	}
	c := plan.NewCluster(client)
	c.HideOf(alloc.Job)
	out := &logLines{std: std, machine: alloc.ID, task: task, stream: kind, asJSON: cmd.Bool("json"), mask: c.Masked, cut: offset != 0}
	defer func() { err = errors.Join(err, out.end()) }()
	q := (&nomad.QueryOptions{Namespace: alloc.Namespace}).WithContext(ctx)
	frames, errs := client.AllocFS().Logs(alloc, cmd.Bool("f"), task, kind, origin, offset, ctx.Done(), q)
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case err := <-errs:
			if err == nil || errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("the log of %s on machine %s can't be read: %w", task, alloc.ID[:8], plan.NewCluster(client).Explain(err))
		case frame, open := <-frames:
			if !open {
				return nil
			}
			if _, err := out.Write(frame.Data); err != nil {
				return err
			}
		}
	}
}
