package child

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

func ownGroup(a *syscall.SysProcAttr) *syscall.SysProcAttr {
	if a == nil {
		a = &syscall.SysProcAttr{}
	}
	a.Setpgid = true
	a.Pdeathsig = syscall.SIGKILL
	return a
}

// KillMarked sends SIGKILL to every process whose environment holds all the given "NAME=value" entries.
func KillMarked(entries ...string) error {
	pids, err := marked(entries...)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if err := Kill(pid); err != nil {
			return fmt.Errorf("child: kill %d: %w", pid, err)
		}
	}
	return nil
}

// marked finds the processes whose environment, as it was when they started, holds all entries. Zombies have none.
func marked(entries ...string) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	var pids []int
	for _, f := range files {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil || pid == os.Getpid() {
			continue
		}
		env, err := os.ReadFile(f)
		if err != nil {
			continue // ended meanwhile, or another user's
		}
		if holdsAll(append([]byte{0}, env...), entries) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}

func holdsAll(env []byte, entries []string) bool {
	for _, e := range entries {
		if !bytes.Contains(env, append(append([]byte{0}, e...), 0)) {
			return false
		}
	}
	return true
}
