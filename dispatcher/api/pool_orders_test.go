package api_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Orders about a pool: what is refused, what the answers show, and that withdrawing may be repeated.
func TestPoolOrders(t *testing.T) {
	v := start(t, nil)
	const pool = "/v1/pools/standard"
	for _, tc := range []struct {
		method, path, body string
		status             int
		says               string
	}{
		{"PUT", pool + "/count", `{"count": 6}`, http.StatusBadRequest, "may have at most 5 machines: raise its max"},
		{"PUT", pool + "/count", `{"count": -1}`, http.StatusBadRequest, "a whole number from 0"},
		{"PUT", pool + "/count", `{}`, http.StatusBadRequest, ""},
		{"PUT", pool + "/count", `{"count": 1, "for": "200h"}`, http.StatusBadRequest, "want 1s to 168h"},
		{"PUT", pool + "/count", `{"count": 1, "for": "0s"}`, http.StatusBadRequest, "want 1s to 168h"},
		{"PUT", "/v1/pools/none/count", `{"count": 1}`, http.StatusNotFound, `there is no pool "none"`},
		{"DELETE", "/v1/pools/none/count", "", http.StatusNotFound, `there is no pool "none"`},
		{"POST", pool + "/pause", `{"for": "1ms"}`, http.StatusBadRequest, "want 1s to 168h"},
		{"POST", "/v1/pools/none/resume", "", http.StatusNotFound, `there is no pool "none"`},
	} {
		status, out := v.do(tc.method, tc.path, tc.body)
		require.Equal(t, tc.status, status, "%+v %v", tc, out)
		require.Contains(t, out["detail"], tc.says, "%+v", tc)
	}
	kicked := v.pools.kicked
	status, out := v.do("PUT", "/v1/pools/global%2Fdefault%2Fstandard/count", `{"count": 3, "reason": "a demo", "for": "10m"}`)
	require.Equal(t, http.StatusOK, status, "%v", out)
	require.Equal(t, "global/default/standard", out["pool"])
	manual := out["manual"].(map[string]any)
	require.Equal(t, []any{3.0, "a demo"}, []any{manual["count"], manual["reason"]})
	require.NotEmpty(t, manual["until"])
	status, out = v.do("POST", pool+"/pause", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]any{"reason": "paused over the API"}, out["held"])
	require.NotNil(t, out["manual"], "both stand")
	for range 2 {
		status, out = v.do("POST", pool+"/resume", "")
		require.Equal(t, http.StatusOK, status)
		require.NotContains(t, out, "held")
		status, out = v.do("DELETE", pool+"/count", "")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, map[string]any{"pool": "global/default/standard"}, out)
	}
	require.Equal(t, kicked+6, v.pools.kicked, "each asks for a decision")
}
