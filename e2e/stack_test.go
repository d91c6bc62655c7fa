//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/devcluster"
)

// stack is one test's cluster, dispatcher and clients.
type stack struct {
	t          *testing.T
	dir        string
	cluster    *devcluster.Cluster
	nomad      *nomad.Client
	dispatcher string // base URL
	api        *client.Client
}

// newStack starts a real Nomad with simulated GPUs, a real Redis and the built dispatcher. Everything ends with the test.
func newStack(t *testing.T, gpus int) *stack {
	t.Helper()
	for _, program := range []string{"nomad", "redis-server"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: %s is not on PATH", program)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	// The path of t.TempDir is too long for the Task API's socket.
	dir, err := os.MkdirTemp("", "e2e-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s := &stack{t: t, dir: dir}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "blobs"), 0o755))
	cluster, err := devcluster.Start(ctx, devcluster.Options{
		Dir: filepath.Join(s.dir, "cluster"), GPUs: gpus, SimGPUBinary: binary(t, "nomad-device-simgpu"),
		Logger: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	s.cluster = cluster
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, cluster.Stop(ctx))
	})
	s.nomad, err = nomad.NewClient(&nomad.Config{Address: cluster.NomadAddr()})
	require.NoError(t, err)
	s.startDispatcher()
	return s
}

func binary(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "bin", name))
	require.NoError(t, err)
	_, err = os.Stat(path)
	require.NoError(t, err, "run `make build` first")
	return path
}

// startDispatcher runs bin/machine-dispatcher until the test ends.
func (s *stack) startDispatcher() {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(s.t, err)
	addr := l.Addr().String()
	require.NoError(s.t, l.Close())
	log, err := os.Create(filepath.Join(s.dir, "dispatcher.log"))
	require.NoError(s.t, err)
	cmd := exec.Command(binary(s.t, "machine-dispatcher"), "-listen", addr, "-redis", s.cluster.RedisURL(),
		"-blobs", s.blobs(), "-interval", "1s")
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+s.cluster.NomadAddr(), "MACHINECTL_ADMIN_TOKEN="+adminToken)
	cmd.Stdout, cmd.Stderr = log, log
	require.NoError(s.t, cmd.Start())
	s.t.Cleanup(func() {
		if s.t.Failed() {
			b, _ := os.ReadFile(log.Name())
			s.t.Logf("end of the dispatcher's log:\n%s", tail(b, 60))
		}
		require.NoError(s.t, cmd.Process.Signal(os.Interrupt))
		require.NoError(s.t, cmd.Wait(), "the dispatcher exits cleanly")
		_ = log.Close()
	})
	s.dispatcher = "http://" + addr
	s.api, err = client.New(s.dispatcher, client.Options{Token: adminToken, Timeout: 10 * time.Second})
	require.NoError(s.t, err)
	s.eventually(30*time.Second, "the dispatcher to be ready", func() (bool, string) {
		_, err := s.api.Ready(s.t.Context())
		return err == nil, fmt.Sprint(err)
	})
}

func (s *stack) blobs() string { return "file://" + filepath.Join(s.dir, "blobs") }

// apply runs `machinectl apply` on a profile from testdata; vars are name=value.
func (s *stack) apply(profile string, vars ...string) string {
	s.t.Helper()
	return s.ctl(append([]string{"apply", "-auto-approve"}, s.withVars(profile, vars)...)...)
}

func (s *stack) withVars(profile string, vars []string) []string {
	args := []string{}
	for _, v := range append([]string{
		"agent=" + binary(s.t, "machine-agent"), "redis=" + s.cluster.RedisURL(), "blobs=" + s.blobs(),
	}, vars...) {
		args = append(args, "-var", v)
	}
	return append(args, filepath.Join("testdata", profile))
}

