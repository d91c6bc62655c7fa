package standin

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/devcluster/gpu"
)

func TestMain(m *testing.M) {
	// Each step encodes jobs several times, which is slow with the race detector. The command line can still set more
	// checks.
	if err := flag.Set("rapid.checks", "25"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// idle is a client that runs nothing, because these tests end allocations themselves.
type idle struct{}

func (idle) sync(string) {}

// testingT is what both testing.T and rapid.T offer.
type testingT interface {
	Helper()
	Cleanup(f func())
}

// newTestStore returns a store of one node with 1000 MHz, 1000 MiB, 4 cores, 10,000 MiB of disk and some GPUs. Its
// clock stands still.
func newTestStore(t testingT, gpus int) *store {
	t.Helper()
	s := newStore(newNode(Config{
		Name: "n", Resources: Resources{CPU: 1000, Cores: 4, Memory: 1000, Disk: 10_000},
		GPUs: gpu.Spec{Count: gpus}.Defaults(), MinPort: 28000, MaxPort: 29000,
	}, "127.0.0.1:1"))
	s.namespaces["default"] = &api.Namespace{Name: "default"}
	s.client = idle{}
	s.timers = newTimers(func(jobKey) {})
	t.Cleanup(s.timers.stop)
	now := time.Now()
	s.now = func() time.Time { return now }
	return s
}

// testGroup returns a group with one task that needs 100 MHz and 100 MiB.
func testGroup(name string, count int) *api.TaskGroup {
	return &api.TaskGroup{
		Name: &name, Count: &count, EphemeralDisk: &api.EphemeralDisk{SizeMB: ptr(110)},
		Tasks: []*api.Task{{
			Name: "main", Driver: "raw_exec", Config: map[string]any{"command": "/bin/true"},
			Resources: &api.Resources{CPU: ptr(100), MemoryMB: ptr(100)},
		}},
	}
}

func testJob(id string, groups ...*api.TaskGroup) *api.Job {
	j := &api.Job{
		ID: &id, Type: ptr(api.JobTypeService), Datacenters: []string{"*"}, NodePool: ptr(nodePool),
		Update: &api.UpdateStrategy{MaxParallel: ptr(0)}, TaskGroups: groups,
	}
	j.Canonicalize()
	return j
}

func (s *store) mustRegister(j *api.Job) {
	s.mustWrite(func(tx *txn) { tx.register(j, false) })
}

// end ends an allocation with a status, as its runner would report it.
func (s *store) end(id, status string) {
	s.mustWrite(func(tx *txn) {
		a := *tx.allocs[id]
		a.ClientStatus = status
		tx.putAlloc(&a)
	})
	s.ended(id)
}

// held returns the allocations that still hold resources, by name.
func (s *store) held() map[string]*api.Allocation {
	out := map[string]*api.Allocation{}
	for _, a := range s.allocs {
		if !a.ClientTerminalStatus() {
			out[a.Name] = a
		}
	}
	return out
}

func TestValidateRefuses(t *testing.T) {
	for want, spoil := range map[string]func(*api.Job){
		"runs service jobs only":         func(j *api.Job) { j.Type = ptr("batch") },
		"contains a space":               func(j *api.Job) { j.ID = ptr("a b") },
		"Missing job datacenters":        func(j *api.Job) { j.Datacenters = nil },
		"redefines \"g\"":                func(j *api.Job) { j.TaskGroups = append(j.TaskGroups, testGroup("g", 1)) },
		"makes no deployments":           func(j *api.Job) { j.TaskGroups[0].Update = &api.UpdateStrategy{MaxParallel: ptr(1)} },
		"count can't be negative":        func(j *api.Job) { j.TaskGroups[0].Count = ptr(-1) },
		"greater than maximum count":     func(j *api.Job) { j.TaskGroups[0].Scaling = &api.ScalingPolicy{Min: ptr(int64(0)), Max: ptr(int64(0))} },
		"Missing task driver":            func(j *api.Job) { j.TaskGroups[0].Tasks[0].Driver = "" },
		"minimum MemoryMB value is 10":   func(j *api.Job) { j.TaskGroups[0].Tasks[0].Resources.MemoryMB = ptr(9) },
		"invalid hook: now":              func(j *api.Job) { j.TaskGroups[0].Tasks[0].Lifecycle = &api.TaskLifecycle{Hook: "now"} },
		"port label \"x\" that no netwo": func(j *api.Job) { j.TaskGroups[0].Services = []*api.Service{{Name: "s", PortLabel: "x"}} },
		"Only one task may be marked as leader": func(j *api.Job) {
			second := *j.TaskGroups[0].Tasks[0]
			second.Name, second.Leader, j.TaskGroups[0].Tasks[0].Leader = "b", true, true
			j.TaskGroups[0].Tasks = append(j.TaskGroups[0].Tasks, &second)
		},
	} {
		j := testJob("j", testGroup("g", 1))
		require.Empty(t, validateJob(j))
		spoil(j)
		require.Contains(t, fmt.Sprint(validateJob(j)), want)
	}
}
