package main

import (
	"context"
	"fmt"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
)

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
		Description: "Restarts one task of a machine, such as comfyui-gpu0, immediately. A job that is using it fails and is tried again\n" +
			"elsewhere; restarting the agent returns the machine's jobs to the queue after its grace period.",
		Flags:         append(lookupFlags(), jsonFlag()),
		ShellComplete: completing(machineNames),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Len() != 2 {
				return misuse(cmd, "name a machine and the task to restart")
			}
			client, alloc, task, err := findTask(ctx, cmd)
			if err != nil {
				return err
			}
			q := (&nomad.QueryOptions{Namespace: alloc.Namespace}).WithContext(ctx)
			if err := client.Allocations().Restart(alloc, task, q); err != nil {
				return fmt.Errorf("%s on machine %s was not restarted: %w", task, alloc.ID[:8], plan.NewCluster(client).Explain(err))
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
