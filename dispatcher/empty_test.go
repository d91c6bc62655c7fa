package dispatcher_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// Redis loses everything while dispatcher and agents live on: jobs submitted from then on are listed, their pool grows
// from zero, and they complete.
func TestRedisComesBackEmpty(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	addr, in := standin(t)
	nomad := in("default")
	q, err := queue.Open(t.Context(), queue.Options{URL: redis.URL, Lease: 3 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	a := startAgents(t, nomad, q, 50*time.Millisecond)
	url, _ := run(t, dispatcher.Options{Redis: redis.URL, NomadAddr: addr, Interval: 100 * time.Millisecond, Reap: 100 * time.Millisecond, Lease: 3 * time.Second})
	nomadtest.Pool(t, nomad, "sim", nomadtest.Machine{Group: "test-00000001", Policy: poolPolicy(true, 0, 2)})

	submitted := 0
	submit := func() string {
		var id string
		require.Eventually(t, func() bool {
			status, out := call(t, "POST", url+"/v1/jobs", map[string]any{"type": "simulation"})
			id, _ = out["id"].(string)
			return status == http.StatusCreated
		}, time.Minute, 50*time.Millisecond)
		submitted++
		return id
	}
	asked := func() any {
		_, out := call(t, "GET", url+"/v1/pools/sim", nil)
		return out["asked"]
	}
	for _, tc := range []struct {
		name string
		lose func()
		when float64 // how many machines the pool has then
	}{
		{"not yet", func() {}, 0},
		{"FLUSHALL, the pool at zero", func() { require.NoError(t, redis.Flush()) }, 0},
		{"an empty restart, the pool at zero", redis.StartEmpty, 0},
		{"SCRIPT FLUSH", func() { require.NoError(t, redis.FlushScripts()) }, 0},
		{"FLUSHALL, a machine up", func() { require.NoError(t, redis.Flush()) }, 1},
	} {
		a.eventually(tc.name+": the pool is at its size", func() bool { return asked() == tc.when })
		tc.lose()
		id := submit()
		_, list := call(t, "GET", url+"/v1/jobs", nil)
		require.NotEmpty(t, list["jobs"], tc.name)
		require.Equal(t, id, list["jobs"].([]any)[0].(map[string]any)["id"], tc.name)
		a.eventually(tc.name+": the job is done", func() bool {
			_, job := call(t, "GET", url+"/v1/jobs/"+id, nil)
			return job["state"] == "completed"
		})
		if tc.name == "SCRIPT FLUSH" { // so that a machine is up next
			nomadtest.Pool(t, nomad, "sim", nomadtest.Machine{Group: "test-00000001", Count: 1, Policy: poolPolicy(true, 1, 2)})
		}
	}
	done, _, _ := a.observed()
	require.Equal(t, submitted, done)
}
