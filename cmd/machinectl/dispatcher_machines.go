package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
)

// machine returns the id of the only machine that reports to the dispatcher and whose id begins with prefix.
func (d *dispatcher) machine(ctx context.Context, cmd *cli.Command, prefix string) (string, error) {
	machines, err := d.Machines(ctx, "")
	if err != nil {
		return "", err
	}
	var found []string
	for _, m := range machines {
		switch {
		case m.ID == prefix:
			return m.ID, nil
		case strings.HasPrefix(m.ID, prefix):
			found = append(found, fmt.Sprintf("%s (pool %s)", m.ID, m.Pool))
		}
	}
	switch {
	case len(prefix) < minPrefix:
		return "", misuse(cmd, "%q is too short for a machine's id: write at least %d characters of it; `machinectl machines` lists them", prefix, minPrefix)
	case len(found) == 0:
		return "", misuse(cmd, "no machine %q reports to the dispatcher at %s; `machinectl machines` lists those that run", prefix, d.at)
	case len(found) > 1:
		return "", misuse(cmd, "%d machines have ids that begin with %q, write more of it: %s", len(found), prefix, strings.Join(found, ", "))
	}
	id, _, _ := strings.Cut(found[0], " ")
	return id, nil
}

// agents asks the dispatcher for what the agents report. Without an answer it returns nil if the dispatcher's URL is only the
// default.
func agents(ctx context.Context, d *dispatcher) *view.Dispatcher {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	out := &view.Dispatcher{URL: d.at, Machines: map[string]view.AgentState{}}
	machines, err := d.Machines(ctx, "")
	if err != nil {
		if !d.named && denied(err) == nil {
			return nil
		}
		out.Error = advised(err).Error()
		return out
	}
	if out.Unwatched, err = d.unwatched(ctx); err != nil {
		out.Error = advised(err).Error()
	}
	for _, m := range machines {
		state := view.AgentState{State: string(m.State), Reason: m.Reason}
		if m.Drain != nil && m.State == client.MachineStateReady { // its agent learns of it with its next heartbeat
			state.State = string(client.MachineStateDraining)
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
