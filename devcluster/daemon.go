package devcluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/emprops/machinectl/devcluster/child"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/nettext"
)

const (
	// startLimit is how long a daemon may take to start, unless ctx ends earlier.
	startLimit = 60 * time.Second
	// stopGrace is how long an orderly stop may take as a whole when Start has to clean up after itself.
	stopGrace = 20 * time.Second
	// taskGrace is how long the stand-in's tasks may take to stop.
	taskGrace = 5 * time.Second
	// termGrace is how long a daemon may take after SIGTERM before it gets SIGKILL.
	termGrace = 5 * time.Second
	pollEvery = 50 * time.Millisecond
)

// daemon is a long-running child process that logs to a file.
type daemon struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended; err is set before
	err  error
}

func startDaemon(k *child.Keeper, cmd *exec.Cmd, logPath string) (*daemon, error) {
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("devcluster: %w", err)
	}
	cmd.Stdout, cmd.Stderr = out, out
	d := &daemon{name: cmd.Path, cmd: cmd, log: logPath, done: make(chan struct{})}
	if err := k.Start(cmd); err != nil {
		return nil, errors.Join(fmt.Errorf("devcluster: start %s: %w", cmd.Path, err), out.Close())
	}
	go func() {
		defer close(d.done)
		d.err = errors.Join(cmd.Wait(), out.Close())
	}()
	return d, nil
}

func (d *daemon) running() bool {
	select {
	case <-d.done:
		return false
	default:
		return true
	}
}

// await calls ready until it succeeds. If the daemon exits first, the error shows the end of its log.
func (d *daemon) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready after %s", timetext.Duration(startLimit)))
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-d.done:
			return fmt.Errorf("devcluster: %s ended while starting: %w\n%s", d.name, d.err, d.tail())
		case <-ctx.Done():
			return fmt.Errorf("devcluster: start %s: %w (last: %w)\n%s", d.name, context.Cause(ctx), nettext.Explain(err), d.tail())
		case <-tick.C:
		}
	}
}

// tail returns the end of the log.
func (d *daemon) tail() string {
	const lines = 12
	b, err := os.ReadFile(d.log)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "the end of " + d.log + ":\n\t" + strings.Join(all[max(0, len(all)-lines):], "\n\t")
}

// kill sends SIGKILL and waits for the process to exit.
func (d *daemon) kill() error {
	if err := d.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-d.done
	return nil
}

// terminate sends SIGTERM, then SIGKILL if that takes too long.
func (d *daemon) terminate(ctx context.Context) error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, termGrace)
	defer cancel()
	select {
	case <-d.done:
		return nil
	case <-ctx.Done():
		return d.kill()
	}
}

// portTries is how often a daemon is started on other ports if another process has taken one in between.
const portTries = 3

// onFreePorts calls start with n ports that nobody listens on, and again with others if it fails because one is in use.
func onFreePorts(n int, start func(ports []int) error) error {
	for try := 1; ; try++ {
		ports, err := freePorts(n)
		if err == nil {
			err = start(ports)
		}
		if err == nil || try == portTries || !strings.Contains(strings.ToLower(err.Error()), syscall.EADDRINUSE.Error()) {
			return err
		}
	}
}

// freePorts finds n ports on 127.0.0.1 that nobody listens on. They are released again, so another process may take one
// before it is used; the daemon's log then reports that.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("devcluster: no free port: %w", err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
