package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// stack is a running `machinectl dev`.
type stack struct {
	// Filled from the line that `machinectl dev -json` prints when it is up.
	Nomad      string   `json:"nomad"`
	Redis      string   `json:"redis"`
	Dispatcher string   `json:"dispatcher"`
	Parts      []string `json:"parts"` // what is real and what is stood in for

	cmd  *exec.Cmd
	log  string
	done chan error
}

const (
	stackStartTimeout = 60 * time.Second
	stackStopTimeout  = 45 * time.Second
)

func startStack(ctx context.Context, bin, dir string, embedded bool) (*stack, error) {
	s := &stack{log: filepath.Join(dir, "dev.log"), done: make(chan error, 1)}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{"dev", "-json", "-gpus", "4", "-dir", filepath.Join(dir, "stack")}
	if embedded {
		args = append(args, "-embedded")
	}
	s.cmd = exec.Command(filepath.Join(bin, "machinectl"), args...)
	s.cmd.Stderr = log
	// Its own process group: Ctrl-C reaches only us, and we stop it in order.
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	line := make(chan []byte, 1)
	go func() {
		r := bufio.NewReader(stdout)
		first, _ := r.ReadBytes('\n')
		line <- first
		_, _ = io.Copy(io.Discard, r)
		s.done <- s.cmd.Wait()
	}()
	select {
	case first := <-line:
		if err := json.Unmarshal(first, s); err == nil {
			return s, nil
		}
		return nil, errors.Join(fmt.Errorf("the stack did not come up:\n%s%s", first, s.logTail()), s.stop())
	case <-time.After(stackStartTimeout):
		return nil, errors.Join(fmt.Errorf("the stack was not up after %s:\n%s", stackStartTimeout, s.logTail()), s.stop())
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), s.stop())
	}
}

// stop asks the stack to end and waits for it; whatever is left of its process group is then killed, and said.
func (s *stack) stop() error {
	select {
	case err := <-s.done:
		return fmt.Errorf("the stack had ended by itself: %w\n%s", err, s.logTail())
	default:
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	select {
	case err := <-s.done:
		if err != nil {
			return fmt.Errorf("the stack ended badly: %w\n%s", err, s.logTail())
		}
	case <-time.After(stackStopTimeout):
		_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		return fmt.Errorf("the stack had to be killed after %s:\n%s", stackStopTimeout, s.logTail())
	}
	return nil
}

func (s *stack) logTail() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	if len(lines) > 20 {
		lines = lines[len(lines)-20:]
	}
	return string(bytes.Join(lines, []byte("\n")))
}

// ctl runs machinectl against the stack and returns what it printed. Exit codes in okCodes are no errors.
func (s *stack) ctl(ctx context.Context, bin string, okCodes []int, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "machinectl"), args...)
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+s.Nomad, "MACHINECTL_DISPATCHER="+s.Dispatcher)
	// An interrupted command is asked first.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		for _, code := range okCodes {
			if exit.ExitCode() == code {
				return string(out), nil
			}
		}
		return string(out), fmt.Errorf("machinectl %s: %w\n%s", args[0], err, out)
	}
	return string(out), err
}
