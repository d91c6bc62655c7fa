package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/emprops/machinectl/client"
)

// killAgent sends SIGKILL to an agent that is in the middle of a GPU job while another machine could take it over, and waits
// until that job has finished elsewhere.
func (d *demo) killAgent(ctx context.Context) error {
	d.out.Stepf("Kill an agent in the middle of a job: the job is done elsewhere")
	var victim client.Machine
	var job string
	err := d.until(ctx, "a machine to be running a GPU job, and another one to be ready", func(ctx context.Context) (bool, string, error) {
		machines, err := d.api.Machines(ctx, "")
		if err != nil {
			return false, "", err
		}
		victim, job = busyWithGPUJob(machines)
		if job == "" {
			return false, "waiting for a second machine with a GPU", nil
		}
		return true, "an agent is at work on " + job, nil
	})
	if err != nil {
		return err
	}
	pid, err := agentPID(ctx, victim.Addr)
	if err != nil {
		return err
	}
	running := jobsOf(victim)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill agent %d: %w", pid, err)
	}
	for _, id := range running {
		d.killed[id] = true
	}
	d.out.Commandf("kill -KILL %d", pid)
	d.out.Notef("it was the agent of %s[%d], machine %.8s", victim.Group, victim.Index, victim.ID)
	killedAt := time.Now()
	return d.until(ctx, "the killed agent's job to complete", func(ctx context.Context) (bool, string, error) {
		j, err := d.api.Job(ctx, job)
		if err != nil {
			return false, "", err
		}
		status := fmt.Sprintf("the job is %s %.0f s after the kill%s", j.State, time.Since(killedAt).Seconds(), place(j, victim))
		if j.State.Final() && j.State != client.StateCompleted {
			return false, "", fmt.Errorf("%s: %+v", status, j.Error)
		}
		return j.State == client.StateCompleted, status, nil
	})
}

// place describes where a running job is, in relation to the machine whose agent was killed.
func place(j *client.Job, victim client.Machine) string {
	switch j.Machine {
	case "":
		return ""
	case victim.ID:
		return ", by an agent that was started in its place"
	default:
		return fmt.Sprintf(", by machine %.8s", j.Machine)
	}
}

// busyWithGPUJob returns a machine and a GPU job that it runs, once there are two machines for such jobs.
func busyWithGPUJob(machines []client.Machine) (victim client.Machine, job string) {
	able := 0
	for _, m := range machines {
		for _, w := range m.Workers {
			if w.Offer.Type != "comfyui" || m.State != client.MachineStateReady {
				continue
			}
			able++
			if len(w.Jobs) > 0 {
				victim, job = m, w.Jobs[0]
			}
		}
	}
	if able < 2 {
		return client.Machine{}, ""
	}
	return victim, job
}

func jobsOf(m client.Machine) []string {
	var ids []string
	for _, w := range m.Workers {
		ids = append(ids, w.Jobs...)
	}
	return ids
}

func agentPID(ctx context.Context, addr string) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/status", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var status struct {
		PID int `json:"pid"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
		return 0, fmt.Errorf("%s/status: %w", addr, err)
	}
	if status.PID <= 1 {
		return 0, fmt.Errorf("%s/status gives no pid", addr)
	}
	return status.PID, nil
}

// leftovers waits until no process names the demo's folder in its command line. It works only where there is /proc.
func leftovers(ctx context.Context, dir string) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := naming(dir)
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("processes left behind:\n%s", strings.Join(left, "\n"))
		case <-tick.C:
		}
	}
}

// naming returns the command lines of the processes that contain a folder's name.
func naming(dir string) ([]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	var found []string
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(b, []byte(dir)) {
			continue // it ended meanwhile, or isn't ours
		}
		found = append(found, strings.TrimSpace(string(bytes.ReplaceAll(b, []byte{0}, []byte{' '}))))
	}
	return found, nil
}
