package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/emprops/machinectl/client"
)

// commands are what scripts can do beside testscript's own: `exitcode N program args…` runs a program that must exit so;
// `machine-of pool` sets MACHINE to the id of the pool's first machine; `until-busy` waits for a running job and sets
// MACHINE to its machine's id; `job-of state` sets JOB to a job's id; `by-hand pool` changes its agents' environment behind
// machinectl's back; `foreign-job name` registers a job that isn't machinectl's; `grow pool [n]` waits until the pool has a second
// (n-th) revision, and asks for one machine of it, as the dispatcher would; `until pattern program args…` runs a program again and
// again until what it prints matches.
func commands() map[string]func(*testscript.TestScript, bool, []string) {
	return map[string]func(*testscript.TestScript, bool, []string){
		"machine-of": func(ts *testscript.TestScript, _ bool, args []string) {
			client := clientOf(ts)
			defer client.Close()
			allocs, _, err := client.Jobs().Allocations(args[0], false, nil)
			ts.Check(err)
			for _, a := range allocs {
				if a.ClientStatus == nomad.AllocClientStatusRunning {
					ts.Setenv("MACHINE", a.ID[:8])
					return
				}
			}
			ts.Fatalf("pool %s has no running machine", args[0])
		},
		"until-busy": func(ts *testscript.TestScript, _ bool, _ []string) {
			for deadline := time.Now().Add(20 * time.Second); ; {
				if page := jobsIn(ts, "running"); len(page.Jobs) > 0 {
					ts.Setenv("MACHINE", page.Jobs[0].Machine[:8])
					return
				}
				if time.Now().After(deadline) {
					ts.Fatalf("no job runs")
				}
			}
		},
		// drained-within fails unless the drain that a file shows ends within a duration.
		"drained-within": func(ts *testscript.TestScript, _ bool, args []string) {
			var state client.Drain
			ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &state))
			d, err := time.ParseDuration(args[0])
			ts.Check(err)
			if state.Until == nil || time.Until(*state.Until) > d {
				ts.Fatalf("the drain ends at %s, not within %s", clock(state.Until), d)
			}
		},
		// expiring writes a submission of a job that nothing can run, with a deadline a few seconds from now.
		"expiring": func(ts *testscript.TestScript, _ bool, args []string) {
			text := fmt.Sprintf(`{"type": "nobody", "deadline": %q}`, time.Now().Add(6*time.Second).Format(time.RFC3339Nano))
			ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
		},
		"job-of": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Setenv("JOB", jobsIn(ts, args[0]).Jobs[0].ID)
		},
		"by-hand": func(ts *testscript.TestScript, _ bool, args []string) {
			client := clientOf(ts)
			defer client.Close()
			job, _, err := client.Jobs().Info(args[0], nil)
			ts.Check(err)
			job.TaskGroups[0].Tasks[0].Env["NOTE"] = "by hand"
			answer, _, err := client.Jobs().Register(job, nil)
			ts.Check(err)
			ts.Check(evaluated(client, answer.EvalID))
		},
		// resize changes the count of a pool's wanted group as a dispatcher does, to each number in turn.
		"resize": func(ts *testscript.TestScript, _ bool, args []string) {
			client := clientOf(ts)
			defer client.Close()
			job, _, err := client.Jobs().Info(args[0], nil)
			ts.Check(err)
			for _, arg := range args[1:] {
				count, err := strconv.Atoi(arg)
				ts.Check(err)
				_, _, err = client.Jobs().Scale(args[0], *job.TaskGroups[len(job.TaskGroups)-1].Name, &count, "resized", false, nil, nil)
				ts.Check(err)
			}
		},
		// versions fails unless Nomad keeps at most so many versions of a pool's job, so many of them for good.
		"versions": func(ts *testscript.TestScript, _ bool, args []string) {
			client := clientOf(ts)
			defer client.Close()
			versions, _, _, err := client.Jobs().Versions(args[0], false, nil)
			ts.Check(err)
			tagged := 0
			for _, v := range versions {
				if v.VersionTag != nil {
					tagged++
				}
			}
			if most, err := strconv.Atoi(args[1]); err != nil || len(versions) > most {
				ts.Fatalf("%d versions are kept (want at most %s): %v", len(versions), args[1], err)
			}
			if most, err := strconv.Atoi(args[2]); err != nil || tagged > most {
				ts.Fatalf("%d versions have a tag (want at most %s): %v", tagged, args[2], err)
			}
		},
		"foreign-job": func(ts *testscript.TestScript, _ bool, args []string) {
			client := clientOf(ts)
			defer client.Close()
			job := nomad.NewServiceJob(args[0], args[0], "global", 50).AddDatacenter("*")
			job.AddTaskGroup(nomad.NewTaskGroup("g", 0).AddTask(nomad.NewTask("t", "raw_exec").SetConfig("command", "/bin/true")))
			job.Update = &nomad.UpdateStrategy{MaxParallel: new(0)}
			_, _, err := client.Jobs().Register(job, nil)
			ts.Check(err)
		},
		"grow": func(ts *testscript.TestScript, _ bool, args []string) {
			groups := 2
			if len(args) > 1 {
				n, err := strconv.Atoi(args[1])
				ts.Check(err)
				groups = n
			}
			ts.Check(grow(clientOf(ts), args[0], groups))
		},
		"until": func(ts *testscript.TestScript, _ bool, args []string) {
			pattern, err := regexp.Compile("(?m)" + args[0])
			ts.Check(err)
			for deadline := time.Now().Add(30 * time.Second); ; {
				failed := ts.Exec(args[1], args[2:]...)
				printed := ts.ReadFile("stdout") + ts.ReadFile("stderr")
				if pattern.MatchString(printed) {
					return
				}
				if time.Now().After(deadline) {
					ts.Fatalf("never printed %s (%v):\n%s", pattern, failed, printed)
				}
			}
		},
		"exitcode": func(ts *testscript.TestScript, _ bool, args []string) {
			err := ts.Exec(args[1], args[2:]...)
			got := 0
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				got = exit.ExitCode()
			} else if err != nil {
				ts.Fatalf("%v", err)
			}
			if fmt.Sprint(got) != args[0] {
				ts.Fatalf("exit code %d, want %s", got, args[0])
			}
		},
	}
}

