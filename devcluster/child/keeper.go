package child

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"time"
)

// MarkName begins the name of the environment variable that marks a Keeper's children. Each Keeper has a name of its own,
// so that the children of a Keeper within another's child carry both marks.
const MarkName = "MACHINECTL_DEVCLUSTER"

// Keeper owns child processes. It is safe for concurrent use.
type Keeper struct {
	mark     string // "NAME_id=1"
	groups   *os.File
	guardian *exec.Cmd
	lifeline *os.File // write end of the pipe that the guardian waits on
	starts   chan start
	done     chan struct{} // closed when the starter goroutine has ended
	mu       sync.Mutex
	closed   bool
}

type start struct {
	cmd *exec.Cmd
	err chan error
}

// New makes a Keeper whose guardian is running. dir is an existing folder for its file; if scratch is true, dir is taken
// away when the Keeper's process dies without calling Close.
func New(dir string, scratch bool) (*Keeper, error) {
	id := make([]byte, 12)
	if _, err := rand.Read(id); err != nil {
		return nil, fmt.Errorf("child: make a mark: %w", err)
	}
	groups, err := os.OpenFile(filepath.Join(dir, "process-groups"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("child: %w", err)
	}
	k := &Keeper{mark: MarkName + "_" + hex.EncodeToString(id) + "=1", groups: groups, starts: make(chan start), done: make(chan struct{})}
	if err := k.startGuardian(dir, scratch); err != nil {
		return nil, errors.Join(err, groups.Close())
	}
	go k.starter()
	return k, nil
}

func (k *Keeper) startGuardian(dir string, scratch bool) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("child: guardian's pipe: %w", err)
	}
	remove := ""
	if scratch {
		remove = dir
	}
	k.guardian = exec.Command("/bin/sh", "-c", guardianScript, "devcluster-guardian", k.mark, k.groups.Name(), remove)
	k.guardian.Env = []string{"PATH=" + os.Getenv("PATH")}
	k.guardian.Dir = "/"
	k.guardian.Stdin = r
	k.guardian.SysProcAttr = ownSession()
	err = k.guardian.Start()
	if cerr := r.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return errors.Join(fmt.Errorf("child: start the guardian: %w", err), w.Close())
	}
	k.lifeline = w
	return nil
}

// starter starts all children from one OS thread that lives as long as the Keeper: the parent-death signal is bound to
// the thread which started a child, not to its process.
func (k *Keeper) starter() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(k.done)
	for s := range k.starts {
		s.err <- s.cmd.Start()
	}
}

// Start starts cmd as a child in a process group of its own. A nil cmd.Env means this process's environment. The caller
// waits for the command, as after cmd.Start.
func (k *Keeper) Start(cmd *exec.Cmd) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return errors.New("child: the cluster is stopping, nothing is started any more")
	}
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, k.mark)
	cmd.SysProcAttr = ownGroup(cmd.SysProcAttr)
	s := start{cmd: cmd, err: make(chan error, 1)}
	k.starts <- s
	if err := <-s.err; err != nil {
		return err
	}
	if _, err := k.groups.WriteString(strconv.Itoa(cmd.Process.Pid) + "\n"); err != nil {
		return errors.Join(fmt.Errorf("child: note process group: %w", err), KillGroup(cmd.Process.Pid))
	}
	return nil
}

// Leftovers returns the ids of the living processes that carry the Keeper's mark and were not yet waited for.
func (k *Keeper) Leftovers() ([]int, error) { return marked(k.mark) }

// Close kills every process that still carries the mark, waits until none is left or ctx ends, and ends the guardian.
// Calling it again does nothing.
func (k *Keeper) Close(ctx context.Context) error {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil
	}
	k.closed = true
	close(k.starts)
	k.mu.Unlock()
	err := k.killMarked(ctx)
	// Closing the lifeline would make the guardian look for marks again. There are none, so it is killed instead.
	if kerr := KillGroup(k.guardian.Process.Pid); kerr != nil && err == nil {
		err = fmt.Errorf("child: end the guardian: %w", kerr)
	}
	var exit *exec.ExitError
	if werr := k.guardian.Wait(); werr != nil && !errors.As(werr, &exit) && err == nil {
		err = fmt.Errorf("child: wait for the guardian: %w", werr)
	}
	<-k.done
	return errors.Join(err, k.lifeline.Close(), k.groups.Close())
}

func (k *Keeper) killMarked(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := k.Leftovers()
		if err != nil || len(left) == 0 {
			return err
		}
		for _, pid := range left {
			if err := Kill(pid); err != nil {
				return fmt.Errorf("child: kill %d: %w", pid, err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("child: processes %v are still there: %w", left, context.Cause(ctx))
		case <-tick.C:
		}
	}
}

// guardianScript: $1 mark, $2 file with process groups, $3 folder to remove or empty. It reads until the other end of
// the pipe is closed. Mounts below the folder (Nomad's, when it runs as root) are undone first.
const guardianScript = `
trap '' INT TERM HUP
while read -r _; do :; done
n=0
while [ $n -lt 100 ]; do
	left=
	if [ -r /proc/self/environ ]; then
		for e in $(grep -slF -e "$1" /proc/[0-9]*/environ); do
			p=${e#/proc/}
			kill -9 "${p%/environ}" && left=1
		done
	else
		while read -r g; do kill -9 "-$g" 2>/dev/null && left=1; done <"$2"
	fi
	[ -n "$left" ] || break
	n=$((n + 1))
	sleep 0.05
done 2>/dev/null
if [ -n "$3" ]; then
	if [ -r /proc/self/mounts ]; then
		while read -r _ where _; do
			case $where in "$3"/*) umount -l "$where" ;; esac
		done </proc/self/mounts
	fi
	rm -rf "$3"
fi 2>/dev/null
exit 0
`
