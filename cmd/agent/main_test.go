package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// maxIdle is what an idle agent with two workers may have resident, in bytes.
const maxIdle = 25 << 20

// build builds the command in dir as make does.
func build(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	out, err := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=v-test", "-o", path, dir).CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

func TestCommandLine(t *testing.T) {
	binary := build(t, ".")
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-version"}, 0, "machine-agent v-test"},
		{[]string{"-h"}, 0, "MACHINE_SPEC"},
		{[]string{}, 1, "MACHINE_SPEC is not set"},
		{[]string{"run"}, 2, `unknown command "run"`},
		{[]string{"-wrong"}, 2, "-wrong"},
	} {
		cmd := exec.Command(binary, c.args...)
		cmd.Env = []string{}
		out, err := cmd.CombinedOutput()
		require.Equal(t, c.code, cmd.ProcessState.ExitCode(), "%v: %v\n%s", c.args, err, out)
		require.Contains(t, string(out), c.says, "%v", c.args)
	}
}

// TestProcess runs the real thing: a simulated ComfyUI, an agent with two workers, jobs, its memory, SIGTERM.
func TestProcess(t *testing.T) {
	redis := queuetest.StartRedis(t)
	binary, dir := build(t, "."), t.TempDir()
	comfy, health := freeAddr(t), freeAddr(t)
	sim := spawn(t, build(t, "../sim"), nil, "comfyui", "-listen", comfy, "-step-time", "1ms")
	doc := map[string]any{
		"version": 1, "pool": "p", "machine": "m", "kind": "gpu", "redis": redis.URL, "blobs": "file://" + dir, "grace": "5s",
		"services": []any{map[string]any{"name": "comfyui-gpu0", "port": "comfyui_gpu0", "gpu": 0, "ready": map[string]any{"path": "/system_stats", "interval": "100ms", "timeout": "1s"}}},
		"workers": []any{
			map[string]any{"name": "w0", "connector": "comfyui", "service": "comfyui-gpu0", "concurrency": 1, "offer": map[string]any{"type": "comfyui"}},
			map[string]any{"name": "w1", "connector": "simulation", "concurrency": 1, "offer": map[string]any{"type": "simulation"}},
		},
	}
	text, err := json.Marshal(doc)
	require.NoError(t, err)
	path := filepath.Join(dir, "agent.json")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	agent := spawn(t, binary, []string{
		"MACHINE_SPEC=" + path, "NOMAD_ALLOC_ID=alloc-1", "NOMAD_ALLOC_INDEX=0", "NOMAD_GROUP_NAME=m-00000000",
		"NOMAD_ADDR_comfyui_gpu0=" + comfy, "NOMAD_ADDR_agent=" + health,
	})
	ready := func() bool {
		resp, err := http.Get("http://" + health + "/ready")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}
	require.Eventually(t, ready, time.Minute, 20*time.Millisecond)

	if runtime.GOOS == "linux" {
		idle := resident(t, agent.Process.Pid)
		t.Logf("idle: %.1f MB resident", float64(idle)/1e6)
		require.LessOrEqual(t, idle, int64(maxIdle))
	}
	q, err := queue.Open(t.Context(), queue.Options{URL: redis.URL})
	require.NoError(t, err)
	defer q.Close()
	for kind, parameters := range map[string]string{
		"simulation": `{"duration": "10ms"}`,
		"comfyui": `{"workflow": {"1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
			"2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}}`,
	} {
		job, err := q.Submit(t.Context(), queue.Submission{Type: kind, Parameters: json.RawMessage(parameters)})
		require.NoError(t, err)
		require.Eventually(t, func() bool {
			now, err := q.Get(t.Context(), job.ID)
			return err == nil && now.State == queue.Completed
		}, time.Minute, 10*time.Millisecond, kind)
	}
	for _, cmd := range []*exec.Cmd{agent, sim} {
		require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
		require.NoError(t, cmd.Wait(), "not a clean exit")
	}
	machines, err := q.Machines(t.Context())
	require.NoError(t, err)
	require.Empty(t, machines)
}

func spawn(t *testing.T, binary string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	var log bytes.Buffer
	cmd := exec.Command(binary, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append([]string{"TMPDIR=" + t.TempDir()}, env...), &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // an error means that it has ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%v:\n%s", args, &log)
		}
	})
	return cmd
}

func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// resident is a process's resident memory in bytes.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(status)
	require.NotNil(t, found)
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	require.NoError(t, err)
	return kib << 10
}
