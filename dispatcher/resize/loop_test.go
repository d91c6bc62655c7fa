package resize

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newLoop(t require.TestingT, w *world) *Loop {
	l, err := New(Options{Queue: w, Fleet: w, Now: func() time.Time { return w.clock }, ReadyWithin: 30 * time.Second})
	require.NoError(t, err)
	return l
}

// settle runs passes until nothing changes any more.
func settle(t require.TestingT, w *world, l *Loop, done func() bool) {
	for range 4000 {
		w.tick(time.Second)
		w.report()
		l.pass(context.Background())
		require.Empty(t, w.interrupted)
		require.Empty(t, w.shared)
		if done() {
			return
		}
	}
	v, _ := l.Pool(context.Background(), "p")
	require.Fail(t, "it does not settle", "%+v\n%+v", w.pool, v)
}

func TestFromZeroAndBack(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 0, 5)})
	l := newLoop(t, w)
	w.waiting = 12
	settle(t, w, l, func() bool { return w.done == 12 && w.pool.Asked() == 0 })
	v, err := l.Pool(t.Context(), "p")
	require.NoError(t, err)
	most := 0
	for _, d := range v.Decisions {
		most = max(most, d.Count)
	}
	require.Equal(t, 5, most, "12 jobs of 15 s within 10 s need 8 slots, and 5 are allowed")
	l.pass(t.Context())
	v, _ = l.Pool(context.Background(), "p")
	require.Equal(t, Steady, v.Status)
}

func TestTheDrainIsTakenBackWhenDemandReturns(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Count: 2, Policy: testPolicy("1", true, 0, 5)})
	l := newLoop(t, w)
	settle(t, w, l, func() bool { return len(w.agents) == 2 && !w.agents["alloc2"].readyAt.IsZero() })
	// The highest machine runs a job, the lowest has been idle for long: one is too many, and Nomad would stop the busy one.
	w.agents["alloc2"].busyUntil = w.clock.Add(time.Hour)
	settle(t, w, l, func() bool { return w.agents["alloc2"].drained.After(w.clock) })
	require.Equal(t, 2, w.pool.Asked(), "it is drained and keeps running")
	for range 100 {
		w.tick(time.Second)
		l.pass(t.Context())
		require.True(t, w.agents["alloc2"].drained.After(w.clock), "the drain is renewed")
	}
	w.waiting = 6
	l.pass(t.Context())
	require.False(t, w.agents["alloc2"].drained.After(w.clock), "demand is back")
}

// A machine drained by an operator is neither capacity nor stopped, and the dispatcher's own drains don't undo it.
func TestOperatorDrainStands(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Count: 2, Policy: testPolicy("1", true, 0, 3)})
	l := newLoop(t, w)
	settle(t, w, l, func() bool { return len(w.agents) == 2 && !w.agents["alloc2"].readyAt.IsZero() })
	w.agents["alloc2"].kept = w.clock.Add(10 * time.Minute)
	for range 200 {
		w.tick(time.Second)
		w.report()
		l.pass(t.Context())
		require.Equal(t, 2, w.pool.Asked(), "the one below stays too")
		require.False(t, w.agents["alloc1"].drained.After(w.clock), "and works")
	}
	v, _ := l.Pool(context.Background(), "p")
	require.Equal(t, 1, v.Draining)
	require.Equal(t, []string{"alloc2"}, v.Groups[0].Kept)
	require.Contains(t, v.Reason, "machine alloc2 is drained by hand until 20")
	w.waiting = 40
	settle(t, w, l, func() bool { return w.pool.Asked() == 3 })
	settle(t, w, l, func() bool { return w.waiting == 0 })
	require.Equal(t, 2, w.agents["alloc1"].inFlight()+w.agents["alloc3"].inFlight(), "two machines serve")
	settle(t, w, l, func() bool { return w.pool.Asked() == 0 })
	require.Equal(t, 42-2, w.done)
}

