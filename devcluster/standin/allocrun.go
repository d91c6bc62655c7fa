package standin

import (
	"context"
	"sync"

	"github.com/hashicorp/nomad/api"
)

// allocRunner runs one allocation, from creating its folders to the end of the last poststop task.
//
//	previous allocation has ended → folders → prestart → main → poststart … → all dead → poststop → ended
//
// A dead leader, a task that has failed for good, or a stop ends all other tasks: first the leader alone, then the
// other main tasks, then the sidecars.
type allocRunner struct {
	client *client
	id     string
	dir    allocDir
	tasks  []*taskRunner
	stopCh chan struct{} // closed when the allocation must stop
	once   sync.Once
	woken  chan struct{} // holds one token when a task's state has changed

	mu      sync.Mutex
	alloc   *api.Allocation        // as of its start; only its job is replaced
	sockets map[string]func()      // task → ends its Task API socket
	checks  map[string]checkStatus // service checks by id
}

func newAllocRunner(c *client, alloc *api.Allocation) *allocRunner {
	r := &allocRunner{
		client: c, id: alloc.ID, dir: c.allocDir(alloc.ID), alloc: alloc,
		stopCh: make(chan struct{}), woken: make(chan struct{}, 1),
		sockets: map[string]func(){}, checks: map[string]checkStatus{},
	}
	for _, t := range alloc.GetTaskGroup().Tasks {
		r.tasks = append(r.tasks, newTaskRunner(r, t))
	}
	return r
}

// stop stops the allocation without waiting for its end.
func (r *allocRunner) stop() { r.once.Do(func() { close(r.stopCh) }) }

// setJob replaces the job in place: later kills, restarts and registrations use it.
func (r *allocRunner) setJob(job *api.Job) {
	r.mu.Lock()
	a := *r.alloc
	a.Job = job
	r.alloc = &a
	r.mu.Unlock()
	tg := a.GetTaskGroup()
	if tg == nil {
		return
	}
	for _, t := range r.tasks {
		if next := lookupTask(tg, t.name); next != nil {
			t.setTask(next)
		}
	}
}

func (r *allocRunner) current() *api.Allocation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.alloc
}

// run runs the allocation and returns when every task has ended.
func (r *allocRunner) run(ctx context.Context) {
	defer r.client.done(r.id)
	defer r.report()
	defer r.closeTaskAPI()
	r.report()
	if !r.awaitPrevious(ctx) {
		r.killAll()
		return
	}
	if err := r.dir.build(r.current().GetTaskGroup()); err != nil {
		for _, t := range r.tasks {
			t.fail("Setup Failure", "failed to build the allocation's folders: "+err.Error())
		}
		return
	}
	services := newServiceRunner(r)
	defer services.close()
	var wait sync.WaitGroup
	start := func(want func(*taskRunner) bool) {
		for _, t := range r.tasks {
			if want(t) && !t.begun() {
				wait.Go(func() { t.run(ctx) })
			}
		}
	}
	start(func(t *taskRunner) bool { return t.hook() == api.TaskLifecycleHookPrestart })
	r.follow(ctx, start, services)
	start(func(t *taskRunner) bool { return t.hook() == api.TaskLifecycleHookPoststop && ctx.Err() == nil })
	wait.Wait()
}

// follow starts tasks in order and ends those that must end, until all tasks except the poststop ones are dead.
func (r *allocRunner) follow(ctx context.Context, start func(func(*taskRunner) bool), services *serviceRunner) {
	stopping := false
	stopCh, done := r.stopCh, ctx.Done()
	var killing sync.WaitGroup // a stop runs while its progress is reported
	defer killing.Wait()
	stop := func() {
		if !stopping {
			stopping = true
			services.close()
			killing.Go(r.killAll)
		}
	}
	for {
		if !stopping {
			if why, dead := r.mustEnd(); dead {
				stopping = true
				for _, t := range r.live() {
					t.event(api.TaskEvent{Type: why, DisplayMessage: why})
				}
				r.killAll() // it is reported as failed only once everything has ended, when its resources are free
			}
		}
		if !stopping && r.ready(isPrestart) {
			start(func(t *taskRunner) bool { return t.hook() == "" })
			if r.running(isMain) {
				start(func(t *taskRunner) bool { return t.hook() == api.TaskLifecycleHookPoststart })
			}
		}
		services.update()
		r.report()
		if len(r.live()) == 0 {
			return
		}
		select {
		case <-r.woken:
		case <-stopCh:
			stopCh = nil
			stop()
		case <-done:
			done = nil
			stop()
		}
	}
}

