package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/timetext"
)

func jobsCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "jobs", Usage: "list jobs, newest first", ArgsUsage: "[id]",
		Description: "Asks the dispatcher for its jobs. With an id, shows that job and the reason for its state.",
		Flags: dispatcherFlags(
			jsonFlag(),
			&cli.StringFlag{Name: "state", Usage: "only jobs in this `STATE`: waiting, running, completed, failed …"},
			&cli.StringFlag{Name: "type", Usage: "only jobs of this `TYPE`"},
			&cli.StringFlag{Name: "tenant", Usage: "only jobs of this `TENANT`"},
			&cli.IntFlag{Name: "limit", Value: 20, Usage: "at most `N`"},
		),
		ShellComplete: completing(jobIDs),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Present() {
				return oneJob(ctx, cmd, std)
			}
			return listJobs(ctx, cmd, std)
		},
	}
}

func listJobs(ctx context.Context, cmd *cli.Command, std streams) error {
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	page, err := d.Jobs(ctx, &client.ListJobsParams{
		Limit: new(cmd.Int("limit")), State: client.State(cmd.String("state")), Type: cmd.String("type"), Tenant: cmd.String("tenant"),
	})
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return std.json(page)
	}
	s := std.screen()
	if len(page.Jobs) == 0 {
		s.Printf("No such jobs.")
		return nil
	}
	rows := [][]string{s.Head("JOB", "STATE", "TYPE", "PRIORITY", "AGE", "MACHINE", "")}
	for _, j := range page.Jobs {
		note := ""
		switch {
		case j.Error != nil && j.State != client.StateCompleted:
			note = j.Error.Message
		case j.Progress != nil && j.Progress.Max > 0 && !j.State.Final():
			note = fmt.Sprintf("%.0f %%", 100*j.Progress.Value/j.Progress.Max)
		}
		rows = append(rows, []string{j.ID, string(j.State), j.Type, strconv.Itoa(j.Priority), timetext.Age(time.Since(j.CreatedAt)), j.Machine[:min(8, len(j.Machine))], s.Faint(note)})
	}
	const kind, priority, age = 2, 3, 4
	s.Rows("", rows, priority, age, kind)
	return nil
}

// oneJob shows a job and the reason for its state.
func oneJob(ctx context.Context, cmd *cli.Command, std streams) error {
	d, err := newDispatcher(cmd)
	if err != nil {
		return err
	}
	job, err := d.Job(ctx, cmd.Args().First())
	if err != nil {
		return err
	}
	if cmd.Bool("json") {
		return std.json(job)
	}
	s := std.screen()
	showJob(s, job)
	if job.State.Final() {
		return nil
	}
	why, err := d.Explain(ctx, job.ID)
	if err != nil {
		return err
	}
	s.Printf("  %s", why.Summary)
	return nil
}

// showJob writes how a job ended and its result.
func showJob(s view.Screen, j *client.Job) {
	paint := s.Good
	if j.State != client.StateCompleted {
		paint = s.Bad
	}
	line := fmt.Sprintf("%s  %s", s.Bold(j.ID), paint(string(j.State)))
	if j.StartedAt != nil && j.EndedAt != nil {
		line += fmt.Sprintf(" after %s, waited %s", timetext.Duration(j.EndedAt.Sub(*j.StartedAt)), timetext.Duration(j.StartedAt.Sub(j.CreatedAt)))
	}
	s.Printf("%s", line)
	if j.Error != nil && j.State != client.StateCompleted {
		s.Printf("  %s: %s", j.Error.Code, j.Error.Message)
	}
	if j.Result == nil {
		return
	}
	var rows [][]string
	for _, b := range j.Result.Blobs {
		rows = append(rows, []string{b.Name, fmt.Sprintf("%d bytes", b.Size), b.ContentType, b.URL})
	}
	s.Rows("  ", rows, 2)
	if len(j.Result.Data) > 0 && string(j.Result.Data) != "null" {
		s.Printf("  %s", j.Result.Data)
	}
}
