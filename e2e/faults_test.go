//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
)

// An agent gets SIGKILL while it runs jobs: Nomad restarts it in place, its services stay up, and its jobs complete.
func TestKillingTheAgentLosesNoJob(t *testing.T) {
	s := newStack(t, 1)
	s.apply("simulation.hcl", "min=2", "max=2")
	victim := s.waitReady(2)[0]
	ids := s.simulation(8, 3*time.Second)
	s.running(1)

	pid := s.agentPID(victim.Addr)
	require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))

	s.waitJobs(90*time.Second, ids)
	s.waitReady(2)
	after, _, err := s.nomad.Allocations().Info(victim.ID, nil)
	require.NoError(t, err)
	require.Equal(t, "running", after.ClientStatus, "the allocation outlives its agent's crash")
	require.EqualValues(t, 1, after.TaskStates["agent"].Restarts)
}

// The Nomad client gets SIGKILL while jobs run: the agents continue, and Nomad recovers them when it is back.
func TestKillingNomadLosesNoJob(t *testing.T) {
	s := newStack(t, 1)
	s.apply("simulation.hcl", "min=2", "max=2")
	before := s.waitReady(2)
	ids := s.simulation(8, 3*time.Second)
	s.running(1)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, s.cluster.RestartNomad(ctx))

	jobs := s.waitJobs(90*time.Second, ids)
	require.Zero(t, interruptions(jobs))
	require.ElementsMatch(t, idsOf(before), idsOf(s.waitReady(2)), "the same machines")
}

// Redis is killed and restarted with its data: all clients reconnect and every job completes. Meanwhile the API answers
// 503.
func TestKillingRedisLosesNoJob(t *testing.T) {
	s := newStack(t, 1)
	s.apply("simulation.hcl", "min=2", "max=2")
	s.waitReady(2)
	ids := s.simulation(8, 3*time.Second)
	s.running(1)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, s.cluster.KillRedis())
	s.eventually(15*time.Second, "the API to report that the queue is unavailable", func() (bool, string) {
		_, err := s.api.Job(ctx, ids[0])
		return client.Is(err, client.ProblemCodeUnavailable), fmt.Sprint(err)
	})
	require.NoError(t, s.cluster.StartRedis(ctx))
	s.eventually(30*time.Second, "the API to answer again", func() (bool, string) {
		_, err := s.api.Job(ctx, ids[0])
		return err == nil, fmt.Sprint(err)
	})
	s.waitJobs(120*time.Second, ids)
	s.waitReady(2)
}

// running waits until at least n jobs run.
func (s *stack) running(n int) {
	s.t.Helper()
	s.eventually(30*time.Second, "jobs to run", func() (bool, string) {
		busy := 0
		for _, m := range s.machines() {
			for _, w := range m.Workers {
				busy += len(w.Jobs)
			}
		}
		return busy >= n, ""
	})
}

func (s *stack) agentPID(addr string) int {
	s.t.Helper()
	resp, err := http.Get("http://" + addr + "/status")
	require.NoError(s.t, err)
	defer resp.Body.Close()
	var status struct {
		PID int `json:"pid"`
	}
	require.NoError(s.t, json.NewDecoder(resp.Body).Decode(&status))
	require.Greater(s.t, status.PID, 1)
	return status.PID
}
