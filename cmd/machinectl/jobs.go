package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

func jobsCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "jobs", Usage: "list jobs, newest first", ArgsUsage: "[id]",
		Description: "Asks the dispatcher for its jobs. With an id, shows that job and why it is where it is.",
		Flags: []cli.Flag{
			dispatcherFlag(), jsonFlag(),
			&cli.StringFlag{Name: "state", Usage: "only jobs in this `STATE`: waiting, running, completed, failed …"},
			&cli.StringFlag{Name: "type", Usage: "only jobs of this `TYPE`"},
			&cli.StringFlag{Name: "tenant", Usage: "only jobs of this `TENANT`"},
			&cli.IntFlag{Name: "limit", Value: 20, Usage: "at most `N`"},
		},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			if cmd.Args().Present() {
				return oneJob(ctx, cmd, std)
			}
			return listJobs(ctx, cmd, std)
		},
	}
}

// jobPage is the dispatcher's answer to a listing.
type jobPage struct {
	Jobs   []queue.Job `json:"jobs"`
	Cursor string      `json:"cursor,omitempty"`
}

func listJobs(ctx context.Context, cmd *cli.Command, std streams) error {
	query := url.Values{"limit": {strconv.Itoa(cmd.Int("limit"))}}
	for _, name := range []string{"state", "type", "tenant"} {
		if v := cmd.String(name); v != "" {
			query.Set(name, v)
		}
	}
	page := jobPage{Jobs: []queue.Job{}}
	if err := newDispatcher(cmd).call(ctx, http.MethodGet, "/v1/jobs?"+query.Encode(), nil, &page); err != nil {
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
		case j.Error != nil && j.State != queue.Completed:
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

// oneJob shows a job and why it is where it is.
func oneJob(ctx context.Context, cmd *cli.Command, std streams) error {
	d, path := newDispatcher(cmd), "/v1/jobs/"+url.PathEscape(cmd.Args().First())
	var job queue.Job
	if err := d.call(ctx, http.MethodGet, path, nil, &job); err != nil {
		return err
	}
	if cmd.Bool("json") {
		return std.json(job)
	}
	s := std.screen()
	showJob(s, &job)
	if job.State.Final() {
		return nil
	}
	var why queue.Explanation
	if err := d.call(ctx, http.MethodGet, path+"/explain", nil, &why); err != nil {
		return err
	}
	s.Printf("  %s", why.Summary)
	return nil
}

func poolsCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "pools", Usage: "show what the dispatcher does with the pools", ArgsUsage: "[pool]…",
		Description: "Each pool's size, what the dispatcher does with it now, and why. `machinectl status` shows what Nomad runs.",
		Flags:       []cli.Flag{dispatcherFlag(), jsonFlag()},
		Action:      func(ctx context.Context, cmd *cli.Command) error { return pools(ctx, cmd, std) },
	}
}

// dispatched is a pool as the dispatcher tells of it.
type dispatched struct {
	Pool     string `json:"pool"`
	Project  string `json:"project,omitempty"` // who owns it
	Machine  string `json:"machine"`
	Min      int    `json:"min"`
	Max      int    `json:"max"`
	Asked    int    `json:"asked"`
	Ready    int    `json:"ready"`
	Starting int    `json:"starting"`
	Draining int    `json:"draining"`
	Busy     int    `json:"busy"`
	Failed   int    `json:"failed"`
	Status   string `json:"status"`
	Reason   string `json:"reason,omitempty"`
}

func pools(ctx context.Context, cmd *cli.Command, std streams) error {
	answer := struct {
		Pools []dispatched `json:"pools"`
	}{}
	if err := newDispatcher(cmd).call(ctx, http.MethodGet, "/v1/pools", nil, &answer); err != nil {
		return err
	}
	var known []string
	for _, p := range answer.Pools {
		known = append(known, p.Pool)
	}
	for _, name := range cmd.Args().Slice() {
		if !slices.Contains(known, name) {
			return misuse(cmd, "the dispatcher has no pool %q%s", name, hint(diag.Suggest(name, known)))
		}
	}
	list := slices.DeleteFunc(answer.Pools, func(p dispatched) bool {
		return cmd.Args().Present() && !slices.Contains(cmd.Args().Slice(), p.Pool)
	})
	if cmd.Bool("json") {
		return std.json(map[string]any{"pools": list})
	}
	s := std.screen()
	if len(list) == 0 {
		s.Printf("The dispatcher sees no pools.")
		return nil
	}
	var projects []string
	for _, p := range list {
		projects = append(projects, p.Project)
	}
	rows := [][]string{s.Head("POOL", view.ProjectColumn(projects), "MACHINE", "STATUS", "ASKED", "READY", "BUSY", "STARTING", "DRAINING", "FAILED", "BOUNDS", "")}
	for _, p := range list {
		rows = append(rows, []string{
			s.Bold(p.Pool), p.Project, p.Machine, p.Status, strconv.Itoa(p.Asked), strconv.Itoa(p.Ready), strconv.Itoa(p.Busy), strconv.Itoa(p.Starting),
			strconv.Itoa(p.Draining), strconv.Itoa(p.Failed), fmt.Sprintf("%d–%d", p.Min, p.Max), s.Faint(p.Reason),
		})
	}
	const project, machine, starting, draining, failed = 1, 2, 7, 8, 9
	s.Rows("", rows, machine, project, draining, starting, failed)
	return nil
}
