package queuetest

import (
	"encoding/json"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
)

func lifeOfAJob(f *fixture) {
	j := f.submit(func(s *queue.Submission) {
		s.Capabilities, s.Requires = []string{"gpu"}, map[string]any{"gpu.memory": ">=16GiB"}
		s.Tenant, s.Metadata = "acme", map[string]string{"user": "u1"}
	})
	require.Equal(f.t, queue.Waiting, j.State)
	require.Equal(f.t, "simulation [gpu] gpu.memory >=16GiB", j.Requirements.Canonical())
	require.Equal(f.t, queue.DefaultPriority, j.Priority)
	require.JSONEq(f.t, `{"duration":"1s"}`, string(f.get(j.ID).Parameters))

	w := f.register("m1", "gpu")
	c := f.mustClaim(w)
	require.Equal(f.t, j.ID, c.Job.ID)
	require.Equal(f.t, queue.Running, c.Job.State)
	require.Equal(f.t, 1, c.Job.Attempts)
	require.JSONEq(f.t, `{"duration":"1s"}`, string(c.Job.Parameters))
	require.Equal(f.t, map[string]string{"user": "u1"}, c.Job.Metadata)
	require.Equal(f.t, j.Requirements, c.Job.Requirements)
	n, err := f.InFlight(f.ctx, "m1")
	require.NoError(f.t, err)
	require.Equal(f.t, 1, n)

	require.NoError(f.t, f.Progress(f.ctx, c.Lease, queue.Progress{Value: 3, Max: 10, Message: "half\tway"}))
	require.Equal(f.t, &queue.Progress{Value: 3, Max: 10, Message: "half\tway"}, f.get(j.ID).Progress)
	result := queue.Result{Data: json.RawMessage(`{"seed":7}`), Blobs: []queue.Blob{{Name: "a.png", URL: "file:///a.png", Size: 3}}}
	require.NoError(f.t, f.Complete(f.ctx, c.Lease, result))

	got := f.get(j.ID)
	require.Equal(f.t, queue.Completed, got.State)
	require.Equal(f.t, &result, got.Result)
	require.NotNil(f.t, got.EndedAt)
	require.Equal(f.t, "m1", got.Machine)
	require.Len(f.t, got.History, 1)
	require.Equal(f.t, "completed", got.History[0].Outcome)
	n, err = f.InFlight(f.ctx, "m1")
	require.NoError(f.t, err)
	require.Zero(f.t, n)
	require.Nil(f.t, f.claim(w))
}

func retryKeepsPlace(f *fixture) {
	w := f.register("m1")
	first := f.submit(nil)
	c := f.mustClaim(w)
	second := f.submit(nil)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "oops", Message: "again", Retriable: true}))
	require.Equal(f.t, queue.Delayed, f.get(first.ID).State)
	f.reapUntil("the retry to be due", func() bool { return f.get(first.ID).State == queue.Waiting })
	again := f.mustClaim(w)
	require.Equal(f.t, first.ID, again.Job.ID)
	require.Equal(f.t, 2, again.Job.Attempts)
	require.Equal(f.t, second.ID, f.mustClaim(w).Job.ID)
	got := f.get(first.ID)
	require.Equal(f.t, "oops", got.Error.Code)
	require.Len(f.t, got.History, 1)
	require.Equal(f.t, "failed", got.History[0].Outcome)
}

func notRetriable(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	c := f.mustClaim(w)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "bad_input", Message: "no such node"}))
	got := f.get(j.ID)
	require.Equal(f.t, queue.Failed, got.State)
	require.Equal(f.t, &queue.Failure{Code: "bad_input", Message: "no such node"}, got.Error)
}

func attemptsUsedUp(f *fixture) {
	w := f.register("m1")
	j := f.submit(func(s *queue.Submission) { s.MaxAttempts = 2 })
	c := f.mustClaim(w)
	fail := queue.Failure{Code: "oops", Message: "no", Retriable: true}
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, fail))
	f.reapUntil("the retry to be due", func() bool { return f.get(j.ID).State == queue.Waiting })
	c = f.mustClaim(w)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, fail))
	got := f.get(j.ID)
	require.Equal(f.t, queue.Dead, got.State)
	require.Equal(f.t, 2, got.Attempts)
	require.Equal(f.t, "oops", got.Error.Code)
	require.Len(f.t, got.History, 2)
}

func released(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	for range 3 {
		c := f.mustClaim(w)
		require.Equal(f.t, 1, c.Job.Attempts)
		require.NoError(f.t, f.Release(f.ctx, c.Lease, "shutting down"))
		require.Equal(f.t, queue.Waiting, f.get(j.ID).State)
	}
	require.Len(f.t, f.get(j.ID).History, 3)
}

