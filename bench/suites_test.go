package main

import (
	"bytes"
	"os/exec"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

func needRedis(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("skipped: redis-server is not on PATH")
	}
}

func TestScanLooksNoFurther(t *testing.T) {
	needRedis(t)
	r, err := startRedis(t.Context(), t.TempDir())
	require.NoError(t, err)
	defer r.stop()
	s := &scan{e: &env{redis: r}, script: redis.NewScript(scanSource)}
	require.NoError(t, s.script.Load(t.Context(), r.rdb).Err())
	require.NoError(t, s.loadScan(t.Context(), 120))

	got, err := s.claim(t.Context(), 100)
	require.NoError(t, err)
	require.Empty(t, got, "the match is at depth 120")
	got, err = s.claim(t.Context(), 120)
	require.NoError(t, err)
	require.Equal(t, []string{"120", string(payload(scanPayload))}, got)
	got, err = s.claim(t.Context(), 120)
	require.NoError(t, err)
	require.Empty(t, got, "the match was claimed")
}

func TestSmokeTestMeasures(t *testing.T) {
	needRedis(t)
	var out, progress bytes.Buffer
	o := options{Quick: true, Runs: 1, Only: []string{"heartbeat", "pickup-attempts", "scan-100", "compile-time"}, Limit: 1e11}
	require.NoError(t, run(t.Context(), o, &out, &progress))
	require.NotContains(t, out.String(), "failed")
	require.Contains(t, out.String(), "smoke test")
	require.Contains(t, out.String(), "claim attempts per picked-up job")
	require.Contains(t, progress.String(), "heartbeat: run 1 of 1")
}
