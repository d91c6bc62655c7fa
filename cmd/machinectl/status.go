package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/queue"
)

func statusCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show pools and their machines", ArgsUsage: "[pool]…",
		Description:   "Shows what Nomad runs and, where the dispatcher can be reached, what the machines' agents say of themselves.",
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
	return named(ctx, cmd, c, at)
}

// named reads the pools that are named. One of no stated namespace is looked for where a listing finds it: in all of them.
func named(ctx context.Context, cmd *cli.Command, c *plan.Cluster, at plan.Place) ([]*plan.State, error) {
	names := cmd.Args().Slice()
	list := []*plan.State{}
	if at.Namespace == "" {
		all, err := plan.Named(ctx, c, plan.Place{Region: at.Region, Namespace: nomad.AllNamespacesNamespace}, names)
		if err != nil {
			return nil, err
		}
		list = append(list, all...)
	}
	for _, name := range names {
		if slices.ContainsFunc(list, func(s *plan.State) bool { return s.Pool == name }) {
			continue
		}
		// A stopped pool is in no listing, and what has the name but isn't ours is told by its error.
		state, err := plan.Read(ctx, c, name, at)
		if err != nil {
			return nil, err
		}
		if state == nil {
			return nil, unknownPool(ctx, cmd, name, at)
		}
		list = append(list, state)
	}
	return list, nil
}

// placeNamed is where the pool of this name is, if no namespace was stated: where a listing finds it. One that no listing finds
// is looked for in the default namespace.
func placeNamed(ctx context.Context, cmd *cli.Command, name string, at plan.Place) (plan.Place, error) {
	if at.Namespace != "" {
		return at, nil
	}
	at.Namespace = nomad.DefaultNamespace
	_, jobs, err := poolJobs(ctx, cmd)
	if err != nil {
		jobs = nil // whoever asks for the pool next says why Nomad doesn't answer
	}
	var places []string
	for _, j := range jobs {
		if j.ID == name {
			places = append(places, j.Namespace)
		}
	}
	switch {
	case len(places) == 1:
		at.Namespace = places[0]
	case len(places) > 1:
		slices.Sort(places)
		return at, misuse(cmd, "there is a pool %q in each of the namespaces %s: say which one with -namespace", name, strings.Join(places, ", "))
	}
	return at, nil
}

// unknownPool says that there is none of this name, and what there is of one like it.
func unknownPool(ctx context.Context, cmd *cli.Command, name string, at plan.Place) error {
	where := ""
	if at.Namespace != "" {
		where = fmt.Sprintf(" in namespace %q", at.Namespace)
	}
	known, err := runningPools(ctx, cmd)
	if err != nil {
		known = nil // the listing is for the hint alone
	}
	return misuse(cmd, "there is no pool %q%s%s", name, where, hint(diag.Suggest(name, known)))
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
	var err error
	if out.Unwatched, err = d.unwatched(ctx); err != nil {
		out.Error = err.Error()
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
