package contract

import (
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

func taskBehaviours() []behaviour {
	return []behaviour{
		{"prestart tasks end well before the main tasks start", prestartFirst},
		{"a failing prestart task fails the allocation, and the main tasks never start", prestartFails},
		{"a stop ends the leader first and waits for it, then the others", leaderFirst},
		{"a leader that crashes restarts in place and the others keep running", leaderRestarts},
		{"a leader that is finally dead ends the allocation", leaderDead},
		{"a service task that exits with 0 and has no restarts left is failed and keeps its place", exitKeepsPlace},
		{"restarts stop after as many attempts as the policy has", restartAttempts},
		{"a failed allocation is rescheduled under its own name", rescheduled},
		{"a task that ignores its kill signal gets SIGKILL after kill_timeout", killTimeout},
		{"nothing that a task started outlives it", noOrphans},
		{"stopping an allocation replaces it under its own name", stopReplaces},
		{"restarting one task leaves the others and the allocation as they are", restartOne},
		{"a signal reaches the named task", signalTask},
		{"a missing command is a driver failure", noCommand},
	}
}

// note returns a script that appends a word to a file.
func (l *lab) note(word, file string) string {
	return fmt.Sprintf("echo %s >> %s;", word, l.path(file))
}

func (l *lab) write(name, text string) {
	l.Helper()
	require.NoError(l, os.WriteFile(l.path(name), []byte(text), 0o600))
}

func prestart(t *api.Task) *api.Task {
	t.Lifecycle = &api.TaskLifecycle{Hook: "prestart"}
	return t
}

func leader(t *api.Task) *api.Task {
	t.Leader = true
	return t
}

func prestartFirst(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks = []*api.Task{
		shell("main", l.note("main", "order")+"exec sleep 1000"),
		prestart(shell("shared-setup", "sleep 0.3;"+l.note("setup", "order"))),
	}
	run := l.up(j, 1)
	l.until("both to have run", func() bool { return len(l.lines("order")) == 2 })
	require.Equal(l, []string{"setup", "main"}, l.lines("order"))
	var s *api.TaskState
	l.until("the client to report that the setup has ended", func() bool {
		s = l.alloc(run["g0[0]"]).TaskStates["shared-setup"]
		return s.State == "dead"
	})
	require.False(l, s.Failed)
}

func prestartFails(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks = []*api.Task{shell("main", l.note("main", "order")), prestart(shell("shared-setup", "exit 3"))}
	l.register(j)
	l.until("the allocation to fail", func() bool { a := l.allocs(); return len(a) == 1 && a[0].ClientStatus == "failed" })
	require.Empty(l, l.lines("order"))
	s := l.allocs()[0].TaskStates["shared-setup"]
	require.True(l, s.Failed)
	require.True(l, hasEvent(s, "Not Restarting"))
}

// onTerm returns a script that, when told to end, records that, waits, records its end and exits.
func (l *lab) onTerm(name string, wait time.Duration) string {
	return fmt.Sprintf(`trap '%s sleep %.1f; %s exit 0' TERM; %s while :; do sleep 0.05; done`,
		l.note(name+"-told", "order"), wait.Seconds(), l.note(name+"-ended", "order"), l.note("up", name))
}

func leaderFirst(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks = []*api.Task{
		shell("comfyui", l.onTerm("comfyui", 0)), leader(shell("agent", l.onTerm("agent", 500*time.Millisecond))),
	}
	run := l.up(j, 1)
	l.until("both to be up", func() bool { return len(l.lines("comfyui"))+len(l.lines("agent")) == 2 })
	require.NoError(l, l.scale("g0", 0))
	a := l.awaitStatus(run["g0[0]"], "complete")
	require.Equal(l, []string{"agent-told", "agent-ended", "comfyui-told", "comfyui-ended"}, l.lines("order"))
	require.Equal(l, "stop", a.DesiredStatus)
	require.False(l, a.TaskStates["agent"].Failed)
}

func (l *lab) pid(file string) int {
	l.Helper()
	l.until("a process id in "+file, func() bool { return len(l.lines(file)) > 0 })
	lines := l.lines(file)
	n, err := strconv.Atoi(lines[len(lines)-1])
	require.NoError(l, err)
	return n
}

// withPid returns a script that writes its process id to a file and sleeps under it.
func (l *lab) withPid(file string) string {
	return fmt.Sprintf("echo $$ >> %s; exec sleep 1000", l.path(file))
}

func restarts(tg *api.TaskGroup, attempts int) {
	tg.RestartPolicy = &api.RestartPolicy{Attempts: &attempts, Mode: ptr("fail"), Interval: ptr(time.Hour), Delay: ptr(50 * time.Millisecond)}
}

func leaderRestarts(l *lab) {
	j := l.job(1)
	restarts(j.TaskGroups[0], 3)
	j.TaskGroups[0].Tasks = []*api.Task{shell("comfyui", l.withPid("comfyui")), leader(shell("agent", l.withPid("agent")))}
	run := l.up(j, 1)
	other := l.pid("comfyui")
	require.NoError(l, syscall.Kill(l.pid("agent"), syscall.SIGKILL))
	l.until("the leader to be started again", func() bool { return len(l.lines("agent")) == 2 })
	var a *api.Allocation
	l.until("the leader to be running", func() bool {
		a = l.alloc(run["g0[0]"])
		return a.TaskStates["agent"].State == "running" && a.TaskStates["agent"].Restarts == 1
	})
	require.Equal(l, "running", a.ClientStatus)
	require.Zero(l, a.TaskStates["comfyui"].Restarts)
	require.NoError(l, syscall.Kill(other, 0), "the other task is still the same process")
	require.Len(l, l.lines("comfyui"), 1)
}

func leaderDead(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks = []*api.Task{shell("comfyui", l.withPid("comfyui")), leader(shell("agent", l.withPid("agent")))}
	run := l.up(j, 1)
	other := l.pid("comfyui")
	require.NoError(l, syscall.Kill(l.pid("agent"), syscall.SIGKILL))
	a := l.awaitStatus(run["g0[0]"], "failed")
	require.True(l, a.TaskStates["agent"].Failed)
	require.Equal(l, "dead", a.TaskStates["comfyui"].State)
	require.False(l, a.TaskStates["comfyui"].Failed)
	require.ErrorIs(l, syscall.Kill(other, 0), syscall.ESRCH)
}

func exitKeepsPlace(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = shell("main", "exit 0")
	l.register(j)
	l.until("the allocation to fail", func() bool { a := l.allocs(); return len(a) == 1 && a[0].ClientStatus == "failed" })
	_, _, err := l.client.Jobs().ForceEvaluate(l.id, nil)
	require.NoError(l, err)
	require.NoError(l, l.scale("g0", 2))
	l.until("the second to fail", func() bool {
		a := l.allocs()
		return len(a) == 2 && a[0].ClientStatus == "failed" && a[1].ClientStatus == "failed"
	})
	require.NotEqual(l, l.allocs()[0].Name, l.allocs()[1].Name)
	require.Equal(l, "run", l.allocs()[0].DesiredStatus)
}

func restartAttempts(l *lab) {
	j := l.job(1)
	restarts(j.TaskGroups[0], 2)
	j.TaskGroups[0].Tasks[0] = shell("main", l.note("x", "runs")+"exit 1")
	l.register(j)
	l.until("the allocation to fail", func() bool { a := l.allocs(); return len(a) == 1 && a[0].ClientStatus == "failed" })
	require.Len(l, l.lines("runs"), 3)
	s := l.allocs()[0].TaskStates["main"]
	require.Equal(l, uint64(2), s.Restarts)
	require.True(l, hasEvent(s, "Not Restarting"))
}

func rescheduled(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].ReschedulePolicy = &api.ReschedulePolicy{
		Attempts: ptr(1), Interval: ptr(time.Hour), Delay: ptr(5 * time.Second), DelayFunction: ptr("constant"), Unlimited: ptr(false),
	}
	j.TaskGroups[0].Tasks[0] = shell("main", "exit 1")
	l.register(j)
	l.until("two failed allocations", func() bool {
		a := l.allocs()
		return len(a) == 2 && a[0].ClientStatus == "failed" && a[1].ClientStatus == "failed"
	})
	list := l.allocs()
	first, second := list[1], list[0]
	if first.NextAllocation == "" {
		first, second = second, first
	}
	require.Equal(l, second.ID, first.NextAllocation)
	require.Equal(l, first.Name, second.Name)
	require.Equal(l, "stop", first.DesiredStatus)
	require.Equal(l, "run", second.DesiredStatus)
}

