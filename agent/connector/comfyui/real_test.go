package comfyui

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
)

// realComfyUI is a real ComfyUI server in a process of its own.
type realComfyUI struct {
	source, python, addr, dir string
	cmd                       *exec.Cmd
}

// shared is the real server of this package's tests, started by the first that needs it and killed by TestMain.
var shared struct {
	once sync.Once
	real *realComfyUI
	err  error
}

// realServer starts a real ComfyUI on the CPU, or skips the test.
func realServer(t *testing.T) *realComfyUI {
	source, python := os.Getenv("COMFYUI_DIR"), os.Getenv("COMFYUI_PYTHON")
	if source == "" || python == "" {
		t.Skip("skipped: no real ComfyUI (set COMFYUI_DIR and COMFYUI_PYTHON)")
	}
	if testing.Short() {
		t.Skip("skipped: a real ComfyUI takes long (-short)")
	}
	shared.once.Do(func() { shared.real, shared.err = startReal(source, python) })
	require.NoError(t, shared.err)
	return shared.real
}

// startReal starts a server in a folder of its own.
func startReal(source, python string) (*realComfyUI, error) {
	dir, err := os.MkdirTemp("", "comfyui-")
	if err != nil {
		return nil, err
	}
	for _, folder := range []string{"custom_nodes", "input", "output", "temp", "user", "models"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o755); err != nil {
			return nil, err
		}
	}
	stock, err := os.ReadFile(filepath.Join(source, "custom_nodes", "websocket_image_save.py"))
	if err != nil {
		return nil, err
	}
	for name, content := range map[string][]byte{
		"simulated_steps.py": comfytest.StepsNode, "simulated_output.py": comfytest.OutputNode, "websocket_image_save.py": stock,
	} {
		if err := os.WriteFile(filepath.Join(dir, "custom_nodes", name), content, 0o644); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &realComfyUI{source: source, python: python, addr: l.Addr().String(), dir: dir}
	if err := l.Close(); err != nil {
		return nil, err
	}
	return r, r.start()
}

// start starts the server's process and waits until it answers.
func (r *realComfyUI) start() error {
	_, port, err := net.SplitHostPort(r.addr)
	if err != nil {
		return err
	}
	r.cmd = exec.Command(r.python, "main.py", "--cpu", "--listen", "127.0.0.1", "--port", port, "--base-directory", r.dir,
		"--disable-api-nodes", "--database-url", "sqlite:///:memory:")
	r.cmd.Dir = r.source
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	log, err := os.OpenFile(filepath.Join(r.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		return err
	}
	for range 600 {
		resp, err := http.Get("http://" + r.addr + "/system_stats")
		if err == nil {
			return resp.Body.Close()
		}
		time.Sleep(200 * time.Millisecond) // polling another process
	}
	return fmt.Errorf("ComfyUI did not start; its log is in %s", r.dir)
}

// kill ends the server's process immediately.
func (r *realComfyUI) kill() {
	_ = syscall.Kill(-r.cmd.Process.Pid, syscall.SIGKILL)
	_ = r.cmd.Wait()
}
