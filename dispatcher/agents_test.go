package dispatcher_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
)

// agents plays the agents of all machines in a real Nomad: reports, claims, heartbeats. Each machine runs one job
// at a time, for the duration of hold.
type agents struct {
	t     *testing.T
	nomad *api.Client
	queue *queue.Client
	hold  time.Duration

	mu          sync.Mutex
	busy        map[string]work // by allocation
	completed   int
	interrupted []string
	groups      map[string]bool // that ever had a machine
	most        int             // machines at the same time
	where       string          // namespace of the machines; default the client's, "*" for all
	former      bool            // play agents of a former release, which don't report their namespace
}

type work struct {
	lease queue.Lease
	until time.Time
}

// startAgents runs until the test ends.
func startAgents(t *testing.T, nomad *api.Client, q *queue.Client, hold time.Duration) *agents {
	return startAgentsIn(t, &agents{t: t, nomad: nomad, queue: q, hold: hold})
}

func startAgentsIn(t *testing.T, a *agents) *agents {
	a.busy, a.groups = map[string]work{}, map[string]bool{}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			a.step(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return a
}

func (a *agents) step(ctx context.Context) {
	allocs, _, err := a.nomad.Allocations().List((&api.QueryOptions{Namespace: a.where}).WithContext(ctx))
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	running := 0
	for _, alloc := range allocs {
		stops := alloc.DesiredStatus != api.AllocDesiredStatusRun || alloc.ClientStatus != api.AllocClientStatusRunning
		if w, busy := a.busy[alloc.ID]; busy && stops {
			a.interrupted = append(a.interrupted, fmt.Sprintf("%s of %s", w.lease.JobID, alloc.Name))
			delete(a.busy, alloc.ID)
		}
		if stops {
			_ = a.queue.RemoveMachine(ctx, alloc.ID)
			continue
		}
		running++
		a.groups[alloc.TaskGroup] = true
		a.drive(ctx, alloc)
	}
	a.most = max(a.most, running)
}

func (a *agents) drive(ctx context.Context, alloc *api.AllocationListStub) {
	info := queue.WorkerInfo{Machine: alloc.ID, Name: "w", Offer: capability.Offer{Type: "simulation"}}
	_, _ = fmt.Sscanf(alloc.Name[len(alloc.JobID)+1+len(alloc.TaskGroup):], "[%d]", &info.Index)
	if err := a.queue.Register(ctx, info); err != nil {
		return
	}
	w, busy := a.busy[alloc.ID]
	var leases []queue.Lease
	if busy {
		leases = append(leases, w.lease)
	}
	beat, err := a.queue.Heartbeat(ctx, alloc.ID, leases)
	if err != nil {
		return
	}
	if busy && time.Now().After(w.until) && a.queue.Complete(ctx, w.lease, queue.Result{}) == nil {
		a.completed++
		delete(a.busy, alloc.ID)
		busy = false
	}
	if !busy {
		list, err := a.queue.Claim(ctx, info, 1, time.Millisecond)
		if err == nil && len(list) == 1 {
			w, busy = work{lease: list[0].Lease, until: time.Now().Add(a.hold)}, true
			a.busy[alloc.ID] = w
		}
	}
	ready := time.Now()
	status := queue.WorkerStatus{Name: "w", State: "idle", Concurrency: 1, Offer: info.Offer}
	if busy {
		status.State, status.Jobs = "busy", []string{w.lease.JobID}
	}
	m := queue.Machine{
		ID: alloc.ID, Pool: alloc.JobID, Group: alloc.TaskGroup, Index: info.Index, State: queue.MachineReady,
		ReadyAt: &ready, StartedAt: time.Unix(0, alloc.CreateTime), Workers: []queue.WorkerStatus{status},
	}
	if !a.former {
		m.Namespace, m.Region = alloc.Namespace, "global"
	}
	if beat.Draining {
		m.State = queue.MachineDraining
	}
	_ = a.queue.ReportMachine(ctx, m)
}

func (a *agents) observed() (completed, most int, interrupted []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.completed, a.most, a.interrupted
}

// eventually waits up to a minute and reports what was observed last.
func (a *agents) eventually(what string, done func() bool) {
	a.t.Helper()
	require.Eventually(a.t, func() bool {
		_, _, interrupted := a.observed()
		return done() || len(interrupted) > 0
	}, time.Minute, 50*time.Millisecond, what)
	_, _, interrupted := a.observed()
	require.Empty(a.t, interrupted, "jobs were interrupted")
}
