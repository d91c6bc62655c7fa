package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"-version", 0, "machine-sim dev"},
		{"-h", 0, "machine-sim comfyui [flags]"},
		{"", 2, "name a protocol"},
		{"comfy", 2, `unknown protocol "comfy"`},
		{"-wrong", 2, "-wrong"},
		{"comfyui -h", 0, "-step-time"},
		{"comfyui -step-time -1s", 2, "is negative"},
		{"comfyui -crash-at -1", 2, "counted from 1"},
		{"comfyui -hang-at -1", 2, "counted from 1"},
		{"comfyui -drop-socket-at -1", 2, "counted from 1"},
		{"comfyui now", 2, `unexpected argument "now"`},
		{"comfyui -listen 256.0.0.1:1", 1, "256.0.0.1"},
	} {
		var out bytes.Buffer
		code := run(t.Context(), invocation{args: strings.Fields(c.args), getenv: func(string) string { return "" }, stdout: &out, stderr: &out})
		require.Equal(t, c.code, code, "%s\n%s", c.args, &out)
		require.Contains(t, out.String(), c.says, c.args)
	}
}

// It announces its address when it accepts connections, serves there, and stops with its context.
func TestServes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, invocation{args: []string{"comfyui", "-listen", "127.0.0.1:0", "-start-time", "300ms"}, getenv: func(string) string { return "" }, stdout: w, stderr: io.Discard})
	}()
	line, err := bufio.NewReader(r).ReadString('\n')
	require.NoError(t, err)
	_, addr, found := strings.Cut(strings.TrimSpace(line), " at ")
	require.True(t, found, line)
	resp, err := http.Get(addr + "/system_stats")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusOK, resp.StatusCode)
	http.DefaultClient.CloseIdleConnections()
	cancel()
	require.Zero(t, <-code)
}
