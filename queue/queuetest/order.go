package queuetest

import (
	"context"
	"fmt"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
)

func ordering(f *fixture) {
	low := f.submit(func(s *queue.Submission) { s.Priority = priority(0) })
	a := f.submit(nil)
	b := f.submit(func(s *queue.Submission) { s.Capabilities = []string{"gpu"} })
	c := f.submit(nil)
	high := f.submit(func(s *queue.Submission) { s.Priority, s.Capabilities = priority(100), []string{"gpu"} })
	both, plain := f.register("m1", "gpu"), f.register("m2")
	require.Equal(f.t, a.ID, f.mustClaim(plain).Job.ID, "the first that it can run")
	for _, want := range []*queue.Job{high, b, c, low} {
		got := f.mustClaim(both)
		require.Equal(f.t, want.ID, got.Job.ID)
		require.Equal(f.t, want.Priority, got.Job.Priority)
	}
	require.Nil(f.t, f.claim(both))
}

func deepJob(f *fixture) {
	const depth = 300
	for i := range depth {
		f.submit(func(s *queue.Submission) {
			s.Capabilities = []string{fmt.Sprintf("other%d", i%20)}
			s.Priority = priority(100)
		})
	}
	j := f.submit(func(s *queue.Submission) { s.Priority = priority(1) })
	require.Equal(f.t, j.ID, f.mustClaim(f.register("m1")).Job.ID)
	require.Equal(f.t, "other7", f.mustClaim(f.register("m2", "other7")).Job.Requirements.Flags[0])
}

func parkedJob(f *fixture) {
	w := f.register("m1")
	j := f.submit(func(s *queue.Submission) { s.Requires = map[string]any{"model": []any{"flux-dev"}} })
	require.Nil(f.t, f.claim(w))
	e, err := f.Explain(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Zero(f.t, e.Able)
	require.Equal(f.t, []queue.Refusal{{Reason: "needs model =flux-dev, worker offers none", Workers: 1}}, e.Refusals)
	require.Contains(f.t, e.Summary, "no live worker can run it: the nearest is worker w of machine m1: needs model")
	able := worker("m2", 0, capability.Offer{Type: "simulation", Attrs: map[string]any{"model": []string{"sdxl", "flux-dev"}}})
	require.NoError(f.t, f.Register(f.ctx, able))
	require.Equal(f.t, j.ID, f.mustClaim(able).Job.ID)
	require.NoError(f.t, f.Unregister(f.ctx, "m2", "w"))
	j = f.submit(func(s *queue.Submission) { s.Requires = map[string]any{"model": "flux-dev"} })
	e, err = f.Explain(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Zero(f.t, e.Able)
}

// waitFor claims in the background with a long wait.
func (f *fixture) waitFor(w queue.WorkerInfo) <-chan []queue.Claimed {
	out := make(chan []queue.Claimed, 1)
	go func() {
		defer close(out)
		jobs, err := f.Claim(f.ctx, w, 1, 10*time.Second)
		if err == nil || f.ctx.Err() != nil {
			out <- jobs
		}
	}()
	return out
}

func wakeUp(f *fixture) {
	w := f.register("m1")
	got := f.waitFor(w)
	j := f.submit(nil)
	select {
	case jobs := <-got:
		require.Len(f.t, jobs, 1)
		require.Equal(f.t, j.ID, jobs[0].Job.ID)
	case <-time.After(5 * time.Second):
		f.t.Fatal("not woken")
	}
	jobs, err := f.Claim(f.ctx, w, 1, 50*time.Millisecond)
	require.NoError(f.t, err)
	require.Empty(f.t, jobs)
	ctx, cancel := context.WithTimeout(f.ctx, 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err = f.Claim(ctx, w, 1, 10*time.Second)
	require.ErrorIs(f.t, err, context.DeadlineExceeded)
	require.Less(f.t, time.Since(start), 2*time.Second)
}

func leastCapable(f *fixture) {
	strong, weak := worker("strong", 0, offer("gpu", "cuda", "big")), worker("weak", 5, offer("gpu"))
	require.NoError(f.t, f.Register(f.ctx, strong))
	require.NoError(f.t, f.Register(f.ctx, weak))
	atStrong, atWeak := f.waitFor(strong), f.waitFor(weak)
	require.Eventually(f.t, func() bool { return f.Idle(f.ctx, "simulation") == 2 }, soon, time.Millisecond)
	f.submit(func(s *queue.Submission) { s.Capabilities = []string{"gpu"} })
	require.Len(f.t, <-atWeak, 1)
	f.submit(func(s *queue.Submission) { s.Capabilities = []string{"big"} })
	require.Len(f.t, <-atStrong, 1)
}

func keepsOff(f *fixture) {
	a, b := f.register("m1"), f.register("m2")
	j := f.submit(nil)
	c := f.mustClaim(a)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "x", Message: "x", Retriable: true}))
	f.reapUntil("the retry to be due", func() bool { return f.get(j.ID).State == queue.Waiting })
	next := f.submit(nil)
	require.Equal(f.t, next.ID, f.mustClaim(a).Job.ID, "the machine it failed on takes the next job")
	require.Nil(f.t, f.claim(a))
	require.Equal(f.t, j.ID, f.mustClaim(b).Job.ID)

	require.NoError(f.t, f.Unregister(f.ctx, "m2", "w"))
	j = f.submit(nil)
	c = f.mustClaim(a)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "x", Message: "x", Retriable: true}))
	f.reapUntil("the retry to be due", func() bool { return f.get(j.ID).State == queue.Waiting })
	require.Equal(f.t, j.ID, f.mustClaim(a).Job.ID, "nobody else could")
}

func batchClaim(f *fixture) {
	var want []string
	for i := range 7 {
		want = append(want, f.submit(func(s *queue.Submission) { s.Capabilities = []string{fmt.Sprintf("c%d", i%3)} }).ID)
	}
	w := f.register("m1", "c0", "c1", "c2")
	jobs, err := f.Claim(f.ctx, w, 5, 0)
	require.NoError(f.t, err)
	var got []string
	for _, c := range jobs {
		got = append(got, c.Job.ID)
	}
	require.Equal(f.t, want[:5], got)
	jobs, err = f.Claim(f.ctx, w, 5, 0)
	require.NoError(f.t, err)
	require.Len(f.t, jobs, 2)
}

// skippedHead checks the order when an audience's first job avoids the claiming machine, and the next job is in another
// audience.
func skippedHead(f *fixture) {
	both, plain := f.register("m1", "a", "b"), f.register("m2", "a")
	f.submit(func(s *queue.Submission) { s.Capabilities = []string{"a"} })
	c := f.mustClaim(both)
	second := f.submit(func(s *queue.Submission) { s.Capabilities = []string{"b"} })
	third := f.submit(nil)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "x", Retriable: true}))
	f.reapUntil("the retry to be due", func() bool { return f.get(c.Job.ID).State == queue.Waiting })
	require.Equal(f.t, second.ID, f.mustClaim(both).Job.ID)
	require.Equal(f.t, third.ID, f.mustClaim(both).Job.ID)
	require.Equal(f.t, c.Job.ID, f.mustClaim(plain).Job.ID)
}
