package queuetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

func pause(f *fixture) {
	w := f.register("m1")
	j := f.submit(nil)
	require.NoError(f.t, f.Pause(f.ctx, "simulation", "maintenance"))
	require.Nil(f.t, f.claim(w))
	e, err := f.Explain(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Equal(f.t, "jobs of type simulation are paused: maintenance", e.Summary)
	demand, err := f.Demand(f.ctx)
	require.NoError(f.t, err)
	require.Equal(f.t, "maintenance", demand[0].Paused)
	got := f.waitFor(w)
	require.NoError(f.t, f.Resume(f.ctx, "simulation"))
	require.Equal(f.t, j.ID, (<-got)[0].Job.ID)
}

func tenant(name string) func(*queue.Submission) {
	return func(s *queue.Submission) { s.Tenant = name }
}

func tenantLimit(f *fixture) {
	w := f.register("m1")
	limits := queue.Limits{EachTenant: queue.Limit{Running: 1}, Tenants: map[string]queue.Limit{"big": {Running: 2}}}
	require.NoError(f.t, f.SetLimits(f.ctx, "simulation", limits))
	read, err := f.Limits(f.ctx, "simulation")
	require.NoError(f.t, err)
	require.Equal(f.t, limits, read)
	var small, big []string
	for range 40 {
		small = append(small, f.submit(tenant("small")).ID)
	}
	for range 5 {
		big = append(big, f.submit(tenant("big")).ID)
	}
	free := f.submit(nil)
	var running []*queue.Claimed
	for _, want := range []string{small[0], big[0], big[1], free.ID} {
		c := f.mustClaim(w)
		require.Equal(f.t, want, c.Job.ID)
		running = append(running, c)
	}
	require.Nil(f.t, f.claim(w))
	e, err := f.Explain(f.ctx, small[1])
	require.NoError(f.t, err)
	require.Contains(f.t, e.Summary, `tenant "small" is at its limit`)
	d, err := f.Demand(f.ctx)
	require.NoError(f.t, err)
	require.EqualValues(f.t, 42, d[0].Held+d[0].Waiting)
	require.Positive(f.t, d[0].Held)
	// Cancelling the tenant's next job doesn't strand the later ones.
	_, err = f.Cancel(f.ctx, small[1], "")
	require.NoError(f.t, err)
	require.NoError(f.t, f.Complete(f.ctx, running[0].Lease, queue.Result{}))
	require.Equal(f.t, small[2], f.mustClaim(w).Job.ID)
	require.Nil(f.t, f.claim(w))
	require.NoError(f.t, f.SetLimits(f.ctx, "simulation", queue.Limits{}))
	require.Equal(f.t, small[3], f.mustClaim(w).Job.ID)
	require.Equal(f.t, small[4], f.mustClaim(w).Job.ID)
}

func typeLimit(f *fixture) {
	w := f.register("m1")
	require.NoError(f.t, f.SetLimits(f.ctx, "simulation", queue.Limits{Type: queue.Limit{Running: 2}}))
	for range 3 {
		f.submit(nil)
	}
	jobs, err := f.Claim(f.ctx, w, 5, 0)
	require.NoError(f.t, err)
	require.Len(f.t, jobs, 2)
	require.Nil(f.t, f.claim(w))
	require.NoError(f.t, f.Release(f.ctx, jobs[0].Lease, ""))
	require.Equal(f.t, jobs[0].Job.ID, f.mustClaim(w).Job.ID)
}

func rateLimit(f *fixture) {
	w := f.register("m1")
	require.NoError(f.t, f.SetLimits(f.ctx, "simulation", queue.Limits{EachTenant: queue.Limit{Rate: 20, Burst: 2}}))
	for range 6 {
		f.submit(tenant("a"))
	}
	start := time.Now()
	for range 6 {
		jobs, err := f.Claim(f.ctx, w, 1, 5*time.Second)
		require.NoError(f.t, err)
		require.Len(f.t, jobs, 1)
	}
	require.Greater(f.t, time.Since(start), 150*time.Millisecond, "a burst of two, then twenty per second")
	for field, bad := range map[string]queue.Limits{
		"type.running":      {Type: queue.Limit{Running: -1}},
		"each_tenant.rate":  {EachTenant: queue.Limit{Rate: -1}},
		"each_tenant.burst": {EachTenant: queue.Limit{Burst: 1}},
		`tenants[""].x`:     {Tenants: map[string]queue.Limit{"": {}}},
	} {
		var invalid *queue.InvalidError
		require.ErrorAs(f.t, f.SetLimits(f.ctx, "simulation", bad), &invalid, field)
	}
}

func fairShare(f *fixture) {
	w := f.register("m1")
	f.submit(tenant("early"))
	require.NoError(f.t, f.SetLimits(f.ctx, "simulation", queue.Limits{Fair: true}))
	for range 20 {
		f.submit(tenant("a"))
	}
	for range 3 {
		f.submit(tenant("b"))
	}
	f.submit(func(s *queue.Submission) { s.Tenant, s.Priority = "b", priority(90) })
	var order []string
	for range 8 {
		order = append(order, f.mustClaim(w).Job.Tenant)
	}
	require.Equal(f.t, []string{"b", "early", "a", "b", "a", "b", "a", "b"}, order)
	late := f.submit(tenant("c"))
	require.Equal(f.t, late.ID, func() string {
		for range 3 {
			if c := f.mustClaim(w); c.Job.Tenant == "c" {
				return c.Job.ID
			}
		}
		return ""
	}(), "a tenant who comes late isn't behind all the others")
}

func batch(f *fixture) {
	w := f.register("m1", "gpu")
	var all []queue.Submission
	for i := range 250 {
		all = append(all, queue.Submission{Type: "simulation", Capabilities: []string{"gpu"}, Metadata: map[string]string{"n": fmt.Sprint(i)}})
	}
	all = append(all, queue.Submission{Type: "other"})
	jobs, err := f.SubmitBatch(f.ctx, all)
	require.NoError(f.t, err)
	require.Len(f.t, jobs, 251)
	require.Equal(f.t, "other", jobs[250].Type)
	got, err := f.Claim(f.ctx, w, 250, 0)
	require.NoError(f.t, err)
	for i, c := range got {
		require.Equal(f.t, jobs[i].ID, c.Job.ID)
		require.Equal(f.t, fmt.Sprint(i), c.Job.Metadata["n"])
	}
	all[3].Capabilities = []string{"gpu", "?"}
	_, err = f.SubmitBatch(f.ctx, all)
	var invalid *queue.InvalidError
	require.ErrorAs(f.t, err, &invalid)
	require.Equal(f.t, "jobs[3].capabilities[1]", invalid.Field)
}

func turn(f *fixture) {
	w := f.register("m1")
	for range 3 {
		f.submit(nil)
	}
	jobs, errs, err := f.Turn(f.ctx, w, nil, 2)
	require.NoError(f.t, err)
	require.Empty(f.t, errs)
	require.Len(f.t, jobs, 2)
	stale := jobs[1].Lease
	stale.Fence = 9
	more, errs, err := f.Turn(f.ctx, w, []queue.Ending{
		{Lease: jobs[0].Lease, Result: &queue.Result{}},
		{Lease: stale, Result: &queue.Result{}},
		{Lease: jobs[1].Lease, Failure: &queue.Failure{Code: "x"}},
	}, 2)
	require.NoError(f.t, err)
	require.Len(f.t, more, 1)
	require.NoError(f.t, errs[0])
	require.ErrorIs(f.t, errs[1], queue.ErrStale)
	require.NoError(f.t, errs[2])
	_, errs, err = f.Turn(f.ctx, w, []queue.Ending{{Lease: more[0].Lease, Release: "bye"}}, 0)
	require.NoError(f.t, err)
	require.NoError(f.t, errs[0])
	require.Equal(f.t, queue.Waiting, f.get(more[0].Job.ID).State)
}

// durable checks durable submissions: if Redis can't confirm them, they are rejected and nothing is stored.
func durable(f *fixture) {
	j, err := f.Submit(f.ctx, queue.Submission{Type: "simulation", Durable: true})
	if err == nil {
		require.Equal(f.t, queue.Waiting, j.State)
		return
	}
	var invalid *queue.InvalidError
	require.ErrorAs(f.t, err, &invalid)
	require.Equal(f.t, "durable", invalid.Field)
	jobs, _, err := f.List(f.ctx, queue.ListFilter{})
	require.NoError(f.t, err)
	require.Empty(f.t, jobs)
}

func retention(f *fixture) {
	w := f.register("m1")
	var ids []string
	for range 8 {
		j := f.submit(func(s *queue.Submission) { s.IdempotencyKey = fmt.Sprint(len(ids)) })
		c := f.mustClaim(w)
		require.NoError(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}))
		ids = append(ids, j.ID)
	}
	waiting := f.submit(nil)
	f.reapUntil("all but the last five are forgotten", func() bool {
		jobs, _, err := f.List(f.ctx, queue.ListFilter{State: queue.Completed})
		require.NoError(f.t, err)
		return len(jobs) <= 5
	})
	_, err := f.Get(f.ctx, ids[0])
	require.ErrorIs(f.t, err, queue.ErrNotFound)
	require.Equal(f.t, queue.Waiting, f.get(waiting.ID).State)
	again := f.submit(func(s *queue.Submission) { s.IdempotencyKey = "0" })
	require.False(f.t, slices.Contains(ids, again.ID), "a forgotten key is new again")
}

