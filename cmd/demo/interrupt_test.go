package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// demoEnv makes this test binary the demo.
const demoEnv = "MACHINECTL_TEST_IS_DEMO"

// By hand: go test ./cmd/demo -run Interrupted -interrupts 30 -within 30s -real -v -timeout 30m.
var (
	interrupts = flag.Int("interrupts", 6, "how often the demo is interrupted")
	within     = flag.Duration("within", 6*time.Second, "after at most how long")
	realOnes   = flag.Bool("real", false, "use nomad and redis-server from PATH")
)

func TestMain(m *testing.M) {
	if os.Getenv(demoEnv) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// TestInterrupted ends the demo in each way at a random moment: no process and no folder of it may be left, and it must
// report what happened where it can.
func TestInterrupted(t *testing.T) {
	bin := built(t)
	ways := []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL}
	for i := range *interrupts {
		way, delay := ways[i%len(ways)], time.Duration(rand.Int64N(int64(*within)))
		t.Run(fmt.Sprintf("%s after %s", way, delay.Round(time.Millisecond)), func(t *testing.T) {
			t.Parallel()
			interrupted(t, bin, way, delay)
		})
	}
}

// TestOrphaned: the demo ends when the program that started it is gone, as `go run` is which got SIGTERM.
func TestOrphaned(t *testing.T) {
	bin := built(t)
	dir := scratch(t)
	starter := exec.Command("/bin/sh", "-c", `"$@" & echo started; wait`, "starter", os.Args[0], "-bin", bin, "-examples", "../../examples/emprops", "-embedded")
	starter.Env = append(os.Environ(), demoEnv+"=1", "TMPDIR="+dir)
	require.NoError(t, starter.Start())
	require.Eventually(t, func() bool { return len(folders(t, dir)) > 0 }, time.Minute, 10*time.Millisecond)
	require.NoError(t, starter.Process.Kill())
	require.Error(t, starter.Wait())
	nothingLeft(t, dir, "")
}

// TestStarterGoneAtOnce: the program that started the demo may be gone before any goroutine of the demo has run.
func TestStarterGoneAtOnce(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // the goroutine begins when this one waits
	var parent atomic.Int64
	parent.Store(100)
	ctx, stop := interruptible(t.Context(), func() int { return int(parent.Load()) })
	defer stop()
	parent.Store(1)
	select {
	case <-ctx.Done():
		require.ErrorIs(t, context.Cause(ctx), errInterrupted)
	case <-time.After(20 * time.Second):
		t.Fatal("the demo goes on without its starter")
	}
}

func built(t *testing.T) string {
	t.Helper()
	bin, err := filepath.Abs("../../bin")
	require.NoError(t, err)
	for _, p := range []string{"machinectl", "machine-agent", "machine-dispatcher", "machine-sim"} {
		if _, err := os.Stat(filepath.Join(bin, p)); err != nil {
			t.Skipf("skipped: bin/%s is not built: run make build", p)
		}
	}
	if testing.Short() {
		t.Skip("skipped: the demo takes a while, and -short was given")
	}
	return bin
}

// scratch is a folder with a short path: Unix sockets are made below it.
func scratch(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "d-")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func interrupted(t *testing.T, bin string, way syscall.Signal, delay time.Duration) {
	dir := scratch(t)
	args := []string{"-bin", bin, "-examples", "../../examples/emprops"}
	if !*realOnes {
		args = append(args, "-embedded")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...)
	cmd.Env = append(os.Environ(), demoEnv+"=1", "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	require.NoError(t, cmd.Start())
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	var err error
	select {
	case <-time.After(delay):
		require.NoError(t, syscall.Kill(-cmd.Process.Pid, way)) // as a terminal does: to the whole group
		err = <-done
	case err = <-done:
	}
	nothingLeft(t, dir, out.String())
	switch {
	case strings.Contains(out.String(), "\ndemo: ok "):
		require.NoError(t, err)
	case way == syscall.SIGKILL:
		require.Error(t, err)
	default:
		require.Error(t, err)
		require.True(t, strings.HasSuffix(out.String(), "demo: failed: interrupted\n") || cmd.ProcessState.ExitCode() < 0, "%v\n%s", err, out.String())
	}
}

func nothingLeft(t *testing.T, dir, out string) {
	t.Helper()
	var left []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); <-time.After(20 * time.Millisecond) {
		if left = append(processes(t, dir), folders(t, dir)...); len(left) == 0 {
			return
		}
	}
	t.Fatalf("left behind:\n%s\n%s", strings.Join(left, "\n"), out)
}

// folders are the folders in dir.
func folders(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out
}

// processes are those whose command line or environment names dir.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var out []string
	for _, p := range found {
		cmd, _ := os.ReadFile(p + "/cmdline")
		env, _ := os.ReadFile(p + "/environ")
		if len(cmd) > 0 && (bytes.Contains(cmd, []byte(dir)) || bytes.Contains(env, []byte(dir))) {
			out = append(out, filepath.Base(p)+" "+string(bytes.ReplaceAll(cmd, []byte{0}, []byte{' '})))
		}
	}
	return out
}
