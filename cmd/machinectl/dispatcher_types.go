package main

import (
	"context"
	"slices"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
)

// pausing is the JSON form of what pause and resume did.
type pausing struct {
	client.Pausing

	// Before reports whether the type was paused before.
	Before bool `json:"paused_before"`
	// Known reports whether a job or a worker has had the type.
	Known bool `json:"known"`
	// Running and Waiting count the type's jobs; each is at most maxCounted.
	Running int `json:"running"`
	Waiting int `json:"waiting"`
}

// maxCounted is how many jobs are counted.
const maxCounted = 500

// order pauses or resumes the type that the command line names.
func (d *dispatcher) order(ctx context.Context, cmd *cli.Command, give func(jobType string) (*client.Pausing, error)) (p pausing, known []string, err error) {
	if cmd.Args().Len() != 1 {
		return p, nil, misuse(cmd, "name one job type, such as comfyui")
	}
	name := cmd.Args().First()
	types, err := d.Types(ctx)
	if err != nil {
		return p, nil, err
	}
	for _, t := range types {
		known = append(known, t.Type)
		if t.Type == name {
			p.Known, p.Before = true, t.Paused
		}
	}
	now, err := give(name)
	if err != nil {
		return p, known, err
	}
	p.Pausing = *now
	return p, known, nil
}

// count counts a type's running and waiting jobs.
func (d *dispatcher) count(ctx context.Context, jobType string, p *pausing) error {
	for state, n := range map[client.State]*int{client.StateRunning: &p.Running, client.StateWaiting: &p.Waiting} {
		page, err := d.Jobs(ctx, &client.ListJobsParams{Type: jobType, State: state, Limit: new(maxCounted)})
		if err != nil {
			return err
		}
		*n = len(page.Jobs)
	}
	return nil
}

// typesThat completes the types that are paused, or those that aren't.
func typesThat(paused bool) func(context.Context, *cli.Command) ([]string, error) {
	return func(ctx context.Context, cmd *cli.Command) ([]string, error) {
		if cmd.Args().Present() {
			return nil, nil
		}
		d, err := newDispatcher(cmd)
		if err != nil {
			return nil, err
		}
		types, err := d.Types(ctx)
		types = slices.DeleteFunc(types, func(t client.Pausing) bool { return t.Paused != paused })
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.Type
		}
		return names, err
	}
}

// verbed counts jobs, with the verb in the right form.
func verbed(n int, one, several string) string {
	switch {
	case n == 1:
		return "1 job " + one
	case n >= maxCounted:
		return strconv.Itoa(n) + " jobs or more " + several
	default:
		return plural(n, "job") + " " + several
	}
}
