package contract

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

// Target is what the suite runs against: a Nomad with one node and four simulated GPUs that nothing else uses.
type Target struct {
	Addr string // URL of the HTTP API
	// GPUs is how many nvidia/gpu devices the node has (at least 4), Model their name and Memory the MiB of each.
	GPUs   int
	Model  string
	Memory int
	// SetHealth makes a GPU unhealthy for a reason, or healthy if the reason is empty.
	SetHealth func(index int, reason string) error
}

// patience is how long any step may take. A real Nomad needs a second for an allocation.
const patience = 30 * time.Second

// lab is one behaviour's own part of the cluster: a job id, a folder, a client.
type lab struct {
	*testing.T
	Target
	client *api.Client
	id     string // of its job
	dir    string // for files that tasks write
}

var serial atomic.Int64 // job ids must differ within a process

func newLab(t *testing.T, target Target) *lab {
	client, err := api.NewClient(&api.Config{Address: target.Addr})
	require.NoError(t, err)
	l := &lab{T: t, Target: target, client: client, id: fmt.Sprintf("contract-%d", serial.Add(1)), dir: t.TempDir()}
	t.Cleanup(func() {
		_, _, err := client.Jobs().Deregister(l.id, true, nil)
		require.NoError(t, err)
		l.until("the job's allocations to end", func() bool { return len(l.live()) == 0 })
		client.Close()
	})
	return l
}

// until waits until cond is true; what describes the condition.
func (l *lab) until(what string, cond func() bool) {
	l.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(15 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if now := <-tick.C; now.After(deadline) {
			l.Fatalf("waited %s for %s\n%s", patience, what, l.dump())
		}
	}
}

// dump describes the job's allocations, for a failed wait.
func (l *lab) dump() string {
	var b strings.Builder
	for _, a := range l.allocs() {
		fmt.Fprintf(&b, "%s %s desired %s client %s\n", a.Name, a.ID[:8], a.DesiredStatus, a.ClientStatus)
		for name, s := range a.TaskStates {
			fmt.Fprintf(&b, "  %s %s failed=%t restarts=%d\n", name, s.State, s.Failed, s.Restarts)
			for _, e := range s.Events {
				fmt.Fprintf(&b, "    %s: %s\n", e.Type, e.DisplayMessage)
			}
		}
	}
	return b.String()
}

// job returns a job with one group per given count, called g0, g1 …, each with one task that sleeps.
func (l *lab) job(counts ...int) *api.Job {
	j := &api.Job{ID: &l.id, Type: ptr(api.JobTypeService), Datacenters: []string{"*"}, Update: &api.UpdateStrategy{MaxParallel: ptr(0)}}
	for i, n := range counts {
		j.TaskGroups = append(j.TaskGroups, group(fmt.Sprintf("g%d", i), n, sleeper("main")))
	}
	return j
}

// group returns a group that never restarts or reschedules, unless the caller changes that.
func group(name string, count int, tasks ...*api.Task) *api.TaskGroup {
	return &api.TaskGroup{
		Name: &name, Count: &count, Tasks: tasks,
		RestartPolicy:    &api.RestartPolicy{Attempts: ptr(0), Mode: ptr("fail"), Interval: ptr(time.Minute), Delay: ptr(time.Millisecond)},
		ReschedulePolicy: &api.ReschedulePolicy{Attempts: ptr(0), Unlimited: ptr(false)},
		EphemeralDisk:    &api.EphemeralDisk{SizeMB: ptr(110)},
	}
}

// shell returns a task that runs a script.
func shell(name, script string) *api.Task {
	return &api.Task{
		Name: name, Driver: "raw_exec", KillTimeout: ptr(3 * time.Second), KillSignal: "SIGTERM",
		Config:    map[string]any{"command": "/bin/sh", "args": []string{"-c", script}},
		Resources: &api.Resources{CPU: ptr(20), MemoryMB: ptr(20)},
	}
}

// sleeper returns a task that ends immediately when told to.
func sleeper(name string) *api.Task { return shell(name, "exec sleep 1000") }

func ptr[T any](v T) *T { return &v }

func (l *lab) register(j *api.Job) *api.JobRegisterResponse {
	l.Helper()
	res, _, err := l.client.Jobs().Register(clone(j), nil)
	require.NoError(l, err)
	return res
}

// clone copies a job before it is registered, because registering fills in defaults.
func clone(j *api.Job) *api.Job {
	c := *j
	c.TaskGroups = nil
	for _, tg := range j.TaskGroups {
		g := *tg
		g.Tasks = nil
		for _, t := range tg.Tasks {
			task := *t
			g.Tasks = append(g.Tasks, &task)
		}
		c.TaskGroups = append(c.TaskGroups, &g)
	}
	return &c
}

func (l *lab) plan(j *api.Job) *api.JobPlanResponse {
	l.Helper()
	res, _, err := l.client.Jobs().Plan(clone(j), true, nil)
	require.NoError(l, err)
	return res
}

func (l *lab) allocs() []*api.AllocationListStub {
	l.Helper()
	list, _, err := l.client.Jobs().Allocations(l.id, true, nil)
	require.NoError(l, err)
	return list
}

// live returns the allocations that haven't ended.
func (l *lab) live() []*api.AllocationListStub {
	var out []*api.AllocationListStub
	for _, a := range l.allocs() {
		switch a.ClientStatus {
		case api.AllocClientStatusPending, api.AllocClientStatusRunning:
			out = append(out, a)
		}
	}
	return out
}

// running returns the ids of the running allocations, by name without the job's id: "g0[1]".
func (l *lab) running() map[string]string {
	out := map[string]string{}
	for _, a := range l.allocs() {
		if a.ClientStatus == api.AllocClientStatusRunning && a.DesiredStatus == api.AllocDesiredStatusRun {
			out[strings.TrimPrefix(a.Name, l.id+".")] = a.ID
		}
	}
	return out
}

// up registers a job and waits until exactly n allocations run.
func (l *lab) up(j *api.Job, n int) map[string]string {
	l.Helper()
	l.register(j)
	return l.awaitRunning(n)
}

func (l *lab) awaitRunning(n int) map[string]string {
	l.Helper()
	var got map[string]string
	l.until(fmt.Sprintf("%d running allocations", n), func() bool { got = l.running(); return len(got) == n && len(l.live()) == n })
	return got
}

func (l *lab) alloc(id string) *api.Allocation {
	l.Helper()
	a, _, err := l.client.Allocations().Info(id, nil)
	require.NoError(l, err)
	return a
}

func (l *lab) awaitStatus(id, status string) *api.Allocation {
	l.Helper()
	var a *api.Allocation
	l.until("allocation "+id[:8]+" to be "+status, func() bool { a = l.alloc(id); return a.ClientStatus == status })
	return a
}

func (l *lab) scale(group string, n int) error {
	_, _, err := l.client.Jobs().Scale(l.id, group, &n, "contract", false, nil, nil)
	return err
}

// path returns the path of a file in the lab's folder.
func (l *lab) path(name string) string { return filepath.Join(l.dir, name) }

// lines returns a file's lines; a missing or empty file has none.
func (l *lab) lines(name string) []string {
	l.Helper()
	b, err := os.ReadFile(l.path(name))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(l, err)
	text := strings.TrimRight(string(b), "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

func (l *lab) file(name string) string {
	l.Helper()
	b, err := os.ReadFile(l.path(name))
	require.NoError(l, err)
	return string(b)
}