// ctl runs the CLI. Any exit code except 0 fails the test.
func (s *stack) ctl(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary(s.t, "machinectl"), args...)
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+s.cluster.NomadAddr(), "MACHINECTL_DISPATCHER="+s.dispatcher, "MACHINECTL_TOKEN="+adminToken, "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	require.NoError(s.t, err, "machinectl %v\n%s", args, out)
	return string(out)
}

const adminToken = "an-admin-token-for-tests"

func (s *stack) submit(sub client.Submission) string {
	s.t.Helper()
	job, err := s.api.Submit(s.t.Context(), &sub)
	require.NoError(s.t, err)
	return job.ID
}

// simulation submits n jobs that take d each.
func (s *stack) simulation(n int, d time.Duration) []string {
	s.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = s.submit(client.Submission{
			Type: "simulation", Parameters: json.RawMessage(fmt.Sprintf(`{"duration": %q, "steps": 10}`, d)),
		})
	}
	return ids
}

func (s *stack) machines() []client.Machine {
	s.t.Helper()
	machines, err := s.api.Machines(s.t.Context(), "")
	require.NoError(s.t, err)
	return machines
}

// waitReady waits until n machines report ready, and returns them.
func (s *stack) waitReady(n int) []client.Machine {
	s.t.Helper()
	var ready []client.Machine
	s.eventually(90*time.Second, strconv.Itoa(n)+" machines to be ready", func() (bool, string) {
		ready = ready[:0]
		var states []string
		for _, m := range s.machines() {
			states = append(states, m.Group+" "+string(m.State)+" "+m.Reason)
			if m.State == client.MachineStateReady {
				ready = append(ready, m)
			}
		}
		return len(ready) == n, fmt.Sprint(states)
	})
	return ready
}

// waitJobs waits until all jobs have ended, and requires that they completed.
func (s *stack) waitJobs(limit time.Duration, ids []string) []client.Job {
	s.t.Helper()
	jobs := make([]client.Job, len(ids))
	s.eventually(limit, "all jobs to end", func() (bool, string) {
		states := map[client.State]int{}
		ended := true
		for i, id := range ids {
			if !jobs[i].State.Final() {
				j, err := s.api.Job(s.t.Context(), id)
				if err != nil {
					return false, err.Error()
				}
				jobs[i] = *j
			}
			states[jobs[i].State]++
			ended = ended && jobs[i].State.Final()
		}
		return ended, fmt.Sprint(states)
	})
	for _, j := range jobs {
		require.Equal(s.t, client.StateCompleted, j.State, "%s: %+v %+v", j.ID, j.Error, j.History)
	}
	return jobs
}

// interruptions counts the attempts that ended for a reason other than the job itself.
func interruptions(jobs []client.Job) int {
	n := 0
	for _, j := range jobs {
		for _, a := range j.History {
			if a.Outcome == "released" || a.Outcome == "lost" {
				n++
			}
		}
	}
	return n
}

// allocations returns a pool's running allocations, by group.
func (s *stack) allocations(pool string) map[string][]*nomad.AllocationListStub {
	s.t.Helper()
	stubs, _, err := s.nomad.Jobs().Allocations(pool, true, nil)
	require.NoError(s.t, err)
	byGroup := map[string][]*nomad.AllocationListStub{}
	for _, a := range stubs {
		if a.ClientStatus == nomad.AllocClientStatusRunning {
			byGroup[a.TaskGroup] = append(byGroup[a.TaskGroup], a)
		}
	}
	return byGroup
}

// eventually polls cond until it holds; at the deadline the test fails with the last status.
func (s *stack) eventually(limit time.Duration, what string, cond func() (ok bool, status string)) {
	s.t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, status := cond()
		if ok {
			return
		}
		select {
		case <-deadline.C:
			require.FailNow(s.t, "gave up waiting for "+what, "after %s: %s", limit, status)
		case <-tick.C:
		}
	}
}

func tail(b []byte, lines int) []byte {
	all := bytes.Split(b, []byte("\n"))
	return bytes.Join(all[max(0, len(all)-lines):], []byte("\n"))
}
