package standin

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"
)

// maxKillTimeout is the Nomad client's default cap on kill_timeout.
const maxKillTimeout = 30 * time.Second

// taskRunner runs one task: it prepares the task, starts its process, restarts it as its policy allows, and ends it
// when told to.
//
//	pending ──▶ running ──exit──▶ pending (restart, after a delay) ──▶ running …
//	   │           └──exit, no restart left──▶ dead, failed      killed ──▶ dead
type taskRunner struct {
	alloc *allocRunner
	name  string

	mu       sync.Mutex
	task     *api.Task
	state    api.TaskState
	hasBegun bool
	killed   bool
	killCh   chan struct{} // closed by kill
	ended    chan struct{} // closed when the task is dead
	proc     *process      // the running process, or nil
	again    bool          // the process was ended for a restart, which doesn't count as a failure
	attempts int           // restarts in the interval that began at since
	since    time.Time
}

func newTaskRunner(r *allocRunner, t *api.Task) *taskRunner {
	return &taskRunner{
		alloc: r, name: t.Name, task: t, state: api.TaskState{State: taskPending},
		killCh: make(chan struct{}), ended: make(chan struct{}),
	}
}

func (t *taskRunner) spec() *api.Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.task
}

func (t *taskRunner) setTask(task *api.Task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.task = task
}

func (t *taskRunner) hook() string {
	if lc := t.spec().Lifecycle; lc != nil {
		return lc.Hook
	}
	return ""
}

func (t *taskRunner) sidecar() bool {
	lc := t.spec().Lifecycle
	return lc != nil && lc.Sidecar
}

func (t *taskRunner) leader() bool { return t.spec().Leader }

func (t *taskRunner) begun() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hasBegun
}

// snapshot returns a copy of the task's state that the caller may keep.
func (t *taskRunner) snapshot() api.TaskState {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.state
	s.Events = append([]*api.TaskEvent(nil), s.Events...)
	return s
}

// keptEvents is how many events a task's state keeps.
const keptEvents = 10

func (t *taskRunner) event(e api.TaskEvent) {
	t.mu.Lock()
	t.addEvent(e)
	t.mu.Unlock()
	t.alloc.changed()
}

func (t *taskRunner) addEvent(e api.TaskEvent) {
	e.Time = time.Now().UnixNano()
	if e.Details == nil {
		e.Details = map[string]string{}
	}
	t.state.Events = append(t.state.Events, &e)
	if over := len(t.state.Events) - keptEvents; over > 0 {
		t.state.Events = t.state.Events[over:]
	}
}

// run runs the task and returns when it is dead. Only poststop tasks heed ctx, because the allocation ends the others
// in order.
func (t *taskRunner) run(ctx context.Context) {
	t.mu.Lock()
	if t.hasBegun {
		t.mu.Unlock()
		return
	}
	t.hasBegun = true
	t.addEvent(api.TaskEvent{Type: api.TaskReceived, DisplayMessage: "Task received by client"})
	t.mu.Unlock()
	t.alloc.changed()
	if t.hook() == api.TaskLifecycleHookPoststop {
		stop := context.AfterFunc(ctx, func() { t.killNoWait() })
		defer stop()
	}
	for {
		exit := t.once()
		if !t.next(exit) {
			return
		}
	}
}

// once prepares and runs the process once.
func (t *taskRunner) once() exit {
	if t.isKilled() {
		return exit{}
	}
	t.event(api.TaskEvent{Type: api.TaskSetup, Message: api.TaskBuildingTaskDir, DisplayMessage: api.TaskBuildingTaskDir})
	p, err := t.start()
	if err != nil {
		if !t.isKilled() {
			t.event(api.TaskEvent{Type: api.TaskDriverFailure, DriverError: err.Error(), DisplayMessage: err.Error(), Details: map[string]string{"driver_error": err.Error()}})
		}
		return exit{err: err}
	}
	t.mu.Lock()
	t.proc, t.state.State = p, taskRunning
	if t.state.StartedAt.IsZero() {
		t.state.StartedAt = time.Now().UTC()
	}
	t.addEvent(api.TaskEvent{Type: api.TaskStarted, DisplayMessage: "Task started by client"})
	killed := t.killed
	t.mu.Unlock()
	t.alloc.changed()
	if killed { // it was killed while it started
		go t.terminate(p)
	}
	<-p.done
	t.mu.Lock()
	t.proc = nil
	t.mu.Unlock()
	t.event(p.exit.event())
	return p.exit
}

// next decides what follows an exit. It returns false if the task is dead.
func (t *taskRunner) next(e exit) bool {
	if t.hook() == "" || t.sidecar() {
		e.success = false // service tasks are restarted even if they exit with 0
	}
	t.mu.Lock()
	if t.killed {
		t.die(false, api.TaskEvent{Type: api.TaskKilled, DisplayMessage: "Task successfully killed"})
		return false
	}
	policy := t.restartPolicy()
	delay, why := t.restartDelay(policy)
	switch {
	case t.again:
		t.again, delay = false, 0
	case e.success:
		t.die(false, api.TaskEvent{})
		return false
	case why != "":
		t.die(true, api.TaskEvent{Type: api.TaskNotRestarting, RestartReason: why, DisplayMessage: why, FailsTask: true, Details: map[string]string{"restart_reason": why, "fails_task": "true"}})
		return false
	default:
		t.attempts++
		why = fmt.Sprintf("Task restarting in %s", delay)
		t.addEvent(api.TaskEvent{Type: api.TaskRestarting, StartDelay: int64(delay), DisplayMessage: why, Details: map[string]string{"start_delay": fmt.Sprint(int64(delay)), "restart_reason": "Restart within policy"}})
	}
	t.state.State = taskPending
	t.state.Restarts++
	t.state.LastRestart = time.Now().UTC()
	t.mu.Unlock()
	t.alloc.changed()
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-t.killCh:
	}
	return true
}

