package resize

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

// A manual count holds whatever the jobs need, never interrupts one, and ends by itself.
func TestManualCount(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 1, 5)})
	l := newLoop(t, w)
	until := w.clock.Add(10 * time.Minute)
	order := func(count int) {
		w.orders = map[string]queue.PoolOrder{queue.OrderCount: {Count: count, Reason: "a demo", Until: &until}}
	}
	order(4)
	settle(t, w, l, func() bool { return w.pool.Asked() == 4 && len(w.agents) == 4 })
	settle(t, w, l, func() bool { return !w.agents["alloc4"].readyAt.IsZero() })
	v, err := l.Pool(t.Context(), "p")
	require.NoError(t, err)
	require.Equal(t, &OrderView{Count: 4, Reason: "a demo", Until: &until}, v.Manual)
	require.True(t, v.Decision.Has(scaler.Manually))

	for _, a := range w.agents { // all of them work when the operator wants none
		a.busyUntil = w.clock.Add(2 * time.Minute)
	}
	order(0)
	for range 100 {
		w.tick(time.Second)
		w.report()
		l.pass(t.Context())
		require.Equal(t, 4, w.pool.Asked(), "their jobs run")
	}
	settle(t, w, l, func() bool { return w.pool.Asked() == 0 })
	w.waiting = 5
	for range 60 {
		w.tick(time.Second)
		l.pass(t.Context())
		require.Zero(t, w.pool.Asked(), "whatever waits")
	}
	order(9)
	settle(t, w, l, func() bool { return w.pool.Asked() == 5 })
	v, err = l.Pool(t.Context(), "p")
	require.NoError(t, err)
	require.True(t, v.Decision.Has(scaler.Maximum))
	settle(t, w, newLoop(t, w), func() bool { return w.clock.After(until) && w.pool.Asked() == 1 })
}

// A paused pool stays as it is: it neither grows, shrinks nor moves to another revision, and its machines work.
func TestPausedPool(t *testing.T) {
	w := newWorld(10,
		fleet.Group{Name: "m-1", Count: 2, Policy: testPolicy("1", false, 0, 5)},
		fleet.Group{Name: "m-2", Policy: testPolicy("2", true, 0, 5)})
	w.orders = map[string]queue.PoolOrder{queue.OrderPause: {Reason: "looking"}}
	l := newLoop(t, w)
	w.waiting = 20
	for range 200 {
		w.tick(time.Second)
		w.report()
		l.pass(t.Context())
		require.Equal(t, map[string]int{"m-1": 2, "m-2": 0}, w.counts())
	}
	require.Positive(t, w.done)
	v, err := l.Pool(t.Context(), "p")
	require.NoError(t, err)
	require.Equal(t, Held, v.Status)
	require.Equal(t, "an operator paused the pool: looking", v.Reason)
	w.orders = nil
	settle(t, w, l, func() bool { return w.waiting == 0 && len(w.pool.Groups) == 1 && w.pool.Asked() == 0 })
}
