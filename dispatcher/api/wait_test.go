package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/queue"
)

func TestAJobHasAnETagThatChangesWithIt(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	id := v.submit(`{"type": "simulation"}`)
	resp, _ := v.raw("GET", "/v1/jobs/"+id, "")
	first := resp.Header.Get("ETag")
	require.NotEmpty(t, first)
	resp, body := v.raw("GET", "/v1/jobs/"+id, "", "If-None-Match", first)
	require.Equal(t, http.StatusNotModified, resp.StatusCode)
	require.Empty(t, body)
	v.claim(w)
	resp, _ = v.raw("GET", "/v1/jobs/"+id, "", "If-None-Match", first)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.NotEqual(t, first, resp.Header.Get("ETag"))
}

// A request that waits is answered by the change it waits for, well before its time is over.
func TestWaitingForAJob(t *testing.T) {
	v := start(t, func(o *api.Options) { o.Timeout = 5 * time.Second })
	w := v.worker()
	id := v.submit(`{"type": "simulation"}`)
	resp, _ := v.raw("GET", "/v1/jobs/"+id, "")
	known := resp.Header.Get("ETag")
	type answer struct {
		status int
		state  any
	}
	ask := func(header ...string) <-chan answer {
		done := make(chan answer, 1)
		go func() {
			req, err := http.NewRequest(http.MethodGet, v.url+"/v1/jobs/"+id+"?wait=60s", nil)
			if err == nil && len(header) > 0 {
				req.Header.Set(header[0], header[1])
			}
			status, out := ask(v.client, req)
			done <- answer{status, out["state"]}
		}()
		return done
	}
	changed, ended := ask("If-None-Match", known), ask()
	c := v.claim(w)
	require.Equal(t, answer{200, "running"}, <-changed)
	require.NoError(t, v.queue.Complete(t.Context(), c.Lease, queue.Result{}))
	require.Equal(t, answer{200, "completed"}, <-ended)

	// What has changed already isn't waited for, and a wait that is over is answered with the job as it is.
	status, out := v.do("GET", "/v1/jobs/"+id+"?wait=60s", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "completed", out["state"])
	id = v.submit(`{"type": "comfyui"}`)
	resp, _ = v.raw("GET", "/v1/jobs/"+id+"?wait=100ms", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	resp, _ = v.raw("GET", "/v1/jobs/"+id+"?wait=100ms", "", "If-None-Match", resp.Header.Get("ETag"))
	require.Equal(t, http.StatusNotModified, resp.StatusCode)
	for _, wrong := range []string{"61s", "10", "-1s", "soon", "999999h"} {
		status, out := v.do("GET", "/v1/jobs/"+id+"?wait="+wrong, "")
		require.Equal(t, http.StatusBadRequest, status, wrong)
		require.Equal(t, "wait", out["field"])
		require.Contains(t, out["detail"], `a duration up to 60s, such as "30s"`)
	}
}

// Waiting requests are bounded like streams, and end with the server.
func TestWaitsAreBounded(t *testing.T) {
	v := start(t, func(o *api.Options) { o.MaxStreams = 1 })
	id := v.submit(`{"type": "simulation"}`)
	s := v.stream("/v1/jobs/" + id + "/events")
	s.next()
	status, out := v.do("GET", "/v1/jobs/"+id+"?wait=30s", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "too_many_streams", out["code"])
}

func TestRunAndWait(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	done := make(chan map[string]any, 1)
	go func() {
		req, err := http.NewRequest(http.MethodPost, v.url+"/v1/jobs?wait=60s", strings.NewReader(`{"type": "simulation"}`))
		if err == nil {
			req.Header.Set("Content-Type", "application/json")
		}
		_, out := ask(v.client, req)
		done <- out
	}()
	var list []queue.Claimed
	require.Eventually(t, func() bool {
		var err error
		list, err = v.queue.Claim(t.Context(), w, 1, time.Second)
		return err == nil && len(list) == 1
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, v.queue.Complete(t.Context(), list[0].Lease, queue.Result{Data: []byte(`{"seed":18446744073709551615}`)}))
	out := <-done
	require.Equal(t, "completed", out["state"])
	require.Equal(t, "completed", out["job"].(map[string]any)["state"])
}

func TestADryRunSubmitsNothing(t *testing.T) {
	v := start(t, nil)
	v.pools.able = []string{"standard"}
	status, out := v.do("POST", "/v1/jobs?dry_run=true", `{"type": "simulation", "requires": {"model": ["x"]}}`)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, out["id"])
	require.NotEmpty(t, out["class"])
	require.InDelta(t, 0, out["able"], 0)
	require.Contains(t, out["reason"], "pool standard could serve it")
	v.worker()
	_, out = v.do("POST", "/v1/jobs?dry_run=true", `{"type": "simulation"}`)
	require.InDelta(t, 1, out["able"], 0)
	require.Contains(t, out["reason"], "1 live workers can run it")
	require.NoError(t, v.queue.Pause(t.Context(), "simulation", "maintenance"))
	_, out = v.do("POST", "/v1/jobs?dry_run=true", `{"type": "simulation"}`)
	require.Contains(t, out["reason"], "maintenance")
	status, out = v.do("POST", "/v1/jobs?dry_run=true", `{"type": "simulation", "requires": {"gpu.memory": ">=24 parsecs"}}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, `requires["gpu.memory"]`, out["field"])
	_, list := v.do("GET", "/v1/jobs", "")
	require.Empty(t, list["jobs"])
}

func TestBatches(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	status, out := v.do("POST", "/v1/jobs/batch", `{"jobs": [{"type": "simulation"}, {"type": "simulation", "priority": 101}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "jobs[1].priority", out["field"])
	status, out = v.do("POST", "/v1/jobs/batch", `{"jobs": [{"type": "simulation"}, {"type": "simulation", "requires": {"gpu.memory": "x"}}]}`)
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, `jobs[1].requires["gpu.memory"]`, out["field"])
	_, list := v.do("GET", "/v1/jobs", "")
	require.Empty(t, list["jobs"], "none, if one is invalid")

	status, out = v.do("POST", "/v1/jobs/batch", `{"jobs": [{"type": "simulation", "max_attempts": 1}, {"type": "simulation"}, {"type": "simulation"}]}`)
	require.Equal(t, http.StatusOK, status, out)
	require.Len(t, out["jobs"], 3)
	first := out["jobs"].([]any)[0].(map[string]any)["id"].(string)
	require.NoError(t, v.queue.Fail(t.Context(), v.claim(w).Lease, queue.Failure{Code: "boom", Retriable: true}))
	status, out = v.do("POST", "/v1/jobs/cancel", fmt.Sprintf(`{"ids": [%q, "simulation-01ARZ3NDEKTSV4RRFFQ69G5FAV"]}`, first))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "conflict", out["jobs"].([]any)[0].(map[string]any)["problem"].(map[string]any)["code"], "it is dead")
	require.Equal(t, "not_found", out["jobs"].([]any)[1].(map[string]any)["problem"].(map[string]any)["code"])

	status, out = v.do("POST", "/v1/jobs/requeue", `{"filter": {"state": "dead"}}`)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, []any{map[string]any{"id": first, "state": "waiting"}}, out["jobs"])
	require.Equal(t, false, out["more"])
	_, out = v.do("POST", "/v1/jobs/cancel", `{"filter": {"type": "simulation", "state": "waiting"}, "reason": "all of them"}`)
	require.Len(t, out["jobs"], 3)
	_, list = v.do("GET", "/v1/jobs?state=cancelled", "")
	require.Len(t, list["jobs"], 3)

	for body, field := range map[string]string{`{}`: "ids", `{"ids": ["x"], "filter": {}}`: "filter", `{"ids": []}`: "ids", `{"filter": {"state": "gone"}}`: "filter.state"} {
		status, out := v.do("POST", "/v1/jobs/cancel", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Equal(t, field, out["field"], body)
	}
}

func TestJobsAreFiltered(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	retried := v.submit(`{"type": "simulation", "tenant": "a"}`)
	require.NoError(t, v.queue.Fail(t.Context(), v.claim(w).Lease, queue.Failure{Code: "boom", Retriable: true}))
	waiting := v.submit(`{"type": "simulation", "requires": {"model": ["x"]}}`)
	v.submit(fmt.Sprintf(`{"type": "simulation", "tenant": "a", "not_before": %q}`, time.Now().Add(time.Hour).Format(time.RFC3339)))
	job, err := v.queue.Get(t.Context(), waiting)
	require.NoError(t, err)
	at := func(d time.Duration) string { return url.QueryEscape(job.CreatedAt.Add(d).Format(time.RFC3339Nano)) }
	for query, want := range map[string][]string{
		"retrying=true":                             {retried},
		"retrying=false&state=waiting":              {waiting},
		"class=" + job.Class:                        {waiting},
		"class=none":                                {},
		"since=" + at(time.Hour):                    {},
		"until=" + at(-time.Hour):                   {},
		"class=" + job.Class + "&since=" + at(0):    {waiting},
		"class=" + job.Class + "&until=" + at(0):    {waiting},
		"class=" + job.Class + "&until=" + at(-1e6): {},
	} {
		_, out := v.do("GET", "/v1/jobs?"+query, "")
		ids := []string{}
		for _, j := range out["jobs"].([]any) {
			ids = append(ids, j.(map[string]any)["id"].(string))
		}
		require.Equal(t, want, ids, query)
	}
	// Cursors go on within the bounds.
	_, out := v.do("GET", "/v1/jobs?limit=1&until="+at(time.Hour), "")
	_, out = v.do("GET", "/v1/jobs?limit=5&until="+at(time.Hour)+"&cursor="+out["next"].(string), "")
	require.Len(t, out["jobs"], 2)
}

func TestLimitsOfATypeAndItsTenants(t *testing.T) {
	v := start(t, nil)
	status, out := v.do("PUT", "/v1/types/simulation/limits", `{"type": {"running": 10, "rate": 2.5, "burst": 5}, "tenants": {"big one": {"running": 5}}, "each_tenant": {"running": 1}, "fair": true}`)
	require.Equal(t, http.StatusOK, status, out)
	_, again := v.do("GET", "/v1/types/simulation/limits", "")
	require.Equal(t, out, again)
	require.Equal(t, map[string]any{
		"type": map[string]any{"running": 10.0, "rate": 2.5, "burst": 5.0}, "tenants": map[string]any{"big one": map[string]any{"running": 5.0}},
		"each_tenant": map[string]any{"running": 1.0}, "fair": true,
	}, again)
	_, out = v.do("PUT", "/v1/types/simulation/limits", `{}`)
	require.Empty(t, out)
	for body, field := range map[string]string{`{"type": {"running": -1}}`: "type.running", `{"tenants": {"a": {"burst": 3}}}`: `tenants["a"].burst`, `{"each": {}}`: "each"} {
		status, out := v.do("PUT", "/v1/types/simulation/limits", body)
		require.Equal(t, http.StatusBadRequest, status, body)
		require.Equal(t, field, out["field"])
	}
}

func TestClasses(t *testing.T) {
	v := start(t, nil)
	v.pools.able = []string{"standard"}
	w := v.worker()
	require.NoError(t, v.queue.ReportMachine(t.Context(), queue.Machine{ID: "m1", State: queue.MachineReady, Workers: []queue.WorkerStatus{{Name: "w1", State: "idle", Offer: w.Offer}}}))
	v.submit(`{"type": "simulation"}`)
	v.submit(`{"type": "simulation", "requires": {"model": ["x"]}}`)
	_, out := v.do("GET", "/v1/classes", "")
	workers := map[float64]int{}
	for _, c := range out["classes"].([]any) {
		c := c.(map[string]any)
		require.InDelta(t, 1, c["waiting"], 0)
		require.Equal(t, []any{"standard"}, c["pools"])
		workers[c["workers"].(float64)]++
	}
	require.Equal(t, map[float64]int{0: 1, 1: 1}, workers)
}
