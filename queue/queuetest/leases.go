package queuetest

import (
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

func lostLease(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	c := f.mustClaim(w)
	f.reapUntil("the lease to pass", func() bool { return f.get(j.ID).State == queue.Waiting })
	require.ErrorIs(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}), queue.ErrStale)
	require.ErrorIs(f.t, f.Progress(f.ctx, c.Lease, queue.Progress{}), queue.ErrStale)
	got := f.get(j.ID)
	require.Equal(f.t, 1, got.LostLeases)
	require.Zero(f.t, got.Attempts)
	require.Equal(f.t, "lost", got.History[0].Outcome)
	again := f.mustClaim(f.register("m2"))
	require.Equal(f.t, j.ID, again.Job.ID)
	require.NoError(f.t, f.Complete(f.ctx, again.Lease, queue.Result{}))
	require.ErrorIs(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}), queue.ErrStale)
}

func deadByLostLeases(f *fixture) {
	j := f.submit(nil)
	for _, m := range []string{"m1", "m2", "m3"} {
		f.mustClaim(f.register(m))
		f.reapUntil("the lease to pass", func() bool { return f.get(j.ID).State != queue.Running })
	}
	got := f.get(j.ID)
	require.Equal(f.t, queue.Dead, got.State)
	require.Equal(f.t, "lost", got.Error.Code)
	require.Contains(f.t, got.Error.Message, "3 machines went silent")
}

func staleOwner(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	c := f.mustClaim(w)
	forged := c.Lease
	forged.Nonce = "0000000000000000"
	old := c.Lease
	old.Fence--
	for _, l := range []queue.Lease{forged, old} {
		require.ErrorIs(f.t, f.Complete(f.ctx, l, queue.Result{}), queue.ErrStale)
		require.ErrorIs(f.t, f.Fail(f.ctx, l, queue.Failure{}), queue.ErrStale)
		require.ErrorIs(f.t, f.Release(f.ctx, l, ""), queue.ErrStale)
		require.ErrorIs(f.t, f.Progress(f.ctx, l, queue.Progress{}), queue.ErrStale)
		a, err := f.Heartbeat(f.ctx, "m1", []queue.Lease{l})
		require.NoError(f.t, err)
		require.Equal(f.t, []string{j.ID}, a.Lost)
	}
	require.Equal(f.t, queue.Running, f.get(j.ID).State)
	missing := c.Lease
	missing.JobID = "simulation-gone"
	require.ErrorIs(f.t, f.Complete(f.ctx, missing, queue.Result{}), queue.ErrNotFound)
}

func repeatedEnding(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	c := f.mustClaim(w)
	for range 3 {
		require.NoError(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}))
	}
	require.Len(f.t, f.get(j.ID).History, 1)
	j = f.submit(nil)
	c = f.mustClaim(w)
	for range 3 {
		require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "x", Retriable: true}))
	}
	require.Len(f.t, f.get(j.ID).History, 1)
}

func heartbeat(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	c := f.mustClaim(w)
	for until := time.Now().Add(700 * time.Millisecond); time.Now().Before(until); {
		a, err := f.Heartbeat(f.ctx, "m1", []queue.Lease{c.Lease})
		require.NoError(f.t, err)
		require.Empty(f.t, a.Lost)
		_, err = f.Reap(f.ctx, 10)
		require.NoError(f.t, err)
		<-time.After(50 * time.Millisecond)
	}
	require.Equal(f.t, queue.Running, f.get(j.ID).State)
	require.NoError(f.t, f.Drain(f.ctx, "m1", "scaling down", time.Minute))
	a, err := f.Heartbeat(f.ctx, "m1", nil)
	require.NoError(f.t, err)
	require.True(f.t, a.Draining)
	require.Equal(f.t, "scaling down", a.Reason)
}

