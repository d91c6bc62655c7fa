package dispatcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/dispatcher/fleet/nomadtest"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// run starts a dispatcher and returns its URL and a function that stops it and returns Run's error.
func run(t *testing.T, o dispatcher.Options) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addr, ended := make(chan string, 1), make(chan error, 1)
	o.Listen, o.AdminToken, o.Ready = "127.0.0.1:0", adminToken, func(a string) { addr <- a }
	if o.Logger == nil {
		o.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
	}
	go func() { ended <- dispatcher.Run(ctx, o) }()
	var result error
	stopped := false
	stop = func() error {
		if !stopped {
			stopped = true
			cancel()
			select {
			case result = <-ended:
			case <-time.After(20 * time.Second):
				t.Error("the dispatcher does not stop")
			}
		}
		return result
	}
	t.Cleanup(func() { require.NoError(t, stop()) })
	select {
	case a := <-addr:
		return "http://" + a, stop
	case err := <-ended:
		ended <- err
		require.NoError(t, err)
		return "", stop
	case <-time.After(10 * time.Second):
		require.Fail(t, "the dispatcher does not start")
		return "", stop
	}
}

// adminToken is that of all dispatchers under test.
const adminToken = "an-admin-token-for-tests"

func call(t *testing.T, method, url string, in any) (int, map[string]any) {
	t.Helper()
	body, err := json.Marshal(in)
	require.NoError(t, err)
	req, err := http.NewRequest(method, url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+adminToken)
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}).Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var out map[string]any
	require.NoError(t, json.Unmarshal(raw, &out), "%s", raw)
	return resp.StatusCode, out
}

func poolPolicy(wanted bool, least, most int) manifest.Policy {
	return manifest.Policy{
		Wanted: wanted, Min: least, Max: most, TargetWait: wiretime.Duration(time.Second), UpCooldown: wiretime.Duration(500 * time.Millisecond),
		DownCooldown: wiretime.Duration(500 * time.Millisecond), IdleAfter: wiretime.Duration(time.Second), StartTime: wiretime.Duration(10 * time.Second),
		Workers: []manifest.Worker{{Name: "w", Connector: "simulation", Concurrency: 1, Offer: capability.Offer{Type: "simulation"}}},
	}
}

func TestRedisMayBeDownAtStart(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	redis.Kill()
	url, _ := run(t, dispatcher.Options{Redis: redis.URL, NomadAddr: "http://127.0.0.1:1"})
	status, out := call(t, "GET", url+"/readyz", nil)
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, false, out["ready"])
	require.NotEmpty(t, out["redis"].(map[string]any)["reason"])
	require.NotEmpty(t, out["nomad"].(map[string]any)["reason"])
	status, out = call(t, "POST", url+"/v1/jobs", map[string]any{"type": "simulation"})
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "unavailable", out["code"])

	redis.Start()
	require.Eventually(t, func() bool {
		status, out = call(t, "GET", url+"/readyz", nil)
		return status == http.StatusOK
	}, time.Minute, 100*time.Millisecond)
	require.Equal(t, false, out["nomad"].(map[string]any)["ok"], "jobs are taken without Nomad")
	status, _ = call(t, "POST", url+"/v1/jobs", map[string]any{"type": "simulation"})
	require.Equal(t, http.StatusCreated, status)
}

// The whole path: a real Nomad and a real Redis, pools that grow from zero, shrink to zero, and change their revision under
// load; no job is interrupted.
func TestPoolsFollowTheirJobs(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	nomad := nomadtest.Start(t)
	q, err := queue.Open(t.Context(), queue.Options{URL: redis.URL, Lease: 3 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	a := startAgents(t, nomad, q, 700*time.Millisecond)
	url, stop := run(t, dispatcher.Options{Redis: redis.URL, NomadAddr: nomad.Address(), Interval: 200 * time.Millisecond, Lease: 3 * time.Second})
	submit := func(n int) {
		require.Eventually(t, func() bool { status, _ := call(t, "GET", url+"/readyz", nil); return status == http.StatusOK }, time.Minute, 20*time.Millisecond)
		for range n {
			status, out := call(t, "POST", url+"/v1/jobs", map[string]any{"type": "simulation"})
			require.Equal(t, http.StatusCreated, status, out)
		}
	}
	view := func() map[string]any {
		_, out := call(t, "GET", url+"/v1/pools/sim", nil)
		return out
	}

	const old, next = "test-00000001", "test-00000002"
	nomadtest.Pool(t, nomad, "sim", nomadtest.Machine{Group: old, Policy: poolPolicy(true, 0, 3)})
	submit(12)
	a.eventually("from zero to three, and all done", func() bool { c, most, _ := a.observed(); return c == 12 && most == 3 })
	a.eventually("back to zero", func() bool { return view()["asked"] == 0.0 })

	// A changed profile: the pool has two machines, jobs run all the time, and the dispatcher restarts in the middle.
	nomadtest.Pool(t, nomad, "sim", nomadtest.Machine{Group: old, Count: 2, Policy: poolPolicy(true, 2, 3)})
	nomadtest.Running(t, nomad, "sim", old, 2)
	submit(10)
	nomadtest.Pool(t, nomad, "sim",
		nomadtest.Machine{Group: old, Count: 2, Policy: poolPolicy(false, 2, 3)}, nomadtest.Machine{Group: next, Policy: poolPolicy(true, 2, 3)})
	a.eventually("the new revision has a machine", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return a.groups[next] })
	require.NoError(t, stop())
	url, _ = run(t, dispatcher.Options{Redis: redis.URL, NomadAddr: nomad.Address(), Interval: 200 * time.Millisecond, Lease: 3 * time.Second})
	submit(10)
	a.eventually("the old group is gone", func() bool {
		v := view()
		groups, _ := v["groups"].([]any)
		return len(groups) == 1 && groups[0].(map[string]any)["group"] == next && v["status"] == "steady" && v["asked"] == 2.0
	})
	a.eventually("all jobs are done", func() bool { c, _, _ := a.observed(); return c == 32 })
	job, _, err := nomad.Jobs().Info("sim", nil)
	require.NoError(t, err)
	require.Len(t, job.TaskGroups, 1, fmt.Sprint(view()))
}
