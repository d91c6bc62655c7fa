package child_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/devcluster/child"
)

// nestedEnv makes this test binary a child that is a keeper itself; its value is its folder.
const nestedEnv = "CHILD_TEST_NESTED"

func TestMain(m *testing.M) {
	if dir := os.Getenv(nestedEnv); dir != "" {
		nested(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// nested keeps a child of its own, prints its process id, and waits to be killed.
func nested(dir string) {
	k, err := child.New(dir, true)
	if err != nil {
		fmt.Println(err)
		return
	}
	cmd := exec.Command("/bin/sh", "-c", "trap '' INT TERM HUP; while :; do sleep 0.2; done")
	if err := k.Start(cmd); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cmd.Process.Pid)
	_ = cmd.Wait() // it ends with us
}

func newKeeper(t *testing.T) *child.Keeper {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("skipped: marks are looked for in /proc, which is Linux's")
	}
	k, err := child.New(t.TempDir(), false)
	require.NoError(t, err)
	t.Cleanup(func() { closeKeeper(t, k) })
	return k
}

func closeKeeper(t *testing.T, k *child.Keeper) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, k.Close(ctx))
}

// TestCloseEndsDescendants: also those that ignore signals, have a session of their own, or whose parent is gone.
func TestCloseEndsDescendants(t *testing.T) {
	if _, err := exec.LookPath("setsid"); err != nil {
		t.Skip("skipped: no setsid on PATH")
	}
	k := newKeeper(t)
	cmd := exec.Command("/bin/sh", "-c", "trap '' INT TERM HUP; (setsid sh -c \"trap '' TERM; while :; do sleep 0.2; done\" &); echo up; while :; do sleep 0.2; done")
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, k.Start(cmd))
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "up\n", line)
	require.Eventually(t, func() bool { left, err := k.Leftovers(); return err == nil && len(left) >= 3 }, time.Minute, 10*time.Millisecond)
	closeKeeper(t, k)
	require.Error(t, cmd.Wait())
	left, err := k.Leftovers()
	require.NoError(t, err)
	require.Empty(t, left)
	require.ErrorContains(t, k.Start(exec.Command("/bin/true")), "nothing is started any more")
}

// TestKeeperWithinAChild: the children of a keeper in a child belong to the outer keeper as well, and go when it closes.
func TestKeeperWithinAChild(t *testing.T) {
	k := newKeeper(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nestedEnv+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, k.Start(cmd))
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	grandchild := filepath.Join("/proc", strings.TrimSpace(line))
	env, err := os.ReadFile(filepath.Join(grandchild, "environ"))
	require.NoError(t, err)
	require.Equal(t, 2, strings.Count(string(env), child.MarkName+"_"))
	closeKeeper(t, k)
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { _, err := os.Stat(grandchild); return os.IsNotExist(err) }, time.Minute, 10*time.Millisecond)
}

// TestParentDies: a child goes with the process that started it, whose guardian looks after the rest.
func TestParentDies(t *testing.T) {
	newKeeper(t) // for the skip
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nestedEnv+"="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool {
		_, err := os.Stat(filepath.Join("/proc", strings.TrimSpace(line)))
		return os.IsNotExist(err)
	}, time.Minute, 10*time.Millisecond)
}

func TestStartFails(t *testing.T) {
	k := newKeeper(t)
	require.Error(t, k.Start(exec.Command("/does/not/exist")))
	left, err := k.Leftovers()
	require.NoError(t, err)
	require.Empty(t, left)
	_, err = child.New("/does/not/exist", false)
	require.Error(t, err)
	require.NoError(t, child.Kill(1<<22-1), "a process that is gone is not an error")
	require.NoError(t, child.KillMarked(child.MarkName+"_nobody=1"))
	require.NoError(t, child.UnmountBelow(t.TempDir()))
}

// TestGuardianIsQuick: how many programs a guardian runs doesn't grow with the machine's other processes, so that it is done
// in time on a machine that has many of them and no processor to spare.
func TestGuardianIsQuick(t *testing.T) {
	newKeeper(t) // for the skip
	const others = 60
	for range others {
		idle := exec.Command("sleep", "600")
		require.NoError(t, idle.Start())
		t.Cleanup(func() {
			require.NoError(t, idle.Process.Kill())
			require.Error(t, idle.Wait())
		})
	}
	path, ran := counting(t)
	scratch := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), nestedEnv+"="+scratch, "PATH="+path+":"+os.Getenv("PATH"))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	_, err = bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	// The folder is what the guardian takes away last.
	require.Eventually(t, func() bool { _, err := os.Stat(scratch); return os.IsNotExist(err) }, time.Minute, 10*time.Millisecond)
	b, err := os.ReadFile(ran)
	require.NoError(t, err)
	require.Less(t, strings.Count(string(b), "\n"), others, "programs run:\n%s", b)
}

// counting is a folder with programs that note that they were run, and the file they note it in.
func counting(t *testing.T) (path, ran string) {
	t.Helper()
	path = t.TempDir()
	ran = filepath.Join(path, "ran")
	for _, name := range []string{"grep", "tr", "cat", "sed", "awk", "xargs", "sleep"} {
		program, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		script := fmt.Sprintf("#!/bin/sh\necho %s >>%s\nexec %s \"$@\"\n", name, ran, program)
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(script), 0o700))
	}
	return path, ran
}
