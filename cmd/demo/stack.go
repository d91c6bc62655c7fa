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

	"github.com/emprops/machinectl/devcluster/child"
	"github.com/emprops/machinectl/hcl/timetext"
)

// stack is a running `machinectl dev`.
type stack struct {
	// Filled from the line that `machinectl dev -json` prints when it is up.
	Nomad      string   `json:"nomad"`
	Redis      string   `json:"redis"`
	Dispatcher string   `json:"dispatcher"`
	Token      string   `json:"token"`
	Parts      []string `json:"parts"` // what is real and what is a stand-in

	keeper *child.Keeper
	cmd    *exec.Cmd
	log    string
	done   chan struct{} // closed when it has ended; err is set before
	err    error
}

const (
	stackStartTimeout = 60 * time.Second
	stackStopTimeout  = 45 * time.Second
	interruptGrace    = 5 * time.Second // for a command that is told to stop
)

// startStack starts `machinectl dev` and waits until it is up. Whatever happens to this process, the keeper ends it.
func startStack(ctx context.Context, k *child.Keeper, bin, dir string, embedded bool) (*stack, error) {
	s := &stack{keeper: k, log: filepath.Join(dir, "dev.log"), done: make(chan struct{})}
	log, err := os.Create(s.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	args := []string{"dev", "-json", "-gpus", "12", "-dir", filepath.Join(dir, "stack")}
	if embedded {
		args = append(args, "-embedded")
	}
	s.cmd = exec.Command(filepath.Join(bin, "machinectl"), args...)
	s.cmd.Stderr = log
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := k.Start(s.cmd); err != nil { // in its own process group: Ctrl-C reaches only us, and we stop it in order
		return nil, fmt.Errorf("start the stack: %w", err)
	}
	line := make(chan []byte, 1)
	go func() {
		defer close(s.done)
		r := bufio.NewReader(stdout)
		first, err := r.ReadBytes('\n')
		line <- first
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		s.err = errors.Join(s.cmd.Wait(), err)
	}()
	timer := time.NewTimer(stackStartTimeout)
	defer timer.Stop()
	select {
	case first := <-line:
		if err := json.Unmarshal(first, s); err != nil || s.Dispatcher == "" || s.Token == "" {
			return nil, errors.Join(fmt.Errorf("the stack did not come up:\n%s%s", first, s.logTail()), s.stop())
		}
		return s, nil
	case <-timer.C:
		return nil, errors.Join(fmt.Errorf("the stack was not up after %s:\n%s", timetext.Duration(stackStartTimeout), s.logTail()), s.stop())
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), s.stop())
	}
}

// stop asks the stack to end and waits for it. One that doesn't end is killed, which is an error.
func (s *stack) stop() error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.NewTimer(stackStopTimeout)
	defer timer.Stop()
	select {
	case <-s.done:
		return nil
	case <-timer.C:
		err := fmt.Errorf("the stack had to be killed after %s:\n%s", timetext.Duration(stackStopTimeout), s.logTail())
		return errors.Join(err, child.KillGroup(s.cmd.Process.Pid))
	}
}

// alive returns an error with how the stack ended, if it ended by itself.
func (s *stack) alive() error {
	select {
	case <-s.done:
		return fmt.Errorf("the stack ended by itself: %w\n%s", s.err, s.logTail())
	default:
		return nil
	}
}

func (s *stack) logTail() string {
	b, err := os.ReadFile(s.log)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-20):], []byte("\n")))
}

// ctl runs machinectl against the stack and returns what it printed on standard output. What it wrote to standard
// error is in the error, if it fails.
func (s *stack) ctl(ctx context.Context, bin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "machinectl"), args...)
	cmd.Env = append(os.Environ(), "NOMAD_ADDR="+s.Nomad, "MACHINECTL_DISPATCHER="+s.Dispatcher, "MACHINECTL_TOKEN="+s.Token)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) } // an interrupted command is asked first
	cmd.WaitDelay = interruptGrace
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := s.keeper.Start(cmd); err != nil {
		return "", fmt.Errorf("machinectl %s: %w", args[0], err)
	}
	if err := cmd.Wait(); err != nil {
		return out.String(), fmt.Errorf("machinectl %s: %w\n%s%s", args[0], err, &out, &said)
	}
	return out.String(), nil
}
