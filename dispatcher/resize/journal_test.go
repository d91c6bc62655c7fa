package resize

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

// codes are what the decisions of a pool were made for, newest first.
func codes(t *testing.T, l *Loop) (list []string) {
	t.Helper()
	v, err := l.Pool(t.Context(), "p")
	require.NoError(t, err)
	for _, d := range v.Decisions {
		list = append(list, fmt.Sprint(d.From, "→", d.Count, " ", d.Reasons[len(d.Reasons)-1].Code))
	}
	return list
}

// Two dispatchers: the one that stands by shows what the leader does, and, once it leads, goes on where the leader ended.
func TestBothDispatchersShowTheSame(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 0, 5)})
	first, second := newLoop(t, w), newLoop(t, w)
	lead := 0
	for i, l := range []*Loop{first, second} {
		l.o.Lead = func(context.Context) (bool, error) { return lead == i, nil }
	}
	w.waiting = 3
	for range 60 {
		w.tick(time.Second)
		w.report()
		second.pass(t.Context())
		first.pass(t.Context())
		require.Equal(t, first.Pools(t.Context())[0].Asked, second.Pools(t.Context())[0].Asked)
		require.Equal(t, codes(t, first), codes(t, second))
	}
	before := codes(t, first)
	require.Equal(t, "0→2 demand", before[len(before)-1])
	lead = 1
	second.pass(t.Context())
	require.Equal(t, before, codes(t, second), "the same decision as the leader's last is not repeated")
	third := newLoop(t, w) // a restart
	third.o.Lead = func(context.Context) (bool, error) { return false, nil }
	third.pass(t.Context())
	require.Equal(t, before, codes(t, third))
	settle(t, w, second, func() bool { return w.pool.Asked() == 0 })
	require.Greater(t, len(codes(t, third)), len(before))
	require.Equal(t, codes(t, second), codes(t, third))
}

// offline is a queue whose decisions can't be read or written while off is set.
type offline struct {
	*world
	off bool
}

func (o *offline) AddDecisions(ctx context.Context, pool string, docs ...[]byte) error {
	if o.off {
		return errFault
	}
	return o.world.AddDecisions(ctx, pool, docs...)
}

func (o *offline) Decisions(ctx context.Context, pool string, most int) ([][]byte, error) {
	if o.off {
		return nil, errFault
	}
	return o.world.Decisions(ctx, pool, most)
}

// While Redis is away, decisions are made and kept for it, and the answer reports what is missing.
func TestDecisionsWithoutRedis(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 1, 5)})
	q := &offline{world: w}
	l := newLoop(t, w)
	l.o.Queue = q
	l.pass(t.Context())
	require.Equal(t, []string{"0→1 minimum"}, codes(t, l))
	q.off = true
	w.waiting = 4
	w.tick(time.Second)
	l.pass(t.Context())
	v, err := l.Pool(t.Context(), "p")
	require.NoError(t, err)
	require.Contains(t, v.DecisionsUnknown, "the earlier decisions can't be read: ")
	require.Len(t, v.Decisions, 1, "the one that Redis doesn't have yet")
	require.Greater(t, v.Decisions[0].Count, 1)
	q.off = false
	w.tick(time.Second)
	l.pass(t.Context())
	v, err = l.Pool(t.Context(), "p")
	require.NoError(t, err)
	require.Empty(t, v.DecisionsUnknown)
	require.Equal(t, "0→1 minimum", codes(t, l)[len(codes(t, l))-1])
	require.Greater(t, len(v.Decisions), 1)
	require.Empty(t, l.journal.pending)
}

// A leader that loses Redis, and leadership with it, still takes down what it decides; a dispatcher that never led doesn't.
func TestWhoRecords(t *testing.T) {
	for name, led := range map[string]bool{"the last leader": true, "another": false} {
		w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 1, 5)})
		l := newLoop(t, w)
		l.o.Lead = func(context.Context) (bool, error) { return led, nil }
		l.pass(t.Context())
		l.o.Lead = func(context.Context) (bool, error) { return false, errNoLeader }
		l.o.Queue = down{w}
		l.pass(t.Context())
		list := w.decisions["global/default/p"]
		require.Len(t, list, map[bool]int{true: 2, false: 0}[led], name)
	}
}

// However often decisions can't be written, no more are kept than are shown.
func TestPendingIsBounded(t *testing.T) {
	w := newWorld(10, fleet.Group{Name: "m-1", Policy: testPolicy("1", true, 0, 5)})
	l := newLoop(t, w)
	for i := range 3 * queue.MaxDecisions {
		l.record(t.Context(), scaler.Decision{Pool: "global/default/p", Count: i, At: w.clock.Add(time.Duration(i)), Reasons: []scaler.Reason{{Code: scaler.Demand}}})
	}
	require.Len(t, l.journal.pending["global/default/p"], queue.MaxDecisions)
	require.Equal(t, 3*queue.MaxDecisions-1, l.journal.pending["global/default/p"][queue.MaxDecisions-1].Count)
}