func killTimeout(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = shell("main", fmt.Sprintf("trap '' TERM INT; echo $$ >> %s; while :; do sleep 0.05; done", l.path("pid")))
	j.TaskGroups[0].Tasks[0].KillTimeout = ptr(500 * time.Millisecond)
	run := l.up(j, 1)
	pid := l.pid("pid")
	require.NoError(l, l.scale("g0", 0))
	a := l.awaitStatus(run["g0[0]"], "complete")
	require.ErrorIs(l, syscall.Kill(pid, 0), syscall.ESRCH)
	s := a.TaskStates["main"]
	require.True(l, hasEvent(s, "Killed"))
	for _, e := range s.Events {
		if e.Type == "Terminated" {
			require.Equal(l, 9, e.Signal)
			require.Equal(l, 137, e.ExitCode)
		}
	}
}

func noOrphans(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = shell("main", fmt.Sprintf("(trap '' TERM INT; echo $(exec sh -c 'echo $PPID') >> %s; sleep 1000; :) & %s sh -c 'echo $$ >> %s; exec sleep 1000' & exec sleep 1000", l.path("child"), l.program("session"), l.path("session")))
	j.TaskGroups[0].Tasks[0].Resources.MemoryMB = ptr(programMemory)
	run := l.up(j, 1)
	children := []int{l.pid("child"), l.pid("session")}
	require.NoError(l, l.scale("g0", 0))
	l.awaitStatus(run["g0[0]"], "complete")
	for _, pid := range children {
		l.until(fmt.Sprintf("process %d to be gone", pid), func() bool { return gone(pid) })
	}
}