// jobsIn are the dispatcher's jobs in that state.
func jobsIn(ts *testscript.TestScript, state string) (page client.JobPage) {
	ts.Check(ts.Exec("machinectl", "jobs", "-json", "-state", state))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &page))
	return page
}

// clientOf is the API of a script's Nomad.
func clientOf(ts *testscript.TestScript) *nomad.Client {
	api, err := nomad.NewClient(&nomad.Config{Address: ts.Getenv("NOMAD_ADDR"), Namespace: ts.Getenv("NOMAD_NAMESPACE"), SecretID: ts.Getenv("NOMAD_TOKEN")})
	ts.Check(err)
	return api
}

// evaluated waits until Nomad has done what it does about a change.
func evaluated(api *nomad.Client, eval string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	q := (&nomad.QueryOptions{WaitTime: 10 * time.Second}).WithContext(ctx)
	for {
		e, meta, err := api.Evaluations().Info(eval, q)
		if err != nil || e.Status != nomad.EvalStatusPending {
			return err
		}
		q.WaitIndex = meta.LastIndex
	}
}

func grow(client *nomad.Client, pool string, groups int) error {
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	q := (&nomad.QueryOptions{WaitTime: 10 * time.Second}).WithContext(ctx)
	for {
		job, meta, err := client.Jobs().Info(pool, q)
		if err != nil {
			return err
		}
		if n := len(job.TaskGroups); n >= groups {
			_, _, err := client.Jobs().Scale(pool, *job.TaskGroups[n-1].Name, new(1), "a test", false, nil, nil)
			return err
		}
		q.WaitIndex = meta.LastIndex
	}
}
