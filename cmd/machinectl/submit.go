package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/hcl/timetext"
)

func submitCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "submit", Usage: "give a job to the dispatcher", ArgsUsage: "<job.json | ->",
		Description: "Posts a job: a file with JSON, or standard input. With -wait, follows it to its end and shows its result.",
		Flags: dispatcherFlags(
			jsonFlag(),
			&cli.BoolFlag{Name: "wait", Usage: "follow the job to its end"},
			durationFlag("timeout", 0, "how long to follow it; 0 is without limit"),
		),
		Action: func(ctx context.Context, cmd *cli.Command) error { return submit(ctx, cmd, std) },
	}
}

// submissionLimit bounds a job's JSON, in bytes: a workflow with its images inline stays below it.
const submissionLimit = 64 << 20

func submit(ctx context.Context, cmd *cli.Command, std streams) error {
	body, err := readJob(cmd, std)
	if err != nil {
		return err
	}
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	answer, err := d.SubmitJSON(ctx, body)
	if err != nil {
		return err
	}
	asJSON, out := cmd.Bool("json"), std.screen()
	if !cmd.Bool("wait") {
		if asJSON {
			return std.json(answer)
		}
		showSubmitted(out, answer)
		return nil
	}
	show := func(client.Event) {}
	if !asJSON {
		showSubmitted(out, answer)
		show = func(e client.Event) { showEvent(out, e) }
	}
	if limit := cmd.Duration("timeout"); limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("job %s has not ended after %s; it continues without being followed", answer.ID, timetext.Duration(limit)))
		defer cancel()
	}
	job, err := d.Follow(ctx, answer.ID, show)
	if err != nil {
		return lost(answer.ID, err)
	}
	if asJSON {
		err = std.json(job)
	} else {
		showJob(out, job)
	}
	if err == nil && job.State != client.StateCompleted {
		return &shownError{errJobFailed}
	}
	return err
}

// lost returns what it means that the dispatcher doesn't know a job which it has accepted; other errors it returns as they are.
func lost(id string, err error) error {
	if !client.Is(err, client.ProblemCodeNotFound) {
		return err
	}
	return fmt.Errorf("%w: the dispatcher no longer knows job %s. Its Redis lost its data (a flush, or a restart without persistence), or the job ended and its "+
		"record expired. It may or may not have run: look for its results before submitting it again", errJobFailed, id)
}

// readJob reads the submission and checks that it is JSON, so that a mistake can be reported with its place.
func readJob(cmd *cli.Command, std streams) ([]byte, error) {
	if cmd.Args().Len() != 1 {
		return nil, misuse(cmd, "name one file with a job, or - for standard input")
	}
	name := cmd.Args().First()
	in := std.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, misuse(cmd, "%s", fileError(err))
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, submissionLimit+1))
	if err != nil {
		return nil, fileError(err)
	}
	if len(b) > submissionLimit {
		return nil, fmt.Errorf("%s: more than %d bytes: put large inputs into a store and name their URLs", name, submissionLimit)
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("%s: not a JSON object: %s", name, jsonPlace(b, err))
	}
	return b, nil
}
