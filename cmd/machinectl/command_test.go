package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/rogpeppe/go-internal/testscript"
)

// commands are what scripts can do beside testscript's own: `exitcode N program args…` runs a program that must exit so;
// `machine-of pool` sets MACHINE to the id of the pool's first machine; `until-busy` waits for a running job and sets
// MACHINE to its machine's id; `job-of state` sets JOB to a job's id; `by-hand pool` changes its agents' environment behind
// machinectl's back; `stranger name` registers a job that isn't machinectl's.
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
		"job-of": func(ts *testscript.TestScript, _ bool, args []string) {
			ts.Setenv("JOB", jobsIn(ts, args[0]).Jobs[0].ID)
		},
		"by-hand": func(ts *testscript.TestScript, _ bool, args []string) {
			client := clientOf(ts)
			defer client.Close()
			job, _, err := client.Jobs().Info(args[0], nil)
			ts.Check(err)
			job.TaskGroups[0].Tasks[0].Env["NOTE"] = "by hand"
			_, _, err = client.Jobs().Register(job, nil)
			ts.Check(err)
		},
		"stranger": func(ts *testscript.TestScript, _ bool, args []string) {
			client := clientOf(ts)
			defer client.Close()
			job := nomad.NewServiceJob(args[0], args[0], "global", 50).AddDatacenter("*")
			job.AddTaskGroup(nomad.NewTaskGroup("g", 0).AddTask(nomad.NewTask("t", "raw_exec").SetConfig("command", "/bin/true")))
			job.Update = &nomad.UpdateStrategy{MaxParallel: new(0)}
			_, _, err := client.Jobs().Register(job, nil)
			ts.Check(err)
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
func jobsIn(ts *testscript.TestScript, state string) (page jobPage) {
	ts.Check(ts.Exec("machinectl", "jobs", "-json", "-state", state))
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &page))
	return page
}

// clientOf is the API of a script's Nomad.
func clientOf(ts *testscript.TestScript) *nomad.Client {
	client, err := nomad.NewClient(&nomad.Config{Address: ts.Getenv("NOMAD_ADDR"), Namespace: ts.Getenv("NOMAD_NAMESPACE"), SecretID: ts.Getenv("NOMAD_TOKEN")})
	ts.Check(err)
	return client
}
