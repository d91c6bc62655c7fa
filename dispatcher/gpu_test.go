package dispatcher_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/queue"
)

// gpuCluster is a real Nomad with simulated GPUs, and a Redis.
func gpuCluster(t *testing.T, gpus int) (*devcluster.Cluster, *api.Client) {
	t.Helper()
	for _, program := range []string{"nomad", "redis-server"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: %s is not on PATH", program)
		}
	}
	plugin := filepath.Join(t.TempDir(), "nomad-device-simgpu")
	out, err := exec.Command("go", "build", "-o", plugin, "github.com/emprops/machinectl/cmd/simgpu").CombinedOutput()
	require.NoError(t, err, "%s", out)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := devcluster.Start(ctx, devcluster.Options{GPUs: gpus, SimGPUBinary: plugin})
	require.NoError(t, err)
	t.Cleanup(func() {
		stop, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		require.NoError(t, c.Stop(stop))
	})
	nomad, err := api.NewClient(&api.Config{Address: c.NomadAddr()})
	require.NoError(t, err)
	t.Cleanup(nomad.Close)
	return c, nomad
}

// holding is a script whose task takes each of its GPUs by making a folder, leaves it a second and a half after it is told
// to stop, and records in shared whether another task still had it.
func holding(dir string) string {
	return fmt.Sprintf(`cd %q; gpus=$(echo "$NVIDIA_VISIBLE_DEVICES" | tr , ' ')
for g in $gpus; do mkdir "$g" || echo "$NOMAD_GROUP_NAME[$NOMAD_ALLOC_INDEX] takes $g, which is in use" >>shared; done
trap 'sleep 1.5; for g in $gpus; do rmdir "$g"; done; exit 0' INT TERM
while :; do sleep 0.1; done`, dir)
}

// Nomad immediately gives the GPU of an allocation to a group of the same job that waits for it, while the old task is still
// ending. A rollout must not let that happen, on a cluster that is full, and with a job running all the time.
func TestNoTwoTasksHoldOneGPU(t *testing.T) {
	t.Parallel()
	c, nomad := gpuCluster(t, 1)
	q, err := queue.Open(t.Context(), queue.Options{URL: c.RedisURL(), Lease: 3 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	a := startAgents(t, nomad, q, 700*time.Millisecond)
	dir := t.TempDir()

	const old, next = "test-00000001", "test-00000002"
	machine := func(group string, count int) nomadtest.Machine {
		return nomadtest.Machine{Group: group, Count: count, GPUs: 1, Script: holding(dir), Policy: poolPolicy(group == next, 1, 1)}
	}
	first := machine(old, 1)
	first.Policy.Wanted = true
	nomadtest.Pool(t, nomad, "gpu", first)
	nomadtest.Running(t, nomad, "gpu", old, 1)
	nomadtest.Pool(t, nomad, "gpu", machine(old, 1), machine(next, 0))
	url, _ := run(t, dispatcher.Options{Redis: c.RedisURL(), NomadAddr: c.NomadAddr(), Interval: 200 * time.Millisecond, Lease: 3 * time.Second})
	require.Eventually(t, func() bool {
		status, _ := call(t, "POST", url+"/v1/jobs", map[string]any{"type": "simulation"})
		return status == 201
	}, time.Minute, 50*time.Millisecond)
	for range 5 {
		call(t, "POST", url+"/v1/jobs", map[string]any{"type": "simulation"})
	}
	a.eventually("the new revision has the GPU, and all jobs are done", func() bool {
		_, v := call(t, "GET", url+"/v1/pools/gpu", nil)
		groups, _ := v["groups"].([]any)
		done, _, _ := a.observed()
		return len(groups) == 1 && groups[0].(map[string]any)["group"] == next && v["status"] == "steady" && done == 6
	})
	shared, err := os.ReadFile(filepath.Join(dir, "shared"))
	require.ErrorIs(t, err, os.ErrNotExist, "%s", shared)
	status, _, err := nomad.Jobs().ScaleStatus("gpu", nil)
	require.NoError(t, err)
	require.LessOrEqual(t, len(status.TaskGroups[next].Events), 3, "requested, withdrawn, requested again")
}
