package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
)

// completionLimit bounds how long a shell waits for names.
const completionLimit = time.Second

// completing completes a command's arguments with the names that a server knows, and its flags after a dash. A shell can't show
// an error, so there are no names then.
func completing(names func(ctx context.Context, cmd *cli.Command) ([]string, error)) cli.ShellCompleteFunc {
	return func(ctx context.Context, cmd *cli.Command) {
		given := cmd.Args().Slice()
		if n := len(given); n > 0 && strings.HasPrefix(given[n-1], "-") {
			cli.DefaultCompleteWithFlags(ctx, cmd)
			return
		}
		ctx, cancel := context.WithTimeout(ctx, completionLimit)
		defer cancel()
		found := make(chan []string, 1)
		go func() {
			list, err := names(ctx, cmd)
			if err != nil {
				list = nil
			}
			found <- list
		}()
		select {
		case <-ctx.Done():
		case list := <-found:
			slices.Sort(list)
			for _, name := range slices.Compact(list) {
				if !slices.Contains(given, name) {
					fmt.Fprintln(cmd.Root().Writer, name)
				}
			}
		}
	}
}

// dispatchedNames returns the names of the pools that the dispatcher resizes.
func dispatchedNames(ctx context.Context, cmd *cli.Command) ([]string, error) {
	d, err := newDispatcher(cmd)
	if err != nil {
		return nil, err
	}
	pools, err := d.Pools(ctx)
	var names []string
	for _, p := range pools {
		names = append(names, cmp.Or(p.Name, p.Pool))
	}
	short := make([]string, len(names))
	for i, p := range pools {
		short[i] = shortName(p, names)
	}
	return short, err
}

// machineNames returns the machines that run, by the part of their ids that tables show. After a machine it returns its tasks.
func machineNames(ctx context.Context, cmd *cli.Command) ([]string, error) {
	if cmd.Args().Present() {
		return taskNames(ctx, cmd)
	}
	cluster, jobs, err := poolJobs(ctx, cmd)
	if err != nil {
		return nil, err
	}
	_, at, err := nomadClient(cmd)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, j := range jobs {
		q := (&nomad.QueryOptions{Region: at.Region, Namespace: j.Namespace}).WithContext(ctx)
		allocs, _, err := cluster.Jobs().Allocations(j.ID, false, q)
		if err != nil {
			return nil, err
		}
		for _, a := range allocs {
			if a.ClientStatus == nomad.AllocClientStatusRunning || a.ClientStatus == nomad.AllocClientStatusPending {
				names = append(names, a.ID[:8])
			}
		}
	}
	return names, nil
}

// taskNames returns the tasks of the machine in the first argument.
func taskNames(ctx context.Context, cmd *cli.Command) ([]string, error) {
	if cmd.Args().Len() > 1 {
		return nil, nil
	}
	_, alloc, err := findMachine(ctx, cmd, cmd.Args().First())
	if err != nil {
		return nil, err
	}
	var names []string
	for _, task := range alloc.Job.LookupTaskGroup(alloc.TaskGroup).Tasks {
		names = append(names, task.Name)
	}
	return names, nil
}

// reportingMachines returns the machines that report to the dispatcher.
func reportingMachines(ctx context.Context, cmd *cli.Command) ([]string, error) {
	if cmd.Args().Present() {
		return nil, nil
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return nil, err
	}
	machines, err := d.Machines(ctx, "")
	var ids []string
	for _, m := range machines {
		ids = append(ids, m.ID)
	}
	return strings.Split(shortened(ids), ", "), err
}

// jobIDs returns the ids of the newest jobs.
func jobIDs(ctx context.Context, cmd *cli.Command) ([]string, error) {
	if cmd.Args().Present() {
		return nil, nil
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return nil, err
	}
	page, err := d.Jobs(ctx, &client.ListJobsParams{Limit: new(50)})
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, j := range page.Jobs {
		ids = append(ids, j.ID)
	}
	return ids, nil
}