// die marks the task as dead. It is called with the lock held and releases it.
func (t *taskRunner) die(failed bool, e api.TaskEvent) {
	if e.Type != "" {
		t.addEvent(e)
	}
	if t.state.State != taskDead {
		t.state.State, t.state.Failed, t.state.FinishedAt = taskDead, failed, time.Now().UTC()
		close(t.ended)
	}
	t.mu.Unlock()
	t.alloc.changed()
}

// fail marks a task as dead that never ran.
func (t *taskRunner) fail(kind, why string) {
	t.mu.Lock()
	t.hasBegun = true
	t.die(true, api.TaskEvent{Type: kind, SetupError: why, DisplayMessage: why, FailsTask: true, Details: map[string]string{"setup_error": why}})
}

func (t *taskRunner) restartPolicy() *api.RestartPolicy {
	if p := t.task.RestartPolicy; p != nil {
		return p
	}
	return t.alloc.current().GetTaskGroup().RestartPolicy
}

// restartDelay returns the delay before the next start, or the reason why there is none. The lock is held.
func (t *taskRunner) restartDelay(p *api.RestartPolicy) (time.Duration, string) {
	attempts := deref(p.Attempts)
	if attempts == 0 {
		return 0, "Policy allows no restarts"
	}
	now := time.Now()
	if now.After(t.since.Add(deref(p.Interval))) {
		t.since, t.attempts = now, 0
	}
	if t.attempts >= attempts {
		if deref(p.Mode) == api.RestartPolicyModeDelay {
			return time.Until(t.since.Add(deref(p.Interval))), ""
		}
		return 0, fmt.Sprintf("Exceeded allowed attempts %d in interval %s and mode is %q", attempts, deref(p.Interval), deref(p.Mode))
	}
	d := deref(p.Delay)
	if d > 0 {
		d += time.Duration(rand.Int64N(int64(d)/4 + 1)) // Nomad's jitter
	}
	return d, ""
}

func (t *taskRunner) isKilled() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.killed
}

// kill ends the task and waits until it is dead.
func (t *taskRunner) kill() {
	t.killNoWait()
	<-t.ended
}

func (t *taskRunner) killNoWait() {
	t.mu.Lock()
	if t.killed || t.state.State == taskDead {
		t.mu.Unlock()
		return
	}
	t.killed = true
	close(t.killCh)
	timeout := t.killTimeout()
	msg := fmt.Sprintf("Sent interrupt. Waiting %s before force killing", timeout)
	if !t.hasBegun {
		t.hasBegun = true
		t.die(false, api.TaskEvent{Type: api.TaskKilled, DisplayMessage: "Task successfully killed"})
		return
	}
	t.addEvent(api.TaskEvent{Type: api.TaskKilling, KillTimeout: timeout, DisplayMessage: msg, Details: map[string]string{"kill_timeout": timeout.String()}})
	p := t.proc
	t.mu.Unlock()
	t.alloc.changed()
	if p != nil {
		go t.terminate(p)
	}
}

func (t *taskRunner) killTimeout() time.Duration {
	d := deref(t.task.KillTimeout)
	return min(d, maxKillTimeout)
}

// terminate ends a process gracefully: shutdown delay, kill signal, timeout, then SIGKILL for the whole group. It
// returns when the process is gone.
func (t *taskRunner) terminate(p *process) {
	t.mu.Lock()
	delay, timeout, signal := t.task.ShutdownDelay, t.killTimeout(), t.task.KillSignal
	t.mu.Unlock()
	hurry := t.alloc.client.hurry
	if delay > 0 {
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-p.done:
		case <-hurry:
		}
		timer.Stop()
	}
	if signal == "" {
		signal = "SIGINT"
	}
	if err := p.signal(signal); err != nil {
		t.event(api.TaskEvent{Type: api.TaskKilling, KillError: err.Error(), DisplayMessage: err.Error()})
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-p.done:
	case <-hurry:
	}
	p.kill()
	<-p.done
}

// restart ends the process so that it restarts immediately. It returns an error if none is running.
func (t *taskRunner) restart() error {
	t.mu.Lock()
	p := t.proc
	if p == nil {
		t.mu.Unlock()
		return fmt.Errorf("Task not running") //nolint:staticcheck // Nomad's words
	}
	t.again = true
	t.addEvent(api.TaskEvent{Type: api.TaskRestartSignal, RestartReason: "User requested task to restart", DisplayMessage: "User requested task to restart"})
	t.mu.Unlock()
	t.alloc.changed()
	t.terminate(p)
	return nil
}

// signal sends a signal to the running process.
func (t *taskRunner) signal(name string) error {
	t.mu.Lock()
	p := t.proc
	t.mu.Unlock()
	if p == nil {
		return fmt.Errorf("Task not running") //nolint:staticcheck // Nomad's words
	}
	t.event(api.TaskEvent{Type: api.TaskSignaling, TaskSignal: name, DisplayMessage: "Task being sent signal " + name})
	return p.signal(name)
}
