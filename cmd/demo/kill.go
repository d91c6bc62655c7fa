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

	"github.com/emprops/machinectl/queue"
)

// killAgent sends SIGKILL to an agent that is in the middle of a GPU job, and sees that job finish all the same.
func (d *demo) killAgent(ctx context.Context) error {
	d.out.Stepf("SIGKILL for an agent in the middle of a job")
	var victim queue.Machine
	var job string
	err := d.until(ctx, "a machine to be running a GPU job", func(ctx context.Context) (bool, string, error) {
		machines, err := d.api.machines(ctx)
		if err != nil {
			return false, "", err
		}
		victim, job = busyWithGPUJob(machines)
		return job != "", "looking for one", nil
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
	d.out.Notef("killed pid %d, the agent of machine %.8s (pool %s), which was running %s", pid, victim.ID, victim.Pool, strings.Join(running, ", "))
	killedAt := time.Now()
	return d.until(ctx, "the killed agent's job to complete", func(ctx context.Context) (bool, string, error) {
		j, err := d.api.job(ctx, job)
		if err != nil {
			return false, "", err
		}
		status := fmt.Sprintf("%s is %s on machine %.8s, %d lost lease(s), %.0fs after the kill",
			j.ID, j.State, j.Machine, j.LostLeases, time.Since(killedAt).Seconds())
		if j.State.Final() && j.State != queue.Completed {
			return false, "", fmt.Errorf("%s: %+v", status, j.Error)
		}
		return j.State == queue.Completed, status, nil
	})
}

func busyWithGPUJob(machines []queue.Machine) (queue.Machine, string) {
	for _, m := range machines {
		for _, w := range m.Workers {
			if w.Offer.Type == "comfyui" && len(w.Jobs) > 0 {
				return m, w.Jobs[0]
			}
		}
	}
	return queue.Machine{}, ""
}

func jobsOf(m queue.Machine) []string {
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

// leftovers looks for processes that still name the demo's folder in their command line. Only where /proc shows them.
func leftovers(dir string) error {
	if runtime.GOOS != "linux" {
		return nil
	}
	cmdlines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return err
	}
	var left []string
	for _, path := range cmdlines {
		b, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(b, []byte(dir)) {
			continue // it ended meanwhile, or isn't ours
		}
		left = append(left, strings.TrimSpace(string(bytes.ReplaceAll(b, []byte{0}, []byte{' '}))))
	}
	if len(left) > 0 {
		return fmt.Errorf("processes left behind:\n%s", strings.Join(left, "\n"))
	}
	return nil
}
