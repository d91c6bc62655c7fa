package standin

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func allFeasible(*api.TaskGroup) bool { return true }

// livingAlloc returns an allocation of a job's group with the given index.
func livingAlloc(j *api.Job, index int, status string) *api.Allocation {
	return &api.Allocation{
		ID: fmt.Sprintf("%s-%d", status, index), Name: allocName(j, j.TaskGroups[0], index), Job: j, JobID: *j.ID, TaskGroup: *j.TaskGroups[0].Name,
		DesiredStatus: api.AllocDesiredStatusRun, ClientStatus: status,
	}
}

func indexedJob(count int) *api.Job {
	j := testJob("j", testGroup("g", count))
	j.JobModifyIndex = ptr(uint64(7))
	return j
}

// TestReconcileKeepsCount: kept and placed allocations add up to the count and have unique names; stopped ones have the
// highest indexes of those that remained.
func TestReconcileKeepsCount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := indexedJob(rapid.IntRange(0, 6).Draw(t, "count"))
		j.TaskGroups[0].ReschedulePolicy = &api.ReschedulePolicy{Unlimited: ptr(rapid.Bool().Draw(t, "reschedules")), Delay: ptr(time.Duration(0))}
		var allocs []*api.Allocation
		for i := range rapid.IntRange(0, 8).Draw(t, "allocations") {
			a := livingAlloc(j, i, rapid.SampledFrom([]string{"pending", "running", "failed", "complete"}).Draw(t, "status"))
			a.DesiredTransition.Migrate = ptr(rapid.Bool().Draw(t, "migrates"))
			allocs = append(allocs, a)
		}
		c := reconcile(j, allocs, time.Now(), allFeasible)
		gone := map[string]bool{}
		lowestStopped := 1 << 20
		for _, s := range c.stop {
			gone[s.alloc.ID] = true
			if !deref(s.alloc.DesiredTransition.Migrate) {
				lowestStopped = min(lowestStopped, allocIndex(s.alloc))
			}
		}
		var names []string
		for _, p := range c.place {
			names = append(names, p.name)
			if p.previous != nil {
				require.False(t, gone[p.previous.ID], "stopped and replaced")
				gone[p.previous.ID] = true
			}
		}
		for _, a := range allocs {
			if a.ClientStatus != "complete" && !gone[a.ID] {
				names = append(names, a.Name)
				require.Less(t, allocIndex(a), lowestStopped)
			}
		}
		require.Len(t, names, *j.TaskGroups[0].Count)
		slices.Sort(names)
		require.Len(t, slices.Compact(names), *j.TaskGroups[0].Count, "a name twice")
	})
}

func TestReconcileReplacesOrUpdates(t *testing.T) {
	for name, c := range map[string]struct {
		edit    func(*api.TaskGroup)
		replace bool
	}{
		"count":          {func(g *api.TaskGroup) { g.Count = ptr(1) }, false},
		"kill timeout":   {func(g *api.TaskGroup) { g.Tasks[0].KillTimeout = ptr(time.Minute) }, false},
		"restart policy": {func(g *api.TaskGroup) { g.RestartPolicy.Attempts = ptr(9) }, false},
		"scaling":        {func(g *api.TaskGroup) { g.Scaling = &api.ScalingPolicy{Max: ptr(int64(5))} }, false},
		"meta":           {func(g *api.TaskGroup) { g.Meta = map[string]string{"a": "b"} }, true},
		"env":            {func(g *api.TaskGroup) { g.Tasks[0].Env = map[string]string{"a": "b"} }, true},
		"command":        {func(g *api.TaskGroup) { g.Tasks[0].Config = map[string]any{"command": "/bin/false"} }, true},
		"memory":         {func(g *api.TaskGroup) { g.Tasks[0].Resources.MemoryMB = ptr(101) }, true},
		"ports":          {func(g *api.TaskGroup) { g.Networks = []*api.NetworkResource{{DynamicPorts: []api.Port{{Label: "x"}}}} }, true},
	} {
		was, job := indexedJob(1), indexedJob(1)
		job.JobModifyIndex = ptr(uint64(8))
		c.edit(job.TaskGroups[0])
		got := reconcile(job, []*api.Allocation{livingAlloc(was, 0, "running")}, time.Now(), allFeasible)
		require.Equal(t, c.replace, len(got.place) == 1, name)
		require.Equal(t, !c.replace, len(got.inPlace) == 1, name)
	}
}

func TestRescheduleDelay(t *testing.T) {
	for function, want := range map[string][]int{ // seconds
		"constant":    {5, 5, 5, 5, 5},
		"exponential": {5, 10, 20, 40, 60},
		"fibonacci":   {5, 5, 10, 15, 25},
	} {
		p := &api.ReschedulePolicy{Delay: ptr(5 * time.Second), MaxDelay: ptr(time.Minute), DelayFunction: &function, Unlimited: ptr(true)}
		for n, seconds := range want {
			require.InDelta(t, seconds, rescheduleDelay(p, n).Seconds(), 0, "%s, attempt %d", function, n)
		}
	}
}

func TestRescheduleAttempts(t *testing.T) {
	now := time.Now()
	a := &api.Allocation{ModifyTime: now.UnixNano(), RescheduleTracker: &api.RescheduleTracker{Events: []*api.RescheduleEvent{
		{RescheduleTime: now.Add(-2 * time.Hour).UnixNano()}, {RescheduleTime: now.Add(-time.Minute).UnixNano()},
	}}}
	p := &api.ReschedulePolicy{Attempts: ptr(2), Interval: ptr(time.Hour), Delay: ptr(time.Second), DelayFunction: ptr("constant")}
	at, ok := rescheduleAt(p, a)
	require.True(t, ok, "only one of them is within the interval")
	require.WithinDuration(t, now.Add(time.Second), at, time.Millisecond)
	p.Attempts = ptr(1)
	_, ok = rescheduleAt(p, a)
	require.False(t, ok)
	_, ok = rescheduleAt(&api.ReschedulePolicy{}, a)
	require.False(t, ok)
}

func TestRestartPolicy(t *testing.T) {
	policy := func(mode string) *api.RestartPolicy {
		return &api.RestartPolicy{Attempts: ptr(2), Interval: ptr(time.Hour), Delay: ptr(10 * time.Second), Mode: &mode}
	}
	r := &taskRunner{}
	for range 2 {
		d, why := r.restartDelay(policy("fail"))
		require.Empty(t, why)
		require.GreaterOrEqual(t, d, 10*time.Second)
		require.LessOrEqual(t, d, 12500*time.Millisecond, "a quarter of jitter")
		r.attempts++
	}
	_, why := r.restartDelay(policy("fail"))
	require.Equal(t, `Exceeded allowed attempts 2 in interval 1h0m0s and mode is "fail"`, why)
	d, why := r.restartDelay(policy("delay"))
	require.Empty(t, why)
	require.InDelta(t, time.Hour, d, float64(time.Minute))
	r.since = r.since.Add(-2 * time.Hour)
	_, why = r.restartDelay(policy("fail"))
	require.Empty(t, why, "a new interval has begun")
	_, why = r.restartDelay(&api.RestartPolicy{Attempts: ptr(0)})
	require.Equal(t, "Policy allows no restarts", why)
}
