package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/manifest"
)

func machinesCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "machines", Usage: "show machines", ArgsUsage: "[pool]…",
		Description:   "The machines of the named pools, or of all: where they run, what they do, and what they wait for.",
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
	doc.Dispatcher = agents(ctx, newDispatcher(cmd))
	return doc, nil
}

// minPrefix is how much of a machine's id must be written.
const minPrefix = 4

// findMachine is the one machine whose id begins so.
func findMachine(ctx context.Context, cmd *cli.Command, prefix string) (*nomad.Client, *nomad.Allocation, error) {
	client, at, err := nomadClient(cmd)
	if err != nil {
		return nil, nil, err
	}
	if len(prefix) < minPrefix {
		return nil, nil, misuse(cmd, "%q is too short for a machine's id: write at least %d characters of it; `machinectl machines` lists them", prefix, minPrefix)
	}
	q := (&nomad.QueryOptions{Region: at.Region, Namespace: cmp.Or(at.Namespace, nomad.AllNamespacesNamespace), Prefix: prefix}).WithContext(ctx)
	list, _, err := client.Allocations().List(q)
	if err != nil {
		return nil, nil, plan.NewCluster(client).Explain(err)
	}
	list = slices.DeleteFunc(list, func(a *nomad.AllocationListStub) bool { return !strings.HasPrefix(a.ID, prefix) })
	switch len(list) {
	case 0:
		return nil, nil, misuse(cmd, "there is no machine %q; `machinectl machines` lists them", prefix)
	case 1:
	default:
		return nil, nil, misuse(cmd, "%d machines have ids that begin with %q: write more of it", len(list), prefix)
	}
	alloc, _, err := client.Allocations().Info(list[0].ID, (&nomad.QueryOptions{Region: at.Region, Namespace: list[0].Namespace}).WithContext(ctx))
	if err != nil {
		return nil, nil, plan.NewCluster(client).Explain(err)
	}
	if alloc.Job == nil || alloc.Job.Meta[manifest.MetaManaged] != manifest.MetaManagedValue {
		return nil, nil, misuse(cmd, "allocation %s is no machine of machinectl's", alloc.ID)
	}
	return client, alloc, nil
}

// taskOf is the named task of a machine, by default the agent.
func taskOf(cmd *cli.Command, alloc *nomad.Allocation, name string) (string, error) {
	name = cmp.Or(name, manifest.TaskAgent)
	var known []string
	for _, task := range alloc.Job.LookupTaskGroup(alloc.TaskGroup).Tasks {
		if task.Name == name {
			return name, nil
		}
		known = append(known, task.Name)
	}
	return "", misuse(cmd, "machine %s has no task %q; it has %s", alloc.ID[:8], name, strings.Join(known, ", "))
}

func logsCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "logs", Usage: "show what a machine's tasks write", ArgsUsage: "<machine> [task]",
		Description: "Shows what a task of the machine wrote to standard error, or with -stdout to standard output. The task is the agent\n" +
			"unless one is named, such as shared-setup or a service instance. With -json, each line is an object.",
		Flags: append(clusterFlags(),
			&cli.BoolFlag{Name: "f", Usage: "go on showing what comes, until interrupted"},
			&cli.BoolFlag{Name: "stdout", Usage: "standard output instead of standard error"},
			&cli.Int64Flag{Name: "tail", Value: 8 << 10, Usage: "begin at most this many `BYTES` before the end; 0 is from the beginning"},
			jsonFlag()),
		ShellComplete: completing(machineNames),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return logs(ctx, cmd, std) },
	}
}

func logs(ctx context.Context, cmd *cli.Command, std streams) (err error) {
	if n := cmd.Args().Len(); n < 1 || n > 2 {
		return misuse(cmd, "name a machine, and maybe a task of it")
	}
	client, alloc, err := findMachine(ctx, cmd, cmd.Args().First())
	if err != nil {
		return err
	}
	task, err := taskOf(cmd, alloc, cmd.Args().Get(1))
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
	out := std.out
	if cmd.Bool("json") {
		lines := &logLines{std: std, machine: alloc.ID, task: task, stream: kind}
		defer func() { err = errors.Join(err, lines.end()) }()
		out = lines
	}
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
			return fmt.Errorf("the log of %s on machine %s can't be read: %w", task, alloc.ID[:8], err)
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

// restarted is the JSON form of what restart did.
type restarted struct {
	Machine string `json:"machine"`
	Pool    string `json:"pool"`
	Project string `json:"project,omitempty"` // who owns the pool
	Task    string `json:"task"`
	State   string `json:"state"`
}

func restartCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "restart", Usage: "restart a machine's task in place", ArgsUsage: "<machine> <task>",
		Description: "Restarts one task of a machine, such as comfyui-gpu0, at once. A job that uses it meanwhile fails and is tried again\n" +
			"elsewhere; restarting the agent gives the machine's jobs back to the queue after its grace.",
		Flags:         append(clusterFlags(), jsonFlag()),
		ShellComplete: completing(machineNames),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 2 {
				return misuse(cmd, "name a machine and the task to restart")
			}
			client, alloc, err := findMachine(ctx, cmd, cmd.Args().First())
			if err != nil {
				return err
			}
			task, err := taskOf(cmd, alloc, cmd.Args().Get(1))
			if err != nil {
				return err
			}
			q := (&nomad.QueryOptions{Namespace: alloc.Namespace}).WithContext(ctx)
			if err := client.Allocations().Restart(alloc, task, q); err != nil {
				return fmt.Errorf("%s on machine %s was not restarted: %w", task, alloc.ID[:8], err)
			}
			owner := plan.Owner(alloc.Job)
			if cmd.Bool("json") {
				return std.json(restarted{Machine: alloc.ID, Pool: alloc.JobID, Project: owner, Task: task, State: "restarting"})
			}
			std.screen().Printf("%s on machine %s is restarting (pool %s%s).", task, alloc.ID[:8], alloc.JobID, ofProject(", project %s", owner))
			return nil
		},
	}
}