// awaitPrevious waits until the allocation that this one replaces has ended. It returns false if this one was stopped
// first.
func (r *allocRunner) awaitPrevious(ctx context.Context) bool {
	prev := r.current().PreviousAllocation
	for prev != "" {
		var ended bool
		var changed chan struct{}
		r.client.store.read(func() {
			a := r.client.store.allocs[prev]
			ended, changed = a == nil || a.ClientTerminalStatus(), r.client.store.changed
		})
		if ended {
			break
		}
		select {
		case <-changed:
		case <-r.stopCh:
			return false
		case <-ctx.Done():
			return false
		}
	}
	select {
	case <-r.stopCh:
		return false
	default:
		return ctx.Err() == nil
	}
}

// killAll kills the live tasks in Nomad's order and waits for each step.
func (r *allocRunner) killAll() {
	var leader, mains, sidecars []*taskRunner
	for _, t := range r.live() {
		switch {
		case t.leader():
			leader = append(leader, t)
		case t.sidecar():
			sidecars = append(sidecars, t)
		default:
			mains = append(mains, t)
		}
	}
	for _, step := range [][]*taskRunner{leader, mains, sidecars} {
		var wait sync.WaitGroup
		for _, t := range step {
			wait.Go(t.kill)
		}
		wait.Wait()
	}
}

// mustEnd reports whether the tasks' states end the allocation, and with which event.
func (r *allocRunner) mustEnd() (why string, yes bool) {
	onlySidecars, alive := true, false
	for _, t := range r.tasks {
		if t.hook() == api.TaskLifecycleHookPoststop {
			continue
		}
		s := t.snapshot()
		switch {
		case s.State != taskDead:
			onlySidecars = onlySidecars && t.sidecar()
			alive = true
		case t.leader():
			return api.TaskLeaderDead, true
		case s.Failed:
			why = "Sibling Task Failed"
		}
	}
	if why != "" {
		return why, true
	}
	return "Main Tasks Dead", onlySidecars && alive && r.hasMain()
}

func (r *allocRunner) hasMain() bool {
	for _, t := range r.tasks {
		if t.hook() == "" {
			return true
		}
	}
	return false
}

// live returns the tasks that aren't dead, except poststop tasks.
func (r *allocRunner) live() []*taskRunner {
	var out []*taskRunner
	for _, t := range r.tasks {
		if t.hook() != api.TaskLifecycleHookPoststop && t.snapshot().State != taskDead {
			out = append(out, t)
		}
	}
	return out
}

func isPrestart(t *taskRunner) bool { return t.hook() == api.TaskLifecycleHookPrestart }
func isMain(t *taskRunner) bool     { return t.hook() == "" }

// ready reports whether the selected tasks are done, or running if they are sidecars.
func (r *allocRunner) ready(which func(*taskRunner) bool) bool {
	for _, t := range r.tasks {
		if !which(t) {
			continue
		}
		s := t.snapshot()
		if t.sidecar() && s.State != taskRunning || !t.sidecar() && (s.State != taskDead || s.Failed) {
			return false
		}
	}
	return true
}

func (r *allocRunner) running(which func(*taskRunner) bool) bool {
	for _, t := range r.tasks {
		if which(t) && t.snapshot().State != taskRunning {
			return false
		}
	}
	return true
}

// changed is called by a task when its state has changed.
func (r *allocRunner) changed() {
	select {
	case r.woken <- struct{}{}:
	default:
	}
}

// report writes the tasks' states, and the allocation's state that results from them, to the store.
func (r *allocRunner) report() {
	states := map[string]*api.TaskState{}
	for _, t := range r.tasks {
		s := t.snapshot()
		states[t.name] = &s
	}
	status, description := clientStatus(states)
	_, err := r.client.store.write(func(tx *txn) error {
		was := tx.allocs[r.id]
		if was == nil || was.ClientStatus == status && same(was.TaskStates, states) {
			return nil
		}
		a := *was
		a.TaskStates, a.ClientStatus, a.ClientDescription = states, status, description
		tx.putAlloc(&a)
		tx.setJobStatus(jobKey{a.Namespace, a.JobID})
		return nil
	})
	if err != nil {
		r.client.log.Error("can't report allocation state", "alloc", r.id, "error", err)
	}
}

func clientStatus(states map[string]*api.TaskState) (status, description string) {
	var pending, running, failed bool
	for _, s := range states {
		failed = failed || s.State == taskDead && s.Failed
		pending = pending || s.State == taskPending
		running = running || s.State == taskRunning
	}
	switch {
	case failed:
		return api.AllocClientStatusFailed, "Failed tasks"
	case running:
		return api.AllocClientStatusRunning, "Tasks are running"
	case pending:
		return api.AllocClientStatusPending, "No tasks have started"
	default:
		return api.AllocClientStatusComplete, "All tasks have completed"
	}
}

const (
	taskPending = "pending"
	taskRunning = "running"
	taskDead    = "dead"
)
