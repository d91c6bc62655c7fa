package queuetest

import (
	"context"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

const hookURL = "https://Example.com:444/hook?a=b"

func withHook(s *queue.Submission) { s.Webhook, s.MaxAttempts, s.Tenant = hookURL, 1, "t" }

// taken files and takes all deliveries that are due, for longer than the case lasts.
func (f *fixture) taken() []queue.HeldDelivery {
	_, err := f.FileEnds(f.ctx, 1000)
	require.NoError(f.t, err)
	hosts, err := f.DueHosts(f.ctx, 10)
	require.NoError(f.t, err)
	var out []queue.HeldDelivery
	for _, at := range hosts {
		require.Equal(f.t, queue.HookHost{Type: "simulation", Host: "example.com:444"}, at)
		got, err := f.TakeDeliveries(f.ctx, at, 100, time.Minute)
		require.NoError(f.t, err)
		out = append(out, got...)
	}
	return out
}

// webhookEnds checks that each way in which a job ends is announced in the same step, with what describes it.
func webhookEnds(f *fixture) {
	w := f.register("m1")
	soon := func(s *queue.Submission) {
		withHook(s)
		at := time.Now().Add(50 * time.Millisecond)
		s.Deadline, s.Capabilities = &at, []string{"none"}
	}
	failure := queue.Failure{Code: "x", Message: "x"}
	ends := map[string]queue.State{}
	note := func(j *queue.Job, state queue.State) { ends[j.ID] = state }
	finish := func(state queue.State, end func(queue.Lease) error) {
		j := f.submit(withHook)
		require.NoError(f.t, end(f.mustClaim(w).Lease))
		note(j, state)
	}
	finish(queue.Completed, func(l queue.Lease) error { return f.Complete(f.ctx, l, queue.Result{}) })
	finish(queue.Failed, func(l queue.Lease) error { return f.Fail(f.ctx, l, failure) })
	retriable := failure
	retriable.Retriable = true
	finish(queue.Dead, func(l queue.Lease) error { return f.Fail(f.ctx, l, retriable) })
	finish(queue.Cancelled, func(l queue.Lease) error { _, err := f.Cancel(f.ctx, l.JobID, "x"); return err })
	waiting := f.submit(withHook)
	_, err := f.Cancel(f.ctx, waiting.ID, "x")
	require.NoError(f.t, err)
	note(waiting, queue.Cancelled)
	silent := f.submit(nil) // nobody wants to know
	require.NoError(f.t, f.Complete(f.ctx, f.mustClaim(w).Lease, queue.Result{}))

	check := func(taken []queue.HeldDelivery) {
		got := map[string]queue.State{}
		for _, d := range taken {
			got[d.JobID] = d.State
			job := f.get(d.JobID)
			require.Equal(f.t, hookURL, d.URL)
			require.Equal(f.t, "t", d.Tenant)
			require.Equal(f.t, job.Class, d.Class)
			require.Equal(f.t, *job.EndedAt, d.At)
			require.True(f.t, strings.HasPrefix(d.Event, d.JobID+"-"))
			require.NotContains(f.t, d.Event, ".", "the signed text has dots between its parts")
		}
		require.Equal(f.t, ends, got)
	}
	check(f.taken())
	require.Empty(f.t, f.taken(), "they are held")
	got, err := f.Deliveries(f.ctx, silent.ID)
	require.NoError(f.t, err)
	require.Empty(f.t, got)

	clear(ends)
	late := f.submit(soon)
	f.reapUntil("the deadline passes", func() bool { return f.get(late.ID).State == queue.Dead })
	note(late, queue.Dead)
	check(f.taken())
}

// webhookLife checks the life of one delivery: attempts, giving up, its event, and another request for it.
func webhookLife(f *fixture) {
	watch, err := f.Watch(f.ctx)
	require.NoError(f.t, err)
	j := f.submit(withHook)
	_, err = f.Cancel(f.ctx, j.ID, "x")
	require.NoError(f.t, err)
	attempt := func(d queue.HeldDelivery, problem string, o queue.Outcome) {
		require.NoError(f.t, f.RecordDelivery(f.ctx, d, &queue.DeliveryAttempt{At: time.Now(), Status: 500, Problem: problem}, o))
	}
	first := f.taken()
	require.Len(f.t, first, 1)
	attempt(first[0], "down", queue.Outcome{After: time.Hour})
	require.ErrorIs(f.t, f.RecordDelivery(f.ctx, first[0], nil, queue.Outcome{}), queue.ErrStale)
	require.Empty(f.t, f.taken(), "it is due in an hour")
	got, err := f.Deliveries(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Len(f.t, got, 1)
	require.Equal(f.t, queue.DeliveryPending, got[0].Status)
	require.Equal(f.t, 1, got[0].Attempts)
	require.Equal(f.t, "down", got[0].History[0].Problem)
	require.WithinDuration(f.t, time.Now().Add(time.Hour), *got[0].NextAt, time.Minute)

	_, err = f.Requeue(f.ctx, j.ID)
	require.NoError(f.t, err)
	_, err = f.Cancel(f.ctx, j.ID, "x")
	require.NoError(f.t, err)
	require.Empty(f.t, f.taken(), "the job's second end waits for its first")

	_, err = f.Redeliver(f.ctx, got[0].Event)
	require.NoError(f.t, err)
	again := f.taken()
	require.Len(f.t, again, 1)
	require.Equal(f.t, first[0].Event, again[0].Event)
	require.Zero(f.t, again[0].Delivery.Attempts)
	_, err = f.Redeliver(f.ctx, got[0].Event)
	var invalid *queue.InvalidError
	require.ErrorAs(f.t, err, &invalid, "an attempt is under way")
	attempt(again[0], "still down", queue.Outcome{GivenUp: "ten attempts failed"})
	f.event(watch, "webhook_given_up", j.ID)

	second := f.taken()
	require.Len(f.t, second, 1)
	require.NotEqual(f.t, first[0].Event, second[0].Event)
	attempt(second[0], "", queue.Outcome{})
	got, err = f.Deliveries(f.ctx, j.ID)
	require.NoError(f.t, err)
	require.Len(f.t, got, 2)
	require.Equal(f.t, queue.DeliveryGivenUp, got[0].Status)
	require.Len(f.t, got[0].History, 2)
	require.Equal(f.t, queue.Delivered, got[1].Status)

	given, err := f.GivenUpDeliveries(f.ctx, 10)
	require.NoError(f.t, err)
	require.Len(f.t, given, 1)
	require.Equal(f.t, got[0], given[0])
	for range 6 { // more jobs than are kept
		other := f.submit(nil)
		_, err = f.Cancel(f.ctx, other.ID, "x")
		require.NoError(f.t, err)
	}
	f.reapUntil("the job is deleted", func() bool { _, err := f.Get(f.ctx, j.ID); return err != nil })
	_, err = f.Deliveries(f.ctx, j.ID)
	require.ErrorIs(f.t, err, queue.ErrNotFound)
	_, err = f.Redeliver(f.ctx, got[1].Event)
	require.ErrorIs(f.t, err, queue.ErrNotFound)
	_, err = f.Redeliver(f.ctx, given[0].Event)
	require.NoError(f.t, err, "the list outlives the job")
	again = f.taken()
	require.Len(f.t, again, 1)
	require.Equal(f.t, first[0].JobEnd, again[0].JobEnd)
	attempt(again[0], "", queue.Outcome{})
	given, err = f.GivenUpDeliveries(f.ctx, 10)
	require.NoError(f.t, err)
	require.Empty(f.t, given)
	_, err = f.Deliveries(f.ctx, j.ID)
	require.ErrorIs(f.t, err, queue.ErrNotFound, "nothing is left of it")
}

// event waits for a job's event of a kind.
func (f *fixture) event(watch <-chan queue.Event, kind, id string) {
	for {
		select {
		case e := <-watch:
			if e.Kind == kind && e.JobID == id {
				require.Contains(f.t, e.Error.Message, "ten attempts failed")
				return
			}
		case <-f.ctx.Done():
			require.NoError(f.t, context.Cause(f.ctx), "waiting for %s", kind)
		}
	}
}

// webhookSetup checks secrets and disabled endpoints.
func webhookSetup(f *fixture) {
	now := time.Now().UTC().Truncate(time.Second)
	for i, id := range []string{"b", "a"} {
		require.NoError(f.t, f.PutWebhookSecret(f.ctx, queue.WebhookSecret{ID: id, Tenant: "t", Secret: "whsec_" + id, CreatedAt: now.Add(time.Duration(i) * time.Second)}))
	}
	all, err := f.WebhookSecrets(f.ctx)
	require.NoError(f.t, err)
	require.Len(f.t, all, 2)
	require.Equal(f.t, "whsec_b", all[0].Secret)
	require.NoError(f.t, f.DeleteWebhookSecret(f.ctx, "b"))
	require.ErrorIs(f.t, f.DeleteWebhookSecret(f.ctx, "b"), queue.ErrNotFound)

	require.NoError(f.t, f.DisableEndpoint(f.ctx, "https://example.com/a"))
	for url, want := range map[string]bool{"https://example.com/a": true, "https://example.com/b": false} {
		got, err := f.EndpointDisabled(f.ctx, url)
		require.NoError(f.t, err)
		require.Equal(f.t, want, got, url)
	}
	off, err := f.DisabledEndpoints(f.ctx)
	require.NoError(f.t, err)
	require.Len(f.t, off, 1)
	require.WithinDuration(f.t, time.Now(), off[0].Since, time.Minute)
	require.NoError(f.t, f.EnableEndpoint(f.ctx, "https://example.com/a"))
	require.ErrorIs(f.t, f.EnableEndpoint(f.ctx, "https://example.com/a"), queue.ErrNotFound)
}
