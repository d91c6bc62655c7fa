package agent

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/manifest"
)

// The message of a failed readiness check names the address and what happened, without texts of Go's libraries.
func TestReadinessProblems(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for name, c := range map[string]struct {
		serve func(net.Conn) // nil: nothing listens
		want  string
	}{
		"no listener": {nil, "ADDR: connection refused"},
		"silence":     {func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }, "ADDR did not answer within 100ms"},
		"hangs up":    {func(net.Conn) {}, "ADDR: it closed the connection before its answer was complete"},
		"not HTTP":    {func(conn net.Conn) { _, _ = conn.Write([]byte("SSH-2.0-x\r\n\r\n")) }, "ADDR: it does not speak HTTP"},
		"unavailable": {func(conn net.Conn) {
			_, _ = conn.Write([]byte("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"))
		}, "GET http://ADDR/ready: status 503 Service Unavailable"},
	} {
		t.Run(name, func(t *testing.T) {
			addr := closed.Addr().String()
			if c.serve != nil {
				addr = listener(t, c.serve)
			}
			s := newService(manifest.Service{Name: "s", Ready: &manifest.Check{Path: "/ready"}}, addr, nil, func() {})
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			err := s.check(ctx, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}})
			require.Error(t, err)
			got := s.problem(err, 100*time.Millisecond)
			require.Equal(t, strings.ReplaceAll(c.want, "ADDR", addr), got)
		})
	}
}

// listener serves each connection with serve, after it has read something of the request, until the test ends.
func listener(t *testing.T, serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				_, _ = conn.Read(make([]byte, 1<<10))
				serve(conn)
				_ = conn.Close()
			}
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}