func drain(f *fixture) {
	w := f.register("m1")
	f.submit(nil)
	require.NoError(f.t, f.Drain(f.ctx, "m1", "scaling down", time.Minute))
	require.Nil(f.t, f.claim(w))
	// A worker that registers later is draining too.
	late := queue.WorkerInfo{Machine: "m1", Name: "late", Offer: offer("late")}
	require.NoError(f.t, f.Register(f.ctx, late))
	require.Nil(f.t, f.claim(late))
	require.NotNil(f.t, f.claim(f.register("m2")))
	j := f.submit(nil)
	require.NoError(f.t, f.Undrain(f.ctx, "m1"))
	require.Equal(f.t, j.ID, f.mustClaim(w).Job.ID)
	require.NoError(f.t, f.Drain(f.ctx, "m1", "", 50*time.Millisecond))
	j = f.submit(nil)
	var got []queue.Claimed
	require.Eventually(f.t, func() bool {
		var err error
		got, err = f.Claim(f.ctx, w, 1, 0)
		require.NoError(f.t, err)
		return len(got) == 1
	}, soon, 10*time.Millisecond, "the drain lapses")
	require.Equal(f.t, j.ID, got[0].Job.ID)
}

// operatorDrain checks that an operator's drain and the dispatcher's are independent: ending one leaves the other.
func operatorDrain(f *fixture) {
	w := f.register("m1")
	require.NoError(f.t, f.ReportMachine(f.ctx, queue.Machine{ID: "m1", Pool: "p"}))
	d, err := f.DrainFor(f.ctx, "m1", "who ate\tthe memory?", time.Minute)
	require.NoError(f.t, err)
	require.WithinDuration(f.t, time.Now().Add(time.Minute), d.Until, 20*time.Second)
	j := f.submit(nil)
	require.Nil(f.t, f.claim(w))
	require.NoError(f.t, f.Drain(f.ctx, "m1", "shrinks", time.Minute))
	require.NoError(f.t, f.Undrain(f.ctx, "m1"))
	require.Nil(f.t, f.claim(w), "the dispatcher's drain was taken back, the operator's stands")

	late := queue.WorkerInfo{Machine: "m1", Name: "late", Offer: offer("late")}
	require.NoError(f.t, f.Register(f.ctx, late))
	require.Nil(f.t, f.claim(late))
	a, err := f.Heartbeat(f.ctx, "m1", nil)
	require.NoError(f.t, err)
	require.True(f.t, a.Draining)
	require.Equal(f.t, d.Reason, a.Reason)
	e, err := f.Explain(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Contains(f.t, e.Refusals, queue.Refusal{Reason: "its machine is draining", Workers: 2})
	list, err := f.Machines(f.ctx)
	require.NoError(f.t, err)
	require.Equal(f.t, d.Reason, list[0].Drain.Reason)
	require.WithinDuration(f.t, d.Until, list[0].Drain.Until, time.Second)

	require.NoError(f.t, f.Drain(f.ctx, "m1", "shrinks", time.Minute))
	require.NoError(f.t, f.EndDrain(f.ctx, "m1"))
	require.Nil(f.t, f.claim(w), "and the other way round")
	one, err := f.OperatorDrain(f.ctx, "m1")
	require.NoError(f.t, err)
	require.Nil(f.t, one)
	list, err = f.Machines(f.ctx)
	require.NoError(f.t, err)
	require.Nil(f.t, list[0].Drain)
	require.NoError(f.t, f.Undrain(f.ctx, "m1"))
	require.Equal(f.t, j.ID, f.mustClaim(w).Job.ID)

	_, err = f.DrainFor(f.ctx, "m1", "", 50*time.Millisecond)
	require.NoError(f.t, err)
	require.Eventually(f.t, func() bool {
		one, err := f.OperatorDrain(f.ctx, "m1")
		return err == nil && one == nil
	}, soon, 10*time.Millisecond, "it lapses")
}

func silentWorkers(f *fixture) {
	f.register("m1")
	j := f.submit(nil)
	f.reapUntil("the worker to be forgotten", func() bool {
		e, err := f.Explain(f.ctx, j.ID)
		require.NoError(f.t, err)
		return e.Able == 0
	})
	e, err := f.Explain(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Contains(f.t, e.Summary, "no worker of type simulation is alive")
	// It comes back with its next heartbeat.
	_, err = f.Heartbeat(f.ctx, "m1", nil)
	require.NoError(f.t, err)
	e, err = f.Explain(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Equal(f.t, 1, e.Able)
}
