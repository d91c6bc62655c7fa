package main

import (
	"context"
	"strconv"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/hcl/wiretime"
)

func poolCommand(std streams) *cli.Command {
	common := func(more ...cli.Flag) []cli.Flag { return append(dispatcherFlags(jsonFlag()), more...) }
	reason := &cli.StringFlag{Name: "reason", Usage: "`TEXT` that pools shows"}
	return &cli.Command{
		Name: "pool", Usage: "give orders about one pool's size", ArgsUsage: "<count | auto | pause | resume>",
		Description: "Orders stand beside the profile, end by themselves, and never interrupt a running job. `machinectl pools` shows those in\n" +
			"force. A pool is named as `machinectl pools` lists it, or in full: region/namespace/name.",
		Flags: common(),
		Commands: []*cli.Command{
			{
				Name: "count", Usage: "keep a number of machines, whatever the demand", ArgsUsage: "<pool> <number>",
				Flags:         common(reason, durationFlag("for", time.Hour, "when demand decides again, at most a week")),
				ShellComplete: completing(dispatchedNames),
				Action:        func(ctx context.Context, cmd *cli.Command) error { return countPool(ctx, cmd, std) },
			},
			{
				Name: "auto", Usage: "let demand decide again", ArgsUsage: "<pool>", Flags: common(),
				ShellComplete: completing(dispatchedNames),
				Action: func(ctx context.Context, cmd *cli.Command) error {
					return orderPool(ctx, cmd, std, (*client.Client).EndCount)
				},
			},
			{
				Name: "pause", Usage: "leave a pool's machines as they are: no resize, no rollout", ArgsUsage: "<pool>",
				Flags:         common(reason, durationFlag("for", 0, "when it is resumed by itself, at most a week; 0 is not at all")),
				ShellComplete: completing(dispatchedNames),
				Action: func(ctx context.Context, cmd *cli.Command) error {
					return orderPool(ctx, cmd, std, func(c *client.Client, ctx context.Context, pool string) (*client.PoolOrders, error) {
						return c.PausePool(ctx, pool, client.PoolPause{Reason: cmd.String("reason"), For: lasting(cmd)})
					})
				},
			},
			{
				Name: "resume", Usage: "resize a paused pool again", ArgsUsage: "<pool>", Flags: common(),
				ShellComplete: completing(dispatchedNames),
				Action: func(ctx context.Context, cmd *cli.Command) error {
					return orderPool(ctx, cmd, std, (*client.Client).ResumePool)
				},
			},
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if !cmd.Args().Present() {
				return misuse(cmd, "write count, auto, pause or resume")
			}
			return misuse(cmd, "there is no command %q%s", cmd.Args().First(), hint(cli.SuggestCommand(cmd.Commands, cmd.Args().First())))
		},
	}
}

// lasting returns the duration of an order, or nil if it is to end by hand.
func lasting(cmd *cli.Command) *client.Duration {
	d := wiretime.Duration(cmd.Duration("for"))
	if d == 0 {
		return nil
	}
	return &d
}

func countPool(ctx context.Context, cmd *cli.Command, std streams) error {
	if cmd.Args().Len() != 2 {
		return misuse(cmd, "name one pool and a number of machines")
	}
	n, err := strconv.Atoi(cmd.Args().Get(1))
	if err != nil || n < 0 {
		return misuse(cmd, "%q is not a number of machines", cmd.Args().Get(1))
	}
	order := client.PoolCount{Count: n, Reason: cmd.String("reason"), For: lasting(cmd)}
	return ordered(ctx, cmd, std, func(c *client.Client, ctx context.Context, pool string) (*client.PoolOrders, error) {
		return c.SetCount(ctx, pool, order)
	})
}

type poolOrder func(c *client.Client, ctx context.Context, pool string) (*client.PoolOrders, error)

// orderPool carries out an order about the one pool that the command line names.
func orderPool(ctx context.Context, cmd *cli.Command, std streams, give poolOrder) error {
	if cmd.Args().Len() != 1 {
		return misuse(cmd, "name one pool")
	}
	return ordered(ctx, cmd, std, give)
}

func ordered(ctx context.Context, cmd *cli.Command, std streams, give poolOrder) error {
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	now, err := give(d.Client, ctx, cmd.Args().First())
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return std.json(now)
	}
	showOrders(std.screen(), now)
	return nil
}

func showOrders(s view.Screen, o *client.PoolOrders) {
	if o.Manual != nil {
		s.Printf("Pool %s keeps %s until %s: %s.", o.Pool, plural(o.Manual.Count, "machine"), orderEnd(o.Manual, "auto", o.Pool), o.Manual.Reason)
	}
	if o.Held != nil {
		s.Printf("Pool %s is paused until %s: %s. Its machines go on with their jobs.", o.Pool, orderEnd(o.Held, "resume", o.Pool), o.Held.Reason)
	}
	if o.Manual == nil && o.Held == nil {
		s.Printf("Demand decides about the size of pool %s.", o.Pool)
	}
}

// orderEnd is the time at which an order ends, or the command that ends it.
func orderEnd(o *client.PoolOrder, end, pool string) string {
	if o.Until == nil {
		return "`machinectl pool " + end + " " + pool + "`"
	}
	return timetext.Moment(*o.Until)
}