func classCap(f *fixture) {
	for i := range 50 {
		f.submit(func(s *queue.Submission) { s.Capabilities = []string{fmt.Sprintf("user%d", i)} })
	}
	_, err := f.Submit(f.ctx, queue.Submission{Type: "simulation", Capabilities: []string{"onemore"}})
	var invalid *queue.InvalidError
	require.ErrorAs(f.t, err, &invalid)
	require.Contains(f.t, invalid.Problem, "has 50 distinct requirements already")
	f.submit(func(s *queue.Submission) { s.Capabilities = []string{"user7"} })
	jobs, _, err := f.List(f.ctx, queue.ListFilter{Limit: 100})
	require.NoError(f.t, err)
	for _, j := range jobs {
		_, err := f.Cancel(f.ctx, j.ID, "")
		require.NoError(f.t, err)
	}
	f.reapUntil("empty classes are collected", func() bool {
		_, err := f.Submit(f.ctx, queue.Submission{Type: "simulation", Capabilities: []string{"onemore"}})
		return err == nil
	})
	// A job whose class was collected keeps its requirements and can be requeued.
	got, err := f.Requeue(f.ctx, jobs[len(jobs)-1].ID)
	require.NoError(f.t, err)
	require.Equal(f.t, jobs[len(jobs)-1].Requirements, got.Requirements)
	w := f.register("m1", got.Requirements.Flags...)
	require.Equal(f.t, got.ID, f.mustClaim(w).Job.ID)
}
