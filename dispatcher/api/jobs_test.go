package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/queue"
)

func TestTheLifeOfAJob(t *testing.T) {
	v := start(t, nil)
	v.pools.able = []string{"standard"}
	status, out := v.do("POST", "/v1/jobs", `{"type": "simulation", "parameters": {"duration": "1s"}, "priority": 0, "timeout": "90s", "metadata": {"a": "b"}}`)
	require.Equal(t, http.StatusCreated, status)
	require.Equal(t, "waiting", out["state"])
	require.NotEmpty(t, out["class"])
	require.Contains(t, out["reason"], "pool standard could serve it with one more machine", "no worker is there")
	require.Positive(t, v.pools.kicked)
	id := out["id"].(string)

	status, out = v.do("GET", "/v1/jobs/"+id+"/explain", "")
	require.Equal(t, http.StatusOK, status)
	require.InDelta(t, 0, out["able"], 0)
	require.Equal(t, []any{"standard"}, out["pools"])

	w := v.worker()
	c := v.claim(w)
	require.Equal(t, id, c.Job.ID)
	_, out = v.do("GET", "/v1/jobs/"+id, "")
	require.Equal(t, "running", out["state"])
	require.InDelta(t, 0, out["priority"], 0, "0 is not the default")
	require.Equal(t, "1m30s", out["timeout"])

	require.NoError(t, v.queue.Complete(t.Context(), c.Lease, queue.Result{Data: []byte(`{"ok":true}`)}))
	_, out = v.do("GET", "/v1/jobs/"+id, "")
	require.Equal(t, "completed", out["state"])
	require.Equal(t, map[string]any{"ok": true}, out["result"].(map[string]any)["data"])

	status, out = v.do("POST", "/v1/jobs/"+id+"/cancel", "")
	require.Equal(t, http.StatusConflict, status, out)
	require.Equal(t, "conflict", out["code"])

	second := v.submit(`{"type": "simulation"}`)
	status, out = v.do("POST", "/v1/jobs/"+second+"/cancel", `{"reason": "changed my mind"}`)
	require.Equal(t, http.StatusOK, status, out)
	require.Equal(t, "cancelled", out["state"])

	_, out = v.do("GET", "/v1/jobs?state=cancelled", "")
	require.Len(t, out["jobs"], 1)
	_, out = v.do("GET", "/v1/jobs?limit=1", "")
	require.Len(t, out["jobs"], 1)
	require.Equal(t, second, out["jobs"].([]any)[0].(map[string]any)["id"], "newest first")
	_, out = v.do("GET", "/v1/jobs?limit=1&cursor="+out["next"].(string), "")
	require.Equal(t, id, out["jobs"].([]any)[0].(map[string]any)["id"])
}

func TestARepetitionAndAConflict(t *testing.T) {
	v := start(t, nil)
	const body = `{"type": "simulation", "idempotency_key": "k", "parameters": {"a": 1, "b": 2}}`
	id := v.submit(body)
	resp, _ := v.raw("POST", "/v1/jobs", `{"idempotency_key": "k", "parameters": {"b": 2.0, "a": 1}, "type": "simulation", "durable": false}`)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "/v1/jobs/"+id, resp.Header.Get("Location"))
	for field, body := range map[string]string{
		"parameters": `{"type": "simulation", "idempotency_key": "k", "parameters": {"a": 1, "b": 3}}`,
		"type":       `{"type": "comfyui", "idempotency_key": "k", "parameters": {"a": 1, "b": 2}}`,
		"priority":   `{"type": "simulation", "idempotency_key": "k", "parameters": {"a": 1, "b": 2}, "priority": 3, "timeout": "3s"}`,
	} {
		status, out := v.do("POST", "/v1/jobs", body)
		require.Equal(t, http.StatusConflict, status)
		detail := out
		require.Equal(t, "conflict", detail["code"])
		require.Equal(t, field, detail["field"])
		require.Contains(t, detail["detail"], "job "+id+", which differs in "+field)
	}
	_, list := v.do("GET", "/v1/jobs", "")
	require.Len(t, list["jobs"], 1)
}