// gone reports whether a process has ended, even if its parent has not waited for it yet.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return syscall.Kill(pid, 0) != nil || err == nil && len(b) == 0
}

func stopReplaces(l *lab) {
	was := l.up(l.job(2), 2)
	_, err := l.client.Allocations().Stop(&api.Allocation{ID: was["g0[1]"]}, nil)
	require.NoError(l, err)
	l.until("another one", func() bool { now := l.running(); return len(now) == 2 && now["g0[1]"] != was["g0[1]"] })
	require.Equal(l, was["g0[0]"], l.running()["g0[0]"])
	require.Equal(l, was["g0[1]"], l.alloc(l.running()["g0[1]"]).PreviousAllocation)
}

func restartOne(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks = []*api.Task{shell("comfyui", l.withPid("comfyui")), leader(shell("agent", l.withPid("agent")))}
	run := l.up(j, 1)
	other := l.pid("agent")
	l.pid("comfyui")
	require.NoError(l, l.client.Allocations().Restart(l.alloc(run["g0[0]"]), "comfyui", nil))
	l.until("the task to be started again", func() bool { return len(l.lines("comfyui")) == 2 })
	require.NoError(l, syscall.Kill(other, 0))
	require.Equal(l, run, l.running())
	require.Len(l, l.lines("agent"), 1)
	require.Error(l, l.client.Allocations().Restart(l.alloc(run["g0[0]"]), "nope", nil))
}

func signalTask(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0] = shell("main", fmt.Sprintf(`trap '%s' USR1; %s while :; do sleep 0.05; done`, l.note("usr1", "got"), l.note("up", "up")))
	run := l.up(j, 1)
	l.until("the task to be up", func() bool { return len(l.lines("up")) == 1 })
	require.NoError(l, l.client.Allocations().Signal(l.alloc(run["g0[0]"]), nil, "main", "SIGUSR1"))
	l.until("the signal", func() bool { return len(l.lines("got")) == 1 })
}

func noCommand(l *lab) {
	j := l.job(1)
	j.TaskGroups[0].Tasks[0].Config = map[string]any{"command": "/no/such/command"}
	l.register(j)
	l.until("the allocation to fail", func() bool { a := l.allocs(); return len(a) == 1 && a[0].ClientStatus == "failed" })
	s := l.allocs()[0].TaskStates["main"]
	require.True(l, hasEvent(s, "Driver Failure"))
}
