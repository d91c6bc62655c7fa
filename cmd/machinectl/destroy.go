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
	flags := append(sourceFlags(), flagsOfCluster("look for pools in the namespace `NAME`; else in NOMAD_NAMESPACE, else in all, and for those of a profile in default",
		"look in the region `NAME`; else in NOMAD_REGION")...)
	return &cli.Command{
		Name: "destroy", Usage: "stop pools", ArgsUsage: "<pool>… | <profile.hcl | directory>…",
		Description: "Stops the Nomad jobs of the named pools, or of every pool in a profile, and waits until their machines have ended.\n" +
			"Each machine's agent has its grace period to finish; jobs that it can't finish go back to the queue.",
		Flags: append(flags,
			adoptFlag("with a profile, also pools of other projects"),
			&cli.BoolFlag{Name: "purge", Usage: "also remove the jobs from Nomad's state"},
			&cli.BoolFlag{Name: "auto-approve", Usage: "don't ask"}, jsonFlag(),
			durationFlag("timeout", 5*time.Minute, "how long to wait for the machines to end")),
		ShellComplete: completing(runningPools),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return destroy(ctx, cmd, std) },
	}
}

func destroy(ctx context.Context, cmd *cli.Command, std streams) error {
	c, at, err := cluster(cmd)
	if err != nil {
		return err
	}
	named, err := doomed(ctx, cmd, std, at)
	if err != nil {
		return err
	}
	list, err := running(ctx, cmd, c, named)
	if err != nil {
		return err
	}
	machines := 0
	for _, d := range list {
		machines += d.Machines
	}
	if cmd.Bool("json") {
		if len(list) > 0 && !cmd.Bool("auto-approve") {
			return misuse(cmd, "-json doesn't ask: add -auto-approve")
		}
		err := stopAll(ctx, cmd, c, list, func(*doom) {})
		return errors.Join(std.json(destroyed{Pools: append([]*doom{}, list...), Error: newFailure(err)}), shown(err))
	}
	out := std.screen()
	if len(list) == 0 {
		out.Printf("None of these pools run: nothing to do.")
		return nil
	}
	out.Printf("To stop: %s with %s: %s.", plural(len(list), "pool"), plural(machines, "machine"), strings.Join(doomedNames(list), ", "))
	if !cmd.Bool("auto-approve") {
		if err := confirm(ctx, cmd, std, "Stop them?"); err != nil {
			return err
		}
	}
	return stopAll(ctx, cmd, c, list, func(d *doom) { out.Printf("  %s stopped", d.Pool) })
}

// running returns those of the named pools that can be stopped. Those that a profile names must belong to its project, unless
// -adopt is set.
func running(ctx context.Context, cmd *cli.Command, c *plan.Cluster, named *doomedPools) ([]*doom, error) {
	var list []*doom
	var foreign []error
	for _, d := range named.pools {
		state, err := plan.Read(ctx, c, d.Pool, d.Place)
		if err != nil {
			return nil, err
		}
		if state == nil || state.Stopped && !cmd.Bool("purge") {
			continue
		}
		if named.byProfile && !cmd.Bool("adopt") {
			foreign = append(foreign, state.CheckOwner(named.project))
		}
		d.Machines, d.Project = len(state.Machines), state.Project
		list = append(list, d)
	}
	return list, errors.Join(foreign...)
}

// stopAll stops pools one after the other, also if stopping one before has failed.
func stopAll(ctx context.Context, cmd *cli.Command, c *plan.Cluster, list []*doom, done func(*doom)) error {
	ctx, cancel := context.WithTimeout(ctx, cmd.Duration("timeout"))
	defer cancel()
	var failed []error
	for _, d := range list {
		if err := plan.Destroy(ctx, c, d.Pool, d.Place, d.Project, cmd.Bool("purge")); err != nil {
			failed = append(failed, err)
			if ctx.Err() != nil {
				break // the others would end the same way
			}
			continue
		}
		d.Stopped = true
		done(d)
	}
	return plan.Joined(failed)
}

// destroyed is the JSON form of what destroy did.
type destroyed struct {
	Pools []*doom  `json:"pools"` // those that ran
	Error *failure `json:"error,omitempty"`
}

// doom is a pool to stop.
type doom struct {
	Pool     string     `json:"pool"`
	Project  string     `json:"project,omitempty"` // who owns it
	Place    plan.Place `json:"place"`
	Machines int        `json:"machines"` // that it had
	Stopped  bool       `json:"stopped"`
}

func doomedNames(list []*doom) []string {
	var names []string
	for _, d := range list {
		name := d.Pool + ofProject(" (project %s)", d.Project)
		if d.Place.Namespace != nomad.DefaultNamespace {
			name += " in namespace " + d.Place.Namespace
		}
		names = append(names, name)
	}
	return names
}

// doomedPools are the pools that a command line selects.
type doomedPools struct {
	pools     []*doom
	byProfile bool
	project   string // the profile's
}

// doomed reads the arguments: pools by name, or profiles whose pools are meant.
func doomed(ctx context.Context, cmd *cli.Command, std streams, at plan.Place) (*doomedPools, error) {
	args := cmd.Args().Slice()
	if len(args) == 0 {
		return nil, misuse(cmd, "name the pools to stop, or a profile whose pools are meant")
	}
	if !slices.ContainsFunc(args, looksLikePath) {
		named := &doomedPools{}
		for _, name := range args {
			at, err := placeNamed(ctx, cmd, name, at)
			if err != nil {
				return nil, err
			}
			named.pools = append(named.pools, &doom{Pool: name, Place: at})
		}
		return named, nil
	}
	src, err := load(cmd, std)
	if err != nil {
		return nil, err
	}
	at.Namespace = cmp.Or(at.Namespace, nomad.DefaultNamespace)
	src.settle(at)
	named := &doomedPools{byProfile: true, project: src.profile.Project}
	for _, pool := range src.pools {
		named.pools = append(named.pools, &doom{Pool: pool.Name, Place: plan.PlaceOf(pool)})
	}
	return named, nil
}