func TestEndedJobsWaitAgain(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	id := v.submit(`{"type": "simulation", "max_attempts": 1}`)
	status, out := v.do("POST", "/v1/jobs/"+id+"/requeue", "")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, out["detail"], "has not ended")
	require.NoError(t, v.queue.Fail(t.Context(), v.claim(w).Lease, queue.Failure{Code: "boom", Retriable: true}))
	_, out = v.do("GET", "/v1/jobs?state=dead", "")
	dead := len(out["jobs"].([]any))
	_, out = v.do("GET", "/v1/jobs?state=failed", "")
	require.Equal(t, 1, dead+len(out["jobs"].([]any)))

	kicked := v.pools.kicked
	status, out = v.do("POST", "/v1/jobs/"+id+"/requeue", "")
	require.Equal(t, http.StatusOK, status, out)
	require.Equal(t, "waiting", out["state"])
	require.Greater(t, v.pools.kicked, kicked)
	require.NoError(t, v.queue.Complete(t.Context(), v.claim(w).Lease, queue.Result{}))
	status, out = v.do("POST", "/v1/jobs/"+id+"/requeue", "")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, out["detail"], "submit it again instead")
}

func TestATypeIsPaused(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	status, out := v.do("POST", "/v1/types/simulation/pause", `{"reason": "maintenance"}`)
	require.Equal(t, http.StatusOK, status, out)
	require.Equal(t, true, out["paused"])
	id := v.submit(`{"type": "simulation"}`)
	list, err := v.queue.Claim(t.Context(), w, 1, 0)
	require.NoError(t, err)
	require.Empty(t, list)
	_, out = v.do("GET", "/v1/jobs/"+id+"/explain", "")
	require.Contains(t, out["summary"], "maintenance")
	_, out = v.do("GET", "/v1/types", "")
	require.Equal(t, []any{map[string]any{"type": "simulation", "paused": true, "reason": "maintenance"}}, out["types"])
	status, out = v.do("POST", "/v1/types/simulation/resume", "")
	require.Equal(t, http.StatusOK, status, out)
	require.Equal(t, false, out["paused"])
	require.Equal(t, id, v.claim(w).Job.ID)
	_, out = v.do("GET", "/v1/types", "")
	require.Equal(t, []any{map[string]any{"type": "simulation", "paused": false}}, out["types"])
}

func TestTheSituationIsTold(t *testing.T) {
	is := api.Situation{
		Dispatcher: client.Identity{ID: "a", Addr: "127.0.0.1:1", Namespace: "default"}, Leader: &client.Identity{ID: "b"}, Conflict: "elsewhere",
		Unwatched: []fleet.NamespacePools{{Namespace: "gpu", Pools: []string{"heavy"}}}, UnwatchedUnknown: "no right to",
	}
	v := start(t, func(o *api.Options) { o.Situation = func() api.Situation { return is } })
	_, out := v.do("GET", "/v1/status", "")
	require.Equal(t, "b", out["leader"].(map[string]any)["id"])
	require.Equal(t, "heavy", out["unwatched"].([]any)[0].(map[string]any)["pools"].([]any)[0])
	v = start(t, nil)
	v.redis.Kill()
	status, out := v.do("GET", "/v1/status", "")
	require.Equal(t, http.StatusOK, status, "also without Redis")
	require.Equal(t, []any{}, out["unwatched"])
	require.Equal(t, false, out["redis"].(map[string]any)["ok"])
}