// A drained, idle machine isn't one too many: Nomad would stop the busy one above it.
func TestOperatorDrainedIsNotIdle(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Count: 2, Policy: testPolicy("1", true, 0, 2)})
	l := newLoop(t, w)
	settle(t, w, l, func() bool { return len(w.agents) == 2 && !w.agents["alloc2"].readyAt.IsZero() })
	w.agents["alloc1"].kept = w.clock.Add(time.Hour)
	for range 600 {
		w.waiting = 1
		w.tick(time.Second)
		w.report()
		l.pass(t.Context())
		require.False(t, w.agents["alloc2"].drained.After(w.clock), "one machine has to work")
	}
	require.Equal(t, 2, w.pool.Asked())
	require.GreaterOrEqual(t, w.done, 36)
}

func TestUnknownDataHoldsEverything(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Count: 3, Policy: testPolicy("1", true, 0, 5)})
	l := newLoop(t, w)
	settle(t, w, l, func() bool { return !w.agents["alloc3"].readyAt.IsZero() })
	l.o.Queue = down{w}
	for range 300 {
		w.tick(time.Second)
		require.False(t, l.pass(t.Context()))
	}
	require.Equal(t, 3, w.pool.Asked())
	v, _ := l.Pool(context.Background(), "p")
	require.Equal(t, Unknown, v.Status)
	require.True(t, v.Decision.Has(scaler.Unknown))
}

// Machines that don't report to this Redis may run another installation's jobs: nothing here can tell whether they are idle.
func TestMachinesOfAnotherInstallationStay(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Count: 2, Policy: testPolicy("1", true, 0, 5)})
	l := newLoop(t, w)
	l.o.Queue, l.o.Reported = mute{w}, true
	for range 600 {
		w.tick(time.Second)
		l.pass(t.Context())
	}
	require.Equal(t, 2, w.pool.Asked())
	v, err := l.Pool(t.Context(), "p")
	require.NoError(t, err)
	require.Equal(t, Crashing, v.Status)
	require.Contains(t, v.Reason, "its agent has not reported to Redis")
	l.o.Reported = false // the namespace is named: they are this installation's
	settle(t, w, l, func() bool { return w.pool.Asked() == 0 })
}

// mute is a queue to which no machine reports.
type mute struct{ *world }

func (m mute) Machines(context.Context) ([]queue.Machine, error) { return nil, nil }

func TestOnlyTheLeaderActs(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 2, 5)})
	l := newLoop(t, w)
	l.o.Lead = func(context.Context) (bool, error) { return false, nil }
	l.pass(t.Context())
	require.Zero(t, w.pool.Asked())
	l.o.Lead = func(context.Context) (bool, error) { return false, errNoLeader }
	l.pass(t.Context())
	require.Zero(t, w.pool.Asked())
	require.Len(t, l.Pools(t.Context()), 1, "the others see")
	l.o.Lead = func(context.Context) (bool, error) { return true, nil }
	l.pass(t.Context())
	require.Equal(t, 2, w.pool.Asked())
}

func TestABrokenRevisionStopsTheRollout(t *testing.T) {
	w := newWorld(10,
		fleet.Group{Name: "m-1", Count: 2, Policy: testPolicy("1", false, 2, 5)},
		fleet.Group{Name: "m-2", Policy: testPolicy("2", true, 2, 5)})
	w.broken["m-2"] = true
	l := newLoop(t, w)
	settle(t, w, l, func() bool { v, _ := l.Pool(context.Background(), "p"); return v.Status == Stalled })
	require.Equal(t, map[string]int{"m-1": 2, "m-2": 1}, w.counts())
	v, _ := l.Pool(context.Background(), "p")
	require.Contains(t, v.Reason, "the new revision doesn't become ready, the old one serves: machine alloc3 is not ready after 1m")
	// Growth is served by the old revision meanwhile.
	w.waiting = 20
	settle(t, w, l, func() bool { return w.counts()["m-1"] == 5 })
	require.Equal(t, 1, w.counts()["m-2"])
	// The machine recovers, and the rollout goes on.
	w.broken["m-2"] = false
	settle(t, w, l, func() bool { c := w.counts(); return len(c) == 1 && c["m-2"] == 2 && w.waiting == 0 })
}

