package comfyui

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
)

// real is a real ComfyUI server.
type real struct {
	addr, dir string
	cmd       *exec.Cmd
}

// realServer starts a real ComfyUI on the CPU, or skips the test.
func realServer(t *testing.T) *real {
	source, python := os.Getenv("COMFYUI_DIR"), os.Getenv("COMFYUI_PYTHON")
	if source == "" || python == "" {
		t.Skip("skipped: no real ComfyUI (set COMFYUI_DIR and COMFYUI_PYTHON)")
	}
	if testing.Short() {
		t.Skip("skipped: a real ComfyUI takes long (-short)")
	}
	return startReal(t, source, python)
}

// startReal starts a server of its own for this test.
func startReal(t *testing.T, source, python string) *real {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &real{addr: l.Addr().String(), dir: t.TempDir()}
	require.NoError(t, l.Close())
	for _, folder := range []string{"custom_nodes", "input", "output", "temp", "user", "models"} {
		require.NoError(t, os.MkdirAll(filepath.Join(r.dir, folder), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(r.dir, "custom_nodes", "simulated_steps.py"), comfytest.StepsNode, 0o644))
	r.start(t, source, python)
	t.Cleanup(r.kill)
	return r
}

func (r *real) start(t *testing.T, source, python string) {
	_, port, err := net.SplitHostPort(r.addr)
	require.NoError(t, err)
	r.cmd = exec.Command(python, "main.py", "--cpu", "--listen", "127.0.0.1", "--port", port, "--base-directory", r.dir,
		"--disable-api-nodes", "--database-url", "sqlite:///:memory:")
	r.cmd.Dir = source
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.Create(filepath.Join(r.dir, "log"))
	require.NoError(t, err)
	defer log.Close()
	r.cmd.Stdout, r.cmd.Stderr = log, log
	require.NoError(t, r.cmd.Start())
	up := func() bool {
		resp, err := http.Get("http://" + r.addr + "/system_stats")
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}
	require.Eventually(t, up, 2*time.Minute, 200*time.Millisecond, "ComfyUI did not start; its log is in %s", r.dir)
}

func (r *real) kill() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	_ = r.cmd.Wait()
}
