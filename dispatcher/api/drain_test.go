package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

func TestAMachineIsDrained(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	status, out := v.do("POST", "/v1/machines/m1/drain", "")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, out["detail"], `no machine "m1" reports`)
	require.NoError(t, v.queue.ReportMachine(t.Context(), queue.Machine{ID: "m1", Pool: "standard", State: queue.MachineReady}))

	v.submit(`{"type": "simulation"}`)
	running := v.claim(w)
	id := v.submit(`{"type": "simulation"}`)
	kicked := v.pools.kicked
	status, out = v.do("POST", "/v1/machines/m1/drain", `{"reason": "its fan is loud", "for": "10m"}`)
	require.Equal(t, http.StatusOK, status, out)
	require.Greater(t, v.pools.kicked, kicked)
	require.Equal(t, true, out["drained"])
	require.Equal(t, "its fan is loud", out["reason"])
	require.InDelta(t, 1, out["running"], 0)
	list, err := v.queue.Claim(t.Context(), w, 1, 0)
	require.NoError(t, err)
	require.Empty(t, list)
	require.NoError(t, v.queue.Complete(t.Context(), running.Lease, queue.Result{}))
	_, out = v.do("GET", "/v1/machines/m1/drain", "")
	require.InDelta(t, 0, out["running"], 0)
	_, out = v.do("GET", "/v1/machines", "")
	require.Equal(t, "its fan is loud", out["machines"].([]any)[0].(map[string]any)["drain"].(map[string]any)["reason"])

	status, out = v.do("DELETE", "/v1/machines/m1/drain", "")
	require.Equal(t, http.StatusOK, status, out)
	require.Equal(t, map[string]any{"machine": "m1", "drained": false, "running": 0.0}, out)
	require.Equal(t, id, v.claim(w).Job.ID)

	// The drain of a machine that no longer reports can still be read and ended.
	_, _ = v.do("POST", "/v1/machines/m1/drain", "")
	require.NoError(t, v.queue.RemoveMachine(t.Context(), "m1"))
	status, out = v.do("GET", "/v1/machines/m1/drain", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "drained over the API", out["reason"])
	status, _ = v.do("DELETE", "/v1/machines/m1/drain", "")
	require.Equal(t, http.StatusOK, status)
	status, _ = v.do("DELETE", "/v1/machines/m1/drain", "")
	require.Equal(t, http.StatusNotFound, status)
}

func TestADrainIsRefused(t *testing.T) {
	v := start(t, nil)
	for body, want := range map[string]string{
		`{"for": "0s"}`:   "for is 0s, want 1s to 168h",
		`{"for": "200h"}`: "for is 200h, want 1s to 168h",
		`{"for": 30}`:     `for is 30, want a duration such as "10m"`,
		`{"why": "x"}`:    "why unknown field; the fields are for, reason",
		`{"reason": "` + strings.Repeat("x", 501) + `"}`: "reason is 501 characters long, want at most 500",
	} {
		status, out := v.do("POST", "/v1/machines/m1/drain", body)
		require.Equal(t, http.StatusBadRequest, status, out)
		e := out
		require.Contains(t, e["field"].(string)+" "+e["detail"].(string), want)
	}
}
