package main

import (
	"cmp"
	"context"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/manifest"
)

// minPrefix is the least number of characters of a machine's id that identify it on the command line.
const minPrefix = 4

// findMachine returns the only machine whose id begins with prefix.
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
		return nil, nil, misuse(cmd, "allocation %s is not a machine of a pool", alloc.ID)
	}
	return client, alloc, nil
}

// findTask finds the machine and the task that a command's arguments name.
func findTask(ctx context.Context, cmd *cli.Command) (client *nomad.Client, alloc *nomad.Allocation, task string, err error) {
	if client, alloc, err = findMachine(ctx, cmd, cmd.Args().First()); err != nil {
		return nil, nil, "", err
	}
	task, err = taskOf(cmd, alloc, cmd.Args().Get(1))
	return client, alloc, task, err
}

// taskOf returns the named task of a machine; the agent if name is empty.
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
