package main

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
)

func destroyCommand(std streams) *cli.Command {
	flags := append(sourceFlags(), clusterFlags()...)
	return &cli.Command{
		Name: "destroy", Usage: "stop pools", ArgsUsage: "<pool>… | <profile.hcl | directory>…",
		Description: "Stops the Nomad jobs of the named pools, or of every pool in a profile, and waits until their machines have ended.\n" +
			"Each machine's agent has its grace to finish; what it can't finish goes back to the queue.",
		Flags: append(flags,
			&cli.BoolFlag{Name: "purge", Usage: "also remove the jobs from Nomad's state"},
			&cli.BoolFlag{Name: "auto-approve", Usage: "don't ask"},
			&cli.DurationFlag{Name: "timeout", Value: 5 * time.Minute, Usage: "how long to wait for the machines to end"}),
		Action: func(ctx context.Context, cmd *cli.Command) error { return destroy(ctx, cmd, std) },
	}
}

func destroy(ctx context.Context, cmd *cli.Command, std streams) error {
	c, at, err := cluster(cmd)
	if err != nil {
		return err
	}
	names, err := doomed(cmd, std, at)
	if err != nil {
		return err
	}
	var running []string
	machines := 0
	for _, d := range names {
		state, err := plan.Read(ctx, c, d.name, d.at)
		switch {
		case err != nil:
			return err
		case state != nil && (!state.Stopped || cmd.Bool("purge")):
			running = append(running, d.name)
			machines += len(state.Machines)
		}
	}
	out := std.screen()
	if len(running) == 0 {
		out.Printf("None of these pools run: nothing to do.")
		return nil
	}
	out.Printf("To stop: %s with %s: %s.", plural(len(running), "pool"), plural(machines, "machine"), strings.Join(running, ", "))
	if !cmd.Bool("auto-approve") {
		if err := confirm(ctx, cmd, std, "Stop them?"); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, cmd.Duration("timeout"))
	defer cancel()
	var failed []error
	for _, d := range names {
		if !slices.Contains(running, d.name) {
			continue
		}
		if err := plan.Destroy(ctx, c, d.name, d.at, cmd.Bool("purge")); err != nil {
			failed = append(failed, err)
			continue
		}
		out.Printf("  %s stopped", d.name)
	}
	return errors.Join(failed...)
}

// doom is a pool to stop.
type doom struct {
	name string
	at   plan.Place
}

// doomed reads the arguments: pools by name, or profiles whose pools are meant.
func doomed(cmd *cli.Command, std streams, at plan.Place) ([]doom, error) {
	args := cmd.Args().Slice()
	if len(args) == 0 {
		return nil, misuse(cmd, "name the pools to stop, or a profile whose pools are meant")
	}
	at.Namespace = cmp.Or(at.Namespace, nomad.DefaultNamespace)
	if !slices.ContainsFunc(args, looksLikePath) {
		var list []doom
		for _, name := range args {
			list = append(list, doom{name, at})
		}
		return list, nil
	}
	src, err := load(cmd, std)
	if err != nil {
		return nil, err
	}
	src.settle(at)
	var list []doom
	for _, pool := range src.pools {
		list = append(list, doom{pool.Name, plan.PlaceOf(pool)})
	}
	return list, nil
}

// looksLikePath tells a profile from a pool's name, which has neither dots nor slashes.
func looksLikePath(arg string) bool { return strings.ContainsAny(arg, "./\\") }
