package queuetest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// Redis is a test's real redis-server. It keeps its data across [Redis.Kill] and [Redis.Start], because it writes each
// change to its append-only file before it answers.
type Redis struct {
	Addr string // 127.0.0.1:port
	URL  string // redis://127.0.0.1:port
	t    testing.TB
	dir  string
	args []string
	tls  *tls.Config // how to reach a server that only speaks TLS
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
}

// StartRedis starts a redis-server on a free port and in a temporary folder, and stops it when the test ends. args are
// additional settings such as "--maxmemory", "10mb". It skips the test if there is no redis-server.
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	return startRedis(t, nil, args...)
}

// StartTLSRedis is like StartRedis, for a server that only speaks TLS; its URL is rediss://. args names its certificates:
// "--tls-cert-file" ….
func StartTLSRedis(t testing.TB, config *tls.Config, args ...string) *Redis {
	t.Helper()
	r := startRedis(t, config, args...)
	r.URL = "rediss://" + r.Addr
	return r
}

func startRedis(t testing.TB, config *tls.Config, args ...string) *Redis {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("skipped: redis-server is not on PATH")
	}
	dir, err := os.MkdirTemp("", "redis")
	require.NoError(t, err)
	addr := freeAddr(t)
	r := &Redis{Addr: addr, URL: "redis://" + addr, t: t, dir: dir, args: args, tls: config}
	r.Start()
	t.Cleanup(func() {
		r.Kill()
		if t.Failed() {
			if b, err := os.ReadFile(filepath.Join(dir, "log")); err == nil {
				t.Logf("redis-server's log, the end:\n%s", b[max(0, len(b)-2000):])
			}
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("removing redis' folder: %v", err)
		}
	})
	return r
}

// freeAddr returns a loopback address that no program listens on.
func freeAddr(t testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()
	return l.Addr().String()
}

// Start starts the server (again) and waits until it answers.
func (r *Redis) Start() {
	r.t.Helper()
	_, port, err := net.SplitHostPort(r.Addr)
	require.NoError(r.t, err)
	portName := "--port"
	if r.tls != nil {
		portName = "--tls-port"
	}
	args := append([]string{
		portName, port, "--bind", "127.0.0.1", "--dir", r.dir, "--logfile", "log", "--save", "", "--appendonly", "yes",
		"--appendfsync", "always", "--maxmemory-policy", "noeviction", "--daemonize", "no",
	}, r.args...)
	r.cmd = exec.Command("redis-server", args...)
	require.NoError(r.t, r.cmd.Start())
	done := make(chan struct{})
	r.done = done
	go func(cmd *exec.Cmd) {
		defer close(done)
		_ = cmd.Wait() // killed at the end, so the status doesn't matter
	}(r.cmd)
	r.waitUntilUp()
}

func (r *Redis) waitUntilUp() {
	r.t.Helper()
	client := redis.NewClient(&redis.Options{Addr: r.Addr, MaxRetries: -1, TLSConfig: r.tls})
	defer func() { _ = client.Close() }()
	var last error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		last = client.Ping(ctx).Err()
		cancel()
		if last == nil || strings.HasPrefix(last.Error(), "NOAUTH") {
			return
		}
		select {
		case <-r.done:
			r.t.Fatalf("redis-server exited immediately: %s", r.log())
		case <-time.After(5 * time.Millisecond):
		}
	}
	r.t.Fatalf("redis-server at %s does not answer: %v\n%s", r.Addr, last, r.log())
}

// Flush empties the server.
func (r *Redis) Flush() error {
	client := redis.NewClient(&redis.Options{Addr: r.Addr, MaxRetries: -1, TLSConfig: r.tls})
	defer func() { _ = client.Close() }()
	return client.FlushAll(context.Background()).Err()
}

// FlushScripts makes the server forget its scripts.
func (r *Redis) FlushScripts() error {
	client := redis.NewClient(&redis.Options{Addr: r.Addr, MaxRetries: -1, TLSConfig: r.tls})
	defer func() { _ = client.Close() }()
	return client.ScriptFlush(context.Background()).Err()
}

// StartEmpty kills the server and starts it without any of its data.
func (r *Redis) StartEmpty() {
	r.t.Helper()
	r.Kill()
	require.NoError(r.t, os.RemoveAll(filepath.Join(r.dir, "appendonlydir")))
	r.Start()
}

func (r *Redis) log() string {
	b, err := os.ReadFile(filepath.Join(r.dir, "log"))
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	return string(b)
}

// Kill kills the server with SIGKILL and waits until it is gone. It does nothing if the server is already gone.
func (r *Redis) Kill() {
	_ = r.cmd.Process.Kill() // an error means that it has ended
	<-r.done
}
