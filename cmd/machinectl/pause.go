package main

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/hcl/diag"
)

func pauseCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "pause", Usage: "start no more jobs of a type", ArgsUsage: "<type>",
		Description: "No machine starts a job of this type until it is resumed. Jobs of the type that run go on to their end; those that wait,\n" +
			"and those that are submitted meanwhile, keep their places. Pools don't grow for them. `machinectl pools` shows what is paused.",
		Flags: []cli.Flag{
			dispatcherFlag(), jsonFlag(),
			&cli.StringFlag{Name: "reason", Usage: "`TEXT` for whoever asks why"},
		},
		ShellComplete: completing(typesThat(false)),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return pause(ctx, cmd, std) },
	}
}

func resumeCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "resume", Usage: "start jobs of a paused type again", ArgsUsage: "<type>",
		Description:   "Ends what pause began: machines start jobs of this type again, and pools grow for them.",
		Flags:         []cli.Flag{dispatcherFlag(), jsonFlag()},
		ShellComplete: completing(typesThat(true)),
		Action:        func(ctx context.Context, cmd *cli.Command) error { return resume(ctx, cmd, std) },
	}
}

// jobType is a type as the dispatcher tells of it.
type jobType struct {
	Type   string `json:"type"`
	Paused bool   `json:"paused"`
	Reason string `json:"reason,omitempty"`
}

// pausing is the JSON form of what pause and resume did.
type pausing struct {
	jobType

	// Before says that the type was paused before.
	Before bool `json:"paused_before"`
	// Known says that a job or a worker has had the type.
	Known bool `json:"known"`
	// Running and Waiting count the type's jobs; each is at most maxCounted.
	Running int `json:"running"`
	Waiting int `json:"waiting"`
}

// maxCounted is how many jobs are counted.
const maxCounted = 500

// order pauses or resumes the type that the command line names.
func (d *dispatcher) order(ctx context.Context, cmd *cli.Command, verb string, body []byte) (p pausing, known []string, err error) {
	if cmd.Args().Len() != 1 {
		return p, nil, misuse(cmd, "name one job type, such as comfyui")
	}
	name := cmd.Args().First()
	types, err := d.types(ctx)
	if err != nil {
		return p, nil, err
	}
	for _, t := range types {
		known = append(known, t.Type)
		if t.Type == name {
			p.Known, p.Before = true, t.Paused
		}
	}
	if err := d.call(ctx, http.MethodPost, "/v1/types/"+url.PathEscape(name)+"/"+verb, body, &p.jobType); err != nil {
		return p, known, err
	}
	for state, n := range map[string]*int{"running": &p.Running, "waiting": &p.Waiting} {
		var page jobPage
		query := url.Values{"type": {name}, "state": {state}, "limit": {strconv.Itoa(maxCounted)}}
		if err := d.call(ctx, http.MethodGet, "/v1/jobs?"+query.Encode(), nil, &page); err != nil {
			return p, known, err
		}
		*n = len(page.Jobs)
	}
	return p, known, nil
}

func pause(ctx context.Context, cmd *cli.Command, std streams) error {
	order := map[string]string{}
	if reason := cmd.String("reason"); reason != "" {
		order["reason"] = reason
	}
	body, err := json.Marshal(order)
	if err != nil {
		return err
	}
	p, known, err := newDispatcher(cmd).order(ctx, cmd, "pause", body)
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return std.json(p)
	}
	s := std.screen()
	if !p.Known {
		s.Printf("%s no job and no worker has had the type %q so far%s", s.Warn("!"), p.Type, hint(diag.Suggest(p.Type, known)))
	}
	s.Printf("No jobs of type %s are started until `machinectl resume %s`: %s.", p.Type, p.Type, p.Reason)
	s.Printf("  %s on to the end, %s.", verbed(p.Running, "that runs goes", "that run go"), verbed(p.Waiting, "waits", "wait"))
	return nil
}

func resume(ctx context.Context, cmd *cli.Command, std streams) error {
	p, known, err := newDispatcher(cmd).order(ctx, cmd, "resume", nil)
	if err != nil {
		return err
	}
	switch {
	case cmd.Bool("json"):
		return std.json(p)
	case !p.Before:
		about := ""
		if !p.Known {
			about = hint(diag.Suggest(p.Type, known))
		}
		std.screen().Printf("Jobs of type %s were not paused%s.", p.Type, about)
	default:
		std.screen().Printf("Jobs of type %s are started again: %s.", p.Type, verbed(p.Waiting, "waits", "wait"))
	}
	return nil
}

// verbed counts jobs that do something.
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

// types are the job types that jobs or workers have had.
func (d *dispatcher) types(ctx context.Context) ([]jobType, error) {
	var answer struct {
		Types []jobType `json:"types"`
	}
	err := d.call(ctx, http.MethodGet, "/v1/types", nil, &answer)
	return answer.Types, err
}

// typesThat completes the types that are paused, or those that aren't.
func typesThat(paused bool) func(context.Context, *cli.Command) ([]string, error) {
	return func(ctx context.Context, cmd *cli.Command) ([]string, error) {
		if cmd.Args().Present() {
			return nil, nil
		}
		types, err := newDispatcher(cmd).types(ctx)
		types = slices.DeleteFunc(types, func(t jobType) bool { return t.Paused != paused })
		names := make([]string, len(types))
		for i, t := range types {
			names[i] = t.Type
		}
		return names, err
	}
}
