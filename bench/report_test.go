package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func aReport(o options) *report {
	r := &report{About: about{CPU: "some CPU", Cores: 2, Redis: "7.0.15", Go: "go1.26", Asynq: "v0.26.0", BullMQ: "6.7.0", Runs: o.Runs, Quick: o.Quick, Seconds: 61.4}}
	for _, c := range []struct {
		row row
		out outcome
	}{
		{row{"a", "jobs/s against asynq", atLeast(1.5, "×")}, outcome{Samples: series{1.6, 2, 1.4, 1.7, 1.8}, Note: "ours 20000/s, asynq 11765/s"}},
		{row{"b", "idle pickup, p99", atMost(5, " ms")}, outcome{Samples: series{6, 7, 4, 5.5, 5.2}}},
		{row{"c", "jobs/s against BullMQ", atLeast(2, "×")}, outcome{Missing: "node is not on PATH"}},
		{row{"d", "heartbeat", atMost(4, " µs")}, outcome{Failed: "connection refused\nmore"}},
		{row{"e", "submit", atLeast(1, "×")}, outcome{Samples: series{9}}},
	} {
		r.Rows = append(r.Rows, newResult(c.row, c.out, o))
	}
	return r
}

func TestTable(t *testing.T) {
	var b bytes.Buffer
	aReport(options{Runs: 5}).print(&b)
	require.Equal(t, `
some CPU, 2 cores; Redis 7.0.15, go1.26, asynq v0.26.0, BullMQ 6.7.0; medians of 5 runs; 61 s

                       goal    measured  lowest … highest                 figures
jobs/s against asynq   ≥ 1.5×  1.70×     1.40× … 2.00×      met           ours 20000/s, asynq 11765/s
idle pickup, p99       ≤ 5 ms  5.50 ms   4.00 ms … 7.00 ms  not met
jobs/s against BullMQ  ≥ 2×                                 not measured  node is not on PATH
heartbeat              ≤ 4 µs                               failed        connection refused
submit                 ≥ 1×                                 failed        only 1 of 5 runs ended

1 of 5 goals met
3 not measured
`, b.String())
}

func TestSmokeTestJudgesNothing(t *testing.T) {
	var b bytes.Buffer
	aReport(options{Runs: 1, Quick: true}).print(&b)
	require.NotContains(t, b.String(), "met")
	require.Contains(t, b.String(), "The figures say nothing about the goals.")
}

func TestReportAsJSON(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.json")
	require.NoError(t, aReport(options{Runs: 5}).write(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var back report
	require.NoError(t, json.Unmarshal(text, &back))
	require.Equal(t, "not met", back.Rows[1].Verdict)
	require.InDelta(t, 5.5, back.Rows[1].Median, 1e-9)
	require.Equal(t, series{6, 7, 4, 5.5, 5.2}, back.Rows[1].Samples)
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		args []string
		err  string
	}{
		{[]string{"-runs", "3"}, "-runs 3: write 5 to 101; fewer make no median (with -quick, 1 is enough)"},
		{[]string{"-only", "heartbeat,speed"}, `-only "speed": no such row; the rows are claim-waiting, `},
		{[]string{"fast"}, `unexpected argument "fast": flags only, see -help`},
	} {
		_, err := parseOptions(c.args, &bytes.Buffer{})
		require.ErrorContains(t, err, c.err)
	}
	o, err := parseOptions([]string{"-quick", "-only", "heartbeat"}, &bytes.Buffer{})
	require.NoError(t, err)
	require.Equal(t, 2, o.Runs)
	require.True(t, o.wants("memory", "heartbeat"))
	require.False(t, o.wants("memory"))
}

func TestPayloadIsExact(t *testing.T) {
	require.Len(t, payload(256), 256)
	require.True(t, json.Valid(payload(1024)))
}
