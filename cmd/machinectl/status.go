package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/queue"
)

func statusCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show pools and their machines", ArgsUsage: "[pool]…",
		Description: "Shows what Nomad runs and, where the dispatcher can be reached, what the machines' agents say of themselves.",
		Flags:       append(clusterFlags(), jsonFlag(), dispatcherFlag()),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			doc, err := statusOf(ctx, cmd)
			if err != nil {
				return err
			}
			if cmd.Bool("json") {
				return std.json(doc)
			}
			std.screen().Status(doc, time.Now())
			return nil
		},
	}
}

// states reads the pools that are named, or all of them.
func states(ctx context.Context, cmd *cli.Command, c *plan.Cluster, at plan.Place) ([]*plan.State, error) {
	if !cmd.Args().Present() {
		if at.Namespace == "" {
			at.Namespace = "*"
		}
		list, err := plan.Pools(ctx, c, at)
		if list == nil {
			list = []*plan.State{}
		}
		return list, err
	}
	list := []*plan.State{}
	for _, name := range cmd.Args().Slice() {
		state, err := plan.Read(ctx, c, name, at)
		if err != nil {
			return nil, err
		}
		if state == nil {
			return nil, misuse(cmd, "there is no pool %q", name)
		}
		list = append(list, state)
	}
	return list, nil
}

// agents asks the dispatcher for the agents' own words. Where nobody said that there is one, its absence is no news.
func agents(ctx context.Context, d *dispatcher) *view.Dispatcher {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var answer struct {
		Machines []queue.Machine `json:"machines"`
	}
	out := &view.Dispatcher{URL: d.url, Machines: map[string]view.AgentState{}}
	if err := d.call(ctx, http.MethodGet, "/v1/machines", nil, &answer); err != nil {
		if !d.named {
			return nil
		}
		out.Error = err.Error()
		return out
	}
	for _, m := range answer.Machines {
		state := view.AgentState{State: m.State, Reason: m.Reason}
		if m.Drain != nil && m.State == queue.MachineReady { // its agent will know with its next heartbeat
			state.State = queue.MachineDraining
		}
		if m.Drain != nil {
			state.Reason = fmt.Sprintf("drained by hand until %s: %s", clock(&m.Drain.Until), m.Drain.Reason)
		}
		for _, w := range m.Workers {
			state.Jobs += len(w.Jobs)
		}
		out.Machines[m.ID] = state
	}
	return out
}