func requeue(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	c := f.mustClaim(w)
	_, err := f.Requeue(f.ctx, j.ID)
	var invalid *queue.InvalidError
	require.ErrorAs(f.t, err, &invalid)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "bad", Message: "x"}))
	got, err := f.Requeue(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Equal(f.t, queue.Waiting, got.State)
	require.Zero(f.t, got.Attempts)
	require.Nil(f.t, got.Error)
	c = f.mustClaim(w)
	require.NoError(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}))
	_, err = f.Requeue(f.ctx, j.ID)
	require.ErrorIs(f.t, err, queue.ErrFinal)
}

func notBefore(f *fixture) {
	w := f.register("m1")
	at := time.Now().Add(500 * time.Millisecond)
	j := f.submit(func(s *queue.Submission) { s.NotBefore = &at })
	require.Equal(f.t, queue.Delayed, j.State)
	require.Nil(f.t, f.claim(w))
	f.reapUntil("the job to be due", func() bool { return f.get(j.ID).State == queue.Waiting })
	require.False(f.t, time.Now().Before(at.Truncate(time.Millisecond)))
	require.Equal(f.t, j.ID, f.mustClaim(w).Job.ID)
}

func deadline(f *fixture) {
	soon := time.Now().Add(2 * time.Second)
	seen := f.submit(func(s *queue.Submission) { s.Deadline = &soon })
	w := f.register("m1")
	blocked := f.submit(func(s *queue.Submission) { s.Deadline, s.Capabilities = &soon, []string{"nobody"} })
	inTime := f.mustClaim(w)
	require.Equal(f.t, seen.ID, inTime.Job.ID)
	require.NoError(f.t, f.Complete(f.ctx, inTime.Lease, queue.Result{}))
	f.reapUntil("the deadline", func() bool { return f.get(blocked.ID).State == queue.Dead })
	require.Equal(f.t, "deadline", f.get(blocked.ID).Error.Code)
}

func timeout(f *fixture) {
	w := f.register("m1")
	j := f.submit(func(s *queue.Submission) { s.Timeout, s.MaxAttempts = wiretime.Duration(time.Millisecond), 1 })
	c := f.mustClaim(w)
	require.Equal(f.t, wiretime.Duration(time.Millisecond), c.Job.Timeout)
	a, err := f.Heartbeat(f.ctx, "m1", []queue.Lease{c.Lease})
	require.NoError(f.t, err)
	require.Empty(f.t, a.Lost)
	f.reapUntil("the attempt to be ended", func() bool { return f.get(j.ID).State == queue.Dead })
	got := f.get(j.ID)
	require.Zero(f.t, got.LostLeases)
	require.Equal(f.t, "timeout", got.Error.Code)
	require.Equal(f.t, 1, got.Attempts)
}

func idempotency(f *fixture) {
	key := func(tenant string) func(*queue.Submission) {
		return func(s *queue.Submission) { s.Tenant, s.IdempotencyKey = tenant, "k1" }
	}
	a := f.submit(key("acme"))
	require.Equal(f.t, a.ID, f.submit(key("acme")).ID)
	require.NotEqual(f.t, a.ID, f.submit(key("other")).ID)
	w := f.register("m1")
	c := f.mustClaim(w)
	require.NoError(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}))
	require.Equal(f.t, queue.Completed, f.submit(key("acme")).State)
}

func cancelWaiting(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	got, err := f.Cancel(f.ctx, j.ID, "changed my mind")
	require.NoError(f.t, err)
	require.Equal(f.t, queue.Cancelled, got.State)
	require.Equal(f.t, "changed my mind", got.Error.Message)
	require.Nil(f.t, f.claim(w))
	_, err = f.Cancel(f.ctx, j.ID, "")
	require.NoError(f.t, err)
	at := time.Now().Add(time.Hour)
	j = f.submit(func(s *queue.Submission) { s.NotBefore = &at })
	_, err = f.Cancel(f.ctx, j.ID, "")
	require.NoError(f.t, err)
	_, err = f.Cancel(f.ctx, "simulation-nosuch", "")
	require.ErrorIs(f.t, err, queue.ErrNotFound)
	_, err = f.Cancel(f.ctx, "no id at all", "")
	require.ErrorIs(f.t, err, queue.ErrNotFound)
}

func cancelRunning(f *fixture) {
	w := f.register("m1")
	told, err := f.Cancels(f.ctx, "m1")
	require.NoError(f.t, err)
	j := f.submit(nil)
	c := f.mustClaim(w)
	_, err = f.Cancel(f.ctx, j.ID, "stop")
	require.NoError(f.t, err)
	select {
	case id := <-told:
		require.Equal(f.t, j.ID, id)
	case <-time.After(time.Second):
		f.t.Fatal("the machine was not told within a second")
	}
	a, err := f.Heartbeat(f.ctx, "m1", []queue.Lease{c.Lease})
	require.NoError(f.t, err)
	require.Equal(f.t, []string{j.ID}, a.Cancelled)
	require.Empty(f.t, a.Lost)
	require.ErrorIs(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}), queue.ErrStale)
	require.Equal(f.t, queue.Cancelled, f.get(j.ID).State)
	n, err := f.InFlight(f.ctx, "m1")
	require.NoError(f.t, err)
	require.Zero(f.t, n)
}
