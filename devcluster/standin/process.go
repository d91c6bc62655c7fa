package standin

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/devcluster/child"
)

// process is one running process of a task.
type process struct {
	cmd    *exec.Cmd
	marks  []string // entries that only its environment has
	stdout *rotated
	stderr *rotated
	done   chan struct{} // closed when it and its group are gone, after exit is set
	exit   exit

	mu   sync.Mutex
	over bool // it was waited for and all is killed: from now on its marks may belong to its successor
}

// exit describes how a process ended.
type exit struct {
	code, signal int
	success      bool
	err          error // set if it did not start
}

func (e exit) event() api.TaskEvent {
	msg := fmt.Sprintf("Exit Code: %d", e.code)
	if e.signal != 0 {
		msg += fmt.Sprintf(", Signal: %d", e.signal)
	}
	return api.TaskEvent{
		Type: api.TaskTerminated, ExitCode: e.code, Signal: e.signal, DisplayMessage: msg,
		Details: map[string]string{"exit_code": fmt.Sprint(e.code), "signal": fmt.Sprint(e.signal), "oom_killed": "false"},
	}
}

// start runs a command by the rules of Nomad's raw_exec: it runs in the task's folder and is looked up there first.
func (c *client) start(dir allocDir, task *api.Task, cfg driverConfig, env []string, marks []string) (*process, error) {
	p := &process{done: make(chan struct{}), marks: marks}
	path, err := lookCommand(cfg.Command, dir.task(task.Name), env)
	if err != nil {
		return nil, err
	}
	if p.stdout, err = openRotated(dir.stdout(task.Name), task.LogConfig); err != nil {
		return nil, err
	}
	if p.stderr, err = openRotated(dir.stderr(task.Name), task.LogConfig); err != nil {
		return nil, errors.Join(err, p.stdout.Close())
	}
	p.cmd = exec.Command(path, cfg.Args...)
	p.cmd.Args[0] = cfg.Command
	p.cmd.Dir, p.cmd.Env = dir.task(task.Name), env
	if cfg.WorkDir != "" {
		p.cmd.Dir = cfg.WorkDir
	}
	p.cmd.Stdout, p.cmd.Stderr = p.stdout, p.stderr
	p.cmd.WaitDelay = 500 * time.Millisecond // for processes that inherited the pipes and left the group
	if err := c.keeper.Start(p.cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("failed to launch command: %w", err), p.stdout.Close(), p.stderr.Close())
	}
	c.wait.Go(func() { p.await(c) })
	return p, nil
}

// await waits for the process, kills what it left behind, and records how it ended.
func (p *process) await(c *client) {
	err := p.cmd.Wait()
	p.kill()
	p.mu.Lock()
	p.over = true
	p.mu.Unlock()
	state := p.cmd.ProcessState
	p.exit.code = state.ExitCode()
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		p.exit.signal = int(ws.Signal())
		p.exit.code = 128 + p.exit.signal
	}
	p.exit.success = state.Success()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) && !errors.Is(err, exec.ErrWaitDelay) {
		c.log.Warn("can't wait for task", "pid", state.Pid(), "error", err)
	}
	if err := errors.Join(p.stdout.Close(), p.stderr.Close()); err != nil {
		c.log.Warn("can't close task log", "error", err)
	}
	close(p.done)
}

// kill sends SIGKILL to the process, its group, and all others that it started. It does nothing if the process is over.
func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	// An error means that the process is gone and its id belongs to a foreign one.
	_ = child.KillGroup(p.cmd.Process.Pid)
	_ = child.KillMarked(p.marks...)
}

func (p *process) signal(name string) error {
	sig, ok := signalNumber(name)
	if !ok {
		return fmt.Errorf("error unknown signal given for shutdown: %s", name)
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

func signalNumber(name string) (syscall.Signal, bool) {
	switch strings.ToUpper(name) {
	case "SIGINT":
		return syscall.SIGINT, true
	case "SIGTERM":
		return syscall.SIGTERM, true
	case "SIGKILL":
		return syscall.SIGKILL, true
	case "SIGHUP":
		return syscall.SIGHUP, true
	case "SIGQUIT":
		return syscall.SIGQUIT, true
	case "SIGUSR1":
		return syscall.SIGUSR1, true
	case "SIGUSR2":
		return syscall.SIGUSR2, true
	case "SIGSTOP":
		return syscall.SIGSTOP, true
	case "SIGCONT":
		return syscall.SIGCONT, true
	case "SIGABRT":
		return syscall.SIGABRT, true
	}
	return 0, false
}

// lookCommand finds an executable. It returns an absolute path unchanged, and looks for others below the task's local
// folder, in the task's folder, and in the task's PATH.
func lookCommand(command, taskDir string, env []string) (string, error) {
	if filepath.IsAbs(command) {
		return command, executable(command)
	}
	places := []string{filepath.Join(taskDir, "local"), taskDir}
	for _, e := range env {
		if path, ok := strings.CutPrefix(e, "PATH="); ok && !strings.ContainsRune(command, filepath.Separator) {
			places = append(places, filepath.SplitList(path)...)
		}
	}
	for _, dir := range places {
		if full := filepath.Join(dir, command); executable(full) == nil {
			return full, nil
		}
	}
	return "", fmt.Errorf("failed to launch command: %q not found in the task's folder or in PATH", command)
}

func executable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("failed to launch command: %w", err)
	case info.IsDir() || info.Mode()&0o111 == 0:
		return fmt.Errorf("failed to launch command: %s is not executable", path)
	}
	return nil
}
