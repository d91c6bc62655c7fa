package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

// An operator's day with webhooks: secrets, a delivery that is given up, its repetition, and an endpoint that is gone.
func TestWebhooks(t *testing.T) {
	v := start(t, nil)
	status, out := v.do("POST", "/v1/webhooks/secrets", `{"tenant": "a"}`)
	require.Equal(t, http.StatusCreated, status, out)
	require.Contains(t, out["secret"], "whsec_")
	first := out["id"]
	_, out = v.do("POST", "/v1/jobs", `{"type": "simulation", "tenant": "b", "webhook": "https://example.com/hook"}`)
	require.Contains(t, out["detail"], "POST /v1/webhooks/secrets", "tenant b has no secret")
	id := v.submit(`{"type": "simulation", "tenant": "a", "webhook": "https://example.com/hook?x=y"}`)
	_, out = v.do("GET", "/v1/jobs/"+id, "")
	require.Equal(t, "https://example.com/hook?x=y", out["webhook"])

	status, out = v.do("POST", "/v1/webhooks/secrets", `{"tenant": "a", "rotate": true, "overlap": "2h"}`)
	require.Equal(t, http.StatusCreated, status, out)
	_, out = v.do("GET", "/v1/webhooks/secrets", "")
	secrets := out["secrets"].([]any)
	require.Len(t, secrets, 2)
	require.NotContains(t, secrets[0], "secret")
	require.Contains(t, secrets[0], "expires_at")
	status, out = v.do("DELETE", "/v1/webhooks/secrets/"+first.(string), "")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, out["secrets"], 1)

	status, _ = v.do("POST", "/v1/jobs/"+id+"/cancel", "")
	require.Equal(t, http.StatusOK, status)
	_, err := v.queue.FileEnds(t.Context(), 10)
	require.NoError(t, err)
	_, out = v.do("GET", "/v1/jobs/"+id+"/deliveries", "")
	require.Equal(t, "pending", out["deliveries"].([]any)[0].(map[string]any)["status"])
	hosts, err := v.queue.DueHosts(t.Context(), 10)
	require.NoError(t, err)
	taken, err := v.queue.TakeDeliveries(t.Context(), hosts[0], 1, time.Minute)
	require.NoError(t, err)
	event := taken[0].Event
	status, out = v.do("POST", "/v1/webhooks/events/"+event+"/redeliver", "")
	require.Equal(t, http.StatusConflict, status)
	require.Contains(t, out["detail"], "is being delivered right now")
	attempt := &queue.DeliveryAttempt{At: time.Now(), Status: 410, Millis: 12, Problem: "the receiver answered 410 Gone"}
	require.NoError(t, v.queue.DisableEndpoint(t.Context(), "https://example.com/hook"))
	require.NoError(t, v.queue.RecordDelivery(t.Context(), taken[0], attempt, queue.Outcome{GivenUp: "gone"}))
	for _, path := range []string{"/v1/jobs/" + id + "/deliveries", "/v1/webhooks/undelivered?limit=5"} {
		_, out = v.do("GET", path, "")
		d := out["deliveries"].([]any)[0].(map[string]any)
		require.Equal(t, event, d["event"])
		require.Equal(t, "given_up", d["status"])
		require.Equal(t, "gone", d["reason"])
		require.InDelta(t, 410, d["history"].([]any)[0].(map[string]any)["status"], 0)
	}
	_, out = v.do("GET", "/v1/webhooks/endpoints", "")
	require.Equal(t, "https://example.com/hook", out["endpoints"].([]any)[0].(map[string]any)["url"])
	status, out = v.do("POST", "/v1/webhooks/endpoints/enable", `{"url": "https://example.com/hook?job=1"}`)
	require.Equal(t, http.StatusOK, status)
	require.Empty(t, out["endpoints"])
	status, out = v.do("POST", "/v1/webhooks/events/"+event+"/redeliver", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "pending", out["status"])
	_, out = v.do("GET", "/v1/webhooks/undelivered", "")
	require.Empty(t, out["deliveries"])
}
