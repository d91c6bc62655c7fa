package main

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/urfave/cli/v3"
)

// jobType is a job type in the dispatcher's answers.
type jobType struct {
	Type   string `json:"type"`
	Paused bool   `json:"paused"`
	Reason string `json:"reason,omitempty"`
}

// pausing is the JSON form of what pause and resume did.
type pausing struct {
	jobType

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

// types returns the types that jobs or workers have had.
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