// On a cluster with one GPU a changed revision takes its place, with two changes of each group's count and no more.
func TestTheOnlyPlaceChangesHands(t *testing.T) {
	w := newWorld(1,
		fleet.Group{Name: "m-1", Count: 1, Policy: testPolicy("1", false, 1, 1)},
		fleet.Group{Name: "m-2", Policy: testPolicy("2", true, 1, 1)})
	l := newLoop(t, w)
	var counts []map[string]int
	settle(t, w, l, func() bool {
		if n := len(counts); n == 0 || !maps.Equal(counts[n-1], w.counts()) {
			counts = append(counts, w.counts())
		}
		if w.clock.Second()%7 == 0 {
			l = newLoop(t, w) // restarts change nothing
		}
		return len(w.pool.Groups) == 1 && w.pool.Total() == 1 && w.pool.Asked() == 1
	})
	require.Equal(t, []map[string]int{
		{"m-1": 1, "m-2": 1}, {"m-1": 1, "m-2": 0}, {"m-1": 0, "m-2": 0}, {"m-1": 0, "m-2": 1}, {"m-2": 1},
	}, counts)
}

// The main property: whatever happens in between, no job is interrupted, and in the end the pool is on the wanted revision
// with as many machines as it needs.
func TestNoJobIsEverInterrupted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		least := rapid.IntRange(0, 2).Draw(t, "min")
		most := least + rapid.IntRange(1, 4).Draw(t, "more")
		room := max(most+rapid.IntRange(-1, 2).Draw(t, "spare"), 1)
		w := newWorld(room,
			fleet.Group{Name: "m-1", Count: min(rapid.IntRange(0, most).Draw(t, "old"), room), Policy: testPolicy("1", false, least, most)},
			fleet.Group{Name: "m-2", Policy: testPolicy("2", true, least, most)})
		l := newLoop(t, w)
		submitted := 0
		faults := rapid.IntRange(0, 20).Draw(t, "faults")
		w.fault = func() bool { return faults > 0 && rapid.IntRange(0, 100).Draw(t, "fault") < faults }
		w.during = func() {
			if rapid.IntRange(0, 30).Draw(t, "arrival") == 0 {
				w.waiting++
				submitted++
			}
			if rapid.IntRange(0, 3).Draw(t, "during") == 0 {
				w.tick(time.Duration(rapid.IntRange(0, 1500).Draw(t, "ms")) * time.Millisecond)
			}
		}
		for range rapid.IntRange(20, 100).Draw(t, "steps") {
			switch rapid.IntRange(0, 12).Draw(t, "event") {
			case 0:
				n := rapid.IntRange(1, 4).Draw(t, "jobs")
				w.waiting += int64(n)
				submitted += n
			case 1: // an operator drains a machine
				if a := w.agents[fmt.Sprint("alloc", rapid.IntRange(1, w.next+1).Draw(t, "drained"))]; a != nil {
					a.kept = w.clock.Add(time.Duration(rapid.IntRange(30, 120).Draw(t, "for")) * time.Second)
				}
			case 2:
				l = newLoop(t, w) // the dispatcher restarts
			case 3:
				w.pool.Index++ // another client changes the job
			case 4:
				w.tick(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			}
			if rapid.Bool().Draw(t, "report") {
				w.report()
			}
			w.tick(time.Duration(rapid.IntRange(1, 8).Draw(t, "tick")) * time.Second)
			l.pass(context.Background())
			require.Empty(t, w.interrupted)
			require.Empty(t, w.shared)
			require.LessOrEqual(t, w.pool.Asked(), most+1, "%+v", w.counts())
		}
		w.fault, w.during = func() bool { return false }, func() {}
		settle(t, w, l, func() bool {
			return w.done == submitted && len(w.pool.Groups) == 1 && w.pool.Asked() == least
		})
	})
}

// down is a queue that can't be reached.
type down struct{ *world }

func (d down) Demand(context.Context) ([]queue.ClassDemand, error) { return nil, errFault }
func (d down) Machines(context.Context) ([]queue.Machine, error)   { return nil, errFault }

func TestPausedTypesAreShown(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 0, 5)})
	l := newLoop(t, w)
	l.pass(t.Context())
	v, _ := l.Pool(context.Background(), "p")
	require.Empty(t, v.Paused, "another type is none of the pool's")
	w.paused = "maintenance"
	l.pass(t.Context())
	v, _ = l.Pool(context.Background(), "p")
	require.Equal(t, []PausedType{{"simulation", "maintenance"}}, v.Paused)
	require.NotEmpty(t, v.Decision.Reasons, "the present decision's, in the list as well")
}