func TestRefusals(t *testing.T) {
	v := start(t, func(o *api.Options) { o.MaxBody = 2000 })
	for _, tc := range []struct {
		name, method, path, body string
		status                   int
		code, field, message     string
	}{
		{"unknown field", "POST", "/v1/jobs", `{"type": "simulation", "timeout_minutes": 3}`, 400, "invalid", "timeout_minutes", "unknown field; the fields are capabilities, deadline,"},
		{"repeated field", "POST", "/v1/jobs", `{"type": "simulation", "type": "x"}`, 400, "invalid", "type", "given twice"},
		{"wrong type", "POST", "/v1/jobs", `{"type": "simulation", "priority": "high"}`, 400, "invalid", "priority", "is \"high\", want a whole number from 0 to 100"},
		{"a fraction", "POST", "/v1/jobs", `{"type": "simulation", "priority": 1.5}`, 400, "invalid", "priority", "want a whole number"},
		{"wrong element", "POST", "/v1/jobs", `{"type": "simulation", "capabilities": [1]}`, 400, "invalid", "capabilities[0]", "is 1, want text"},
		{"wrong element of an object", "POST", "/v1/jobs", `{"type": "simulation", "metadata": {"a.b": 1}}`, 400, "invalid", `metadata["a.b"]`, "is 1, want text"},
		{"an object's field twice", "POST", "/v1/jobs", `{"type": "simulation", "metadata": {"a": "1"}, "metadata": {}}`, 400, "invalid", "metadata", "given twice"},
		{"null", "POST", "/v1/jobs", `{"type": "simulation", "tenant": null}`, 400, "invalid", "tenant", "is null, want text"},
		{"a fraction", "POST", "/v1/jobs", `{"type": "simulation", "priority": 5.5}`, 400, "invalid", "priority", "is 5.5, want a whole number from 0 to 100"},
		{"an integer as Go can't read it", "POST", "/v1/jobs", `{"type": "simulation", "max_attempts": 5.0}`, 400, "invalid", "max_attempts", "want a whole number without a fraction"},
		{"an integer too large", "POST", "/v1/jobs", `{"type": "simulation", "max_attempts": 123456789012345678901234567890}`, 400, "invalid", "max_attempts", "want a whole number"},
		{"a duration beyond all time", "POST", "/v1/jobs", `{"type": "simulation", "timeout": "999999999999h"}`, 400, "invalid", "timeout", `want a duration such as "10m"`},
		{"a duration beyond all time in a batch", "POST", "/v1/jobs/batch", `{"jobs": [{"type": "simulation", "timeout": "999999999999h"}]}`, 400, "invalid", "jobs[0].timeout", `want a duration such as "10m"`},
		{"a number in a batch", "POST", "/v1/jobs/batch", `{"jobs": [{"type": "simulation", "max_attempts": 5.0}]}`, 400, "invalid", "jobs.max_attempts", "want a whole number"},
		{"February 30", "POST", "/v1/jobs", `{"type": "simulation", "deadline": "2027-02-30T00:00:00Z"}`, 400, "invalid", "deadline", "want a time such as"},
		{"wrong duration", "POST", "/v1/jobs", `{"type": "simulation", "timeout": 30}`, 400, "invalid", "timeout", `a duration such as "10m"`},
		{"unreadable duration", "POST", "/v1/jobs", `{"type": "simulation", "timeout": "30 minutes"}`, 400, "invalid", "timeout", `a duration such as "10m"`},
		{"wrong time", "POST", "/v1/jobs", `{"type": "simulation", "deadline": "tomorrow"}`, 400, "invalid", "deadline", "2026-01-31T12:00:00Z"},
		{"wrong requirement", "POST", "/v1/jobs", `{"type": "simulation", "requires": {"gpu.memory": ">=24 parsecs"}}`, 400, "invalid", `requires["gpu.memory"]`, ""},
		{"no type", "POST", "/v1/jobs", `{}`, 400, "invalid", "type", ""},
		{"syntax", "POST", "/v1/jobs", "{\n  \"type\": simulation\n}", 400, "invalid", "", "line 2, column 11"},
		{"NaN", "POST", "/v1/jobs", `{"parameters": {"x": NaN}}`, 400, "invalid", "", "line 1, column 22 (byte 21): 'N' can't stand here"},
		{"no comma after the last", "POST", "/v1/jobs", `{"type": "simulation",}`, 400, "invalid", "", "'}' can't stand here"},
		{"another encoding", "POST", "/v1/jobs", "\xff\xfe{", 400, "invalid", "", "line 1, column 1 (byte 0): not UTF-8"},
		{"a duration without a unit", "POST", "/v1/jobs", `{"type": "simulation", "timeout": "5"}`, 400, "invalid", "timeout", `is "5", want a duration such as "10m"`},
		{"a month too many", "POST", "/v1/jobs", `{"type": "simulation", "not_before": "2027-13-01T00:00:00Z"}`, 400, "invalid", "not_before", `is "2027-13-01T00:00:00Z", want a time such as`},
		{"a time as a number", "POST", "/v1/jobs", `{"type": "simulation", "not_before": 5}`, 400, "invalid", "not_before", "is 5, want a time such as"},
		{"too short", "POST", "/v1/jobs", `{"type": "simulation"`, 400, "invalid", "", "the JSON ends too early"},
		{"empty", "POST", "/v1/jobs", " ", 400, "invalid", "", "the JSON ends too early"},
		{"a list", "POST", "/v1/jobs", `[]`, 400, "invalid", "", "must be a JSON object, not a list"},
		{"trailing text", "POST", "/v1/jobs", `{"type": "simulation"} {}`, 400, "invalid", "", "line 1, column 24 (byte 23): '{' can't stand here"},
		{"too large", "POST", "/v1/jobs", `{"type": "simulation", "parameters": "` + strings.Repeat("x", 2000) + `"}`, 413, "too_large", "", "larger than 2000 bytes"},
		{"unknown job", "GET", "/v1/jobs/simulation-01ARZ3NDEKTSV4RRFFQ69G5FAV", "", 404, "not_found", "", "no such job"},
		{"no job's id", "GET", "/v1/jobs/..%2F..%2Fetc", "", 404, "not_found", "", "no such job"},
		{"unknown job's events", "GET", "/v1/jobs/simulation-01ARZ3NDEKTSV4RRFFQ69G5FAV/events", "", 404, "not_found", "", "no such job"},
		{"nothing to requeue", "POST", "/v1/jobs/simulation-01ARZ3NDEKTSV4RRFFQ69G5FAV/requeue", "", 404, "not_found", "", "no such job"},
		{"webhook", "POST", "/v1/jobs", `{"type": "simulation", "webhook": "https://example.com/hook"}`, 400, "invalid", "webhook", "there is no webhook secret"},
		{"an internal webhook", "POST", "/v1/jobs", `{"type": "simulation", "webhook": "https://127.0.0.1/hook"}`, 400, "invalid", "webhook", "is not a public one"},
		{"a webhook without TLS", "POST", "/v1/jobs", `{"type": "simulation", "webhook": "http://example.com/hook"}`, 400, "invalid", "webhook", "must begin with https://"},
		{"a webhook in a batch", "POST", "/v1/jobs/batch", `{"jobs": [{"type": "simulation"}, {"type": "simulation", "webhook": "https://10.0.0.1"}]}`, 400, "invalid", "jobs[1].webhook", "is not a public one"},
		{"a webhook for a user", "POST", "/v1/jobs", `{"type": "simulation", "webhook": "https://u:p@example.com/hook"}`, 400, "invalid", "webhook", "user name"},
		{"no such event", "POST", "/v1/webhooks/events/x/redeliver", "", 404, "not_found", "", ""},
		{"no such endpoint", "POST", "/v1/webhooks/endpoints/enable", `{"url": "https://example.com"}`, 404, "not_found", "", ""},
		{"no such secret", "DELETE", "/v1/webhooks/secrets/x", "", 404, "not_found", "", ""},
		{"overlap without rotation", "POST", "/v1/webhooks/secrets", `{"overlap": "1h"}`, 400, "invalid", "overlap", "set rotate, too"},
		{"a long overlap", "POST", "/v1/webhooks/secrets", `{"rotate": true, "overlap": "1000h"}`, 400, "invalid", "overlap", "must be from 0s to 30d"},
		{"no type to resume", "POST", "/v1/types/No-Type/resume", "", 400, "invalid", "type", "is not a job type"},
		{"no type to pause", "POST", "/v1/types/No-Type/pause", "", 400, "invalid", "type", "is not a job type"},
		{"a long reason", "POST", "/v1/types/simulation/pause", `{"reason": "` + strings.Repeat("x", 501) + `"}`, 400, "invalid", "reason", "at most 500"},
		{"unknown path", "GET", "/v1/job", "", 404, "not_found", "", "/v1/openapi.json"},
		{"wrong method", "DELETE", "/v1/jobs", "", 405, "method_not_allowed", "", "Allow header"},
		{"unknown parameter", "GET", "/v1/jobs?status=done", "", 400, "invalid", "status", "the parameters are type, state, tenant, class, retrying, since,"},
		{"unknown state", "GET", "/v1/jobs?state=done", "", 400, "invalid", "state", "want one of waiting, delayed, running"},
		{"wrong limit", "GET", "/v1/jobs?limit=0", "", 400, "invalid", "limit", "1 to 500"},
		{"twice", "GET", "/v1/jobs?limit=1&limit=2", "", 400, "invalid", "limit", "given 2 times"},
		{"wrong cursor", "GET", "/v1/jobs?cursor=%00", "", 400, "invalid", "cursor", ""},
		{"unknown pool", "GET", "/v1/pools/nope", "", 404, "not_found", "pool", `no pool "nope"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v := *v
			v.t = t
			status, out := v.do(tc.method, tc.path, tc.body, "Content-Type", "application/json")
			require.Equal(t, tc.status, status, out)
			detail := out
			require.Equal(t, tc.code, detail["code"])
			field, _ := detail["field"].(string)
			require.Equal(t, tc.field, field, detail)
			require.Contains(t, detail["detail"], tc.message)
			require.NotRegexp(t, `time: |parsing time|json: |JSON: |looking for|invalid character|unmarshal`, detail["detail"])
		})
	}
	status, out := v.do("POST", "/v1/jobs", `type=simulation`, "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusUnsupportedMediaType, status, out)
	_, list := v.do("GET", "/v1/jobs", "")
	require.Empty(t, list["jobs"], "nothing got in")
}

// unconfirmed is a queue whose Redis accepts jobs but is slow to write them.
type unconfirmed struct{ api.Queue }

func (q unconfirmed) Submit(ctx context.Context, s queue.Submission) (*queue.Job, error) {
	job, err := q.Queue.Submit(ctx, s)
	return job, errors.Join(err, fmt.Errorf("%w: slow disk", queue.ErrNotDurable))
}

func TestAnUnconfirmedDurableSubmission(t *testing.T) {
	v := start(t, func(o *api.Options) { o.Queue = unconfirmed{o.Queue} })
	resp, body := v.raw("POST", "/v1/jobs", `{"type": "simulation", "durable": true}`, "Content-Type", "application/json")
	require.Equal(t, http.StatusGatewayTimeout, resp.StatusCode)
	require.Empty(t, resp.Header.Get("Retry-After"), "the client is not told to submit it twice")
	_, list := v.do("GET", "/v1/jobs", "")
	job := list["jobs"].([]any)[0].(map[string]any)
	require.Contains(t, string(body), "not_durable")
	require.Contains(t, string(body), fmt.Sprintf("job %s was accepted", job["id"]))
}

func TestPoolsAndMachines(t *testing.T) {
	v := start(t, nil)
	_, out := v.do("GET", "/v1/pools", "")
	require.Len(t, out["pools"], 1)
	_, out = v.do("GET", "/v1/pools/standard", "")
	require.Len(t, out["decisions"], 1)
	require.NoError(t, v.queue.ReportMachine(t.Context(), queue.Machine{ID: "m1", Pool: "standard", State: queue.MachineReady}))
	require.NoError(t, v.queue.ReportMachine(t.Context(), queue.Machine{ID: "m2", Pool: "heavy", State: queue.MachineReady}))
	_, out = v.do("GET", "/v1/machines", "")
	require.Len(t, out["machines"], 2)
	_, out = v.do("GET", "/v1/machines?pool=heavy", "")
	require.Len(t, out["machines"], 1)
}
