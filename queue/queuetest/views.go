package queuetest

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
)

func demand(f *fixture) {
	w := f.register("m1", "gpu")
	for range 3 {
		f.submit(func(s *queue.Submission) { s.Capabilities = []string{"gpu"} })
	}
	f.submit(func(s *queue.Submission) { s.Capabilities, s.Priority = []string{"gpu"}, priority(1) })
	later := time.Now().Add(time.Hour)
	f.submit(func(s *queue.Submission) { s.Capabilities, s.NotBefore = []string{"gpu"}, &later })
	f.submit(func(s *queue.Submission) { s.Capabilities = []string{"none"} })
	done := f.mustClaim(w)
	require.NoError(f.t, f.Complete(f.ctx, done.Lease, queue.Result{}))
	f.mustClaim(w)
	var all []queue.ClassDemand
	require.Eventually(f.t, func() bool {
		var err error
		all, err = f.Demand(f.ctx)
		require.NoError(f.t, err)
		return len(all) == 2 && all[0].OldestAge > 0 && all[1].OldestAge > 0
	}, soon, 5*time.Millisecond)
	for _, d := range all {
		if d.Requirements.Flags[0] == "none" {
			require.EqualValues(f.t, 1, d.Waiting)
			require.Zero(f.t, d.Running+d.Delayed)
			require.Zero(f.t, d.ServiceMean)
			continue
		}
		require.EqualValues(f.t, 2, d.Waiting)
		require.EqualValues(f.t, 1, d.Running)
		require.EqualValues(f.t, 1, d.Delayed)
		require.Equal(f.t, done.Job.Class, d.Class)
		require.InDelta(f.t, 5.0/60, d.ArrivalRate, 0.01)
		require.Positive(f.t, d.ServiceMean)
		require.Positive(f.t, d.ServiceP90)
	}
}

func explain(f *fixture) {
	a := f.submit(nil)
	b := f.submit(nil)
	e, err := f.Explain(f.ctx, b.ID)
	require.NoError(f.t, err)
	require.EqualValues(f.t, 1, e.Position)
	require.Contains(f.t, e.Summary, "no worker of type simulation is alive")
	w := f.register("m1")
	e, err = f.Explain(f.ctx, b.ID)
	require.NoError(f.t, err)
	require.Equal(f.t, 1, e.Able)
	require.Contains(f.t, e.Summary, "1 jobs of its class before it")
	require.NoError(f.t, f.Drain(f.ctx, "m1", "x", time.Minute))
	e, err = f.Explain(f.ctx, a.ID)
	require.NoError(f.t, err)
	require.Equal(f.t, []queue.Refusal{{Reason: "its machine is draining", Workers: 1}}, e.Refusals)
	require.NoError(f.t, f.Undrain(f.ctx, "m1"))
	c := f.mustClaim(w)
	e, err = f.Explain(f.ctx, a.ID)
	require.NoError(f.t, err)
	require.Contains(f.t, e.Summary, "running on machine m1")
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "x", Message: "broke"}))
	e, err = f.Explain(f.ctx, a.ID)
	require.NoError(f.t, err)
	require.Equal(f.t, "ended: failed: broke", e.Summary)
	_, err = f.Explain(f.ctx, "simulation-none")
	require.ErrorIs(f.t, err, queue.ErrNotFound)
}

func events(f *fixture) {
	w := f.register("m1")
	watched, err := f.Watch(f.ctx)
	require.NoError(f.t, err)
	j := f.submit(nil)
	live, err := f.Events(f.ctx, j.ID, "")
	require.NoError(f.t, err)
	kinds := func(s *queue.EventStream) []string {
		var out []string
		for e := range s.C {
			require.Equal(f.t, j.ID, e.JobID)
			out = append(out, e.Kind)
		}
		require.NoError(f.t, s.Err())
		return out
	}
	require.Equal(f.t, "submitted", (<-live.C).Kind)
	c := f.mustClaim(w)
	require.Equal(f.t, "claimed", (<-live.C).Kind)
	require.NoError(f.t, f.Progress(f.ctx, c.Lease, queue.Progress{Value: 1, Max: 4}))
	e := <-live.C
	require.Equal(f.t, &queue.Progress{Value: 1, Max: 4}, e.Progress)
	require.NoError(f.t, f.Release(f.ctx, c.Lease, "bye"))
	c = f.mustClaim(w)
	require.NoError(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}))
	require.Equal(f.t, []string{"released", "claimed", "completed"}, kinds(live))

	past, err := f.Events(f.ctx, j.ID, "")
	require.NoError(f.t, err)
	require.Equal(f.t, []string{"submitted", "claimed", "released", "claimed", "completed"}, kinds(past))
	past, err = f.Events(f.ctx, j.ID, e.ID)
	require.NoError(f.t, err)
	require.Equal(f.t, []string{"released", "claimed", "completed"}, kinds(past))
	var seen []string
	for e := range watched {
		if seen = append(seen, e.Kind); e.State.Final() {
			break
		}
	}
	require.Equal(f.t, []string{"submitted", "claimed", "progress", "released", "claimed", "completed"}, seen)
}

func list(f *fixture) {
	w := f.register("m1")
	var ids []string
	for i := range 7 {
		ids = append([]string{f.submit(func(s *queue.Submission) { s.Tenant = []string{"a", "b"}[i%2] }).ID}, ids...)
	}
	read := func(filter queue.ListFilter) []string {
		var out []string
		for pages := 0; ; pages++ {
			require.Less(f.t, pages, 20)
			jobs, next, err := f.List(f.ctx, filter)
			require.NoError(f.t, err)
			for _, j := range jobs {
				out = append(out, j.ID)
			}
			if next == "" {
				return out
			}
			filter.Cursor = next
		}
	}
	require.ElementsMatch(f.t, ids, read(queue.ListFilter{}))
	require.ElementsMatch(f.t, ids, read(queue.ListFilter{Limit: 2}))
	require.ElementsMatch(f.t, ids, read(queue.ListFilter{Limit: 2, Type: "simulation"}))
	require.Len(f.t, read(queue.ListFilter{Tenant: "b", Limit: 1}), 3)
	c := f.mustClaim(w)
	require.Equal(f.t, []string{c.Job.ID}, read(queue.ListFilter{State: queue.Running}))
	require.Len(f.t, read(queue.ListFilter{State: queue.Waiting, Limit: 4}), 6)
	require.NoError(f.t, f.Fail(f.ctx, c.Lease, queue.Failure{Code: "x"}))
	require.Equal(f.t, []string{c.Job.ID}, read(queue.ListFilter{State: queue.Failed}))
	require.Empty(f.t, read(queue.ListFilter{State: queue.Dead}))
	for _, bad := range []queue.ListFilter{{Limit: 501}, {Limit: -1}, {Cursor: "x"}, {State: "odd"}, {Type: "No"}} {
		_, _, err := f.List(f.ctx, bad)
		var invalid *queue.InvalidError
		require.ErrorAs(f.t, err, &invalid)
	}
}

func machines(f *fixture) {
	reports, err := f.WatchMachines(f.ctx)
	require.NoError(f.t, err)
	require.NoError(f.t, f.ReportMachine(f.ctx, queue.Machine{ID: "m2", Pool: "b", State: queue.MachineReady}))
	require.NoError(f.t, f.ReportMachine(f.ctx, queue.Machine{ID: "m1", Pool: "a", State: queue.MachineStarting}))
	require.Equal(f.t, "m2", (<-reports).ID)
	all, err := f.Machines(f.ctx)
	require.NoError(f.t, err)
	require.Len(f.t, all, 2)
	require.Equal(f.t, "m1", all[0].ID)
	require.WithinDuration(f.t, time.Now(), all[0].At, time.Minute)
	require.NoError(f.t, f.RemoveMachine(f.ctx, "m1"))
	all, err = f.Machines(f.ctx)
	require.NoError(f.t, err)
	require.Len(f.t, all, 1)
}

func large(f *fixture) {
	w := f.register("m1")
	big := `{"x":"` + strings.Repeat("y", 200_000) + `"}`
	f.submit(func(s *queue.Submission) { s.Parameters = json.RawMessage(big) })
	c := f.mustClaim(w)
	require.JSONEq(f.t, big, string(c.Job.Parameters))
	var invalid *queue.InvalidError
	require.ErrorAs(f.t, f.Complete(f.ctx, c.Lease, queue.Result{Data: json.RawMessage(`"` + strings.Repeat("y", queue.MaxInlineResult) + `"`)}), &invalid)
	require.ErrorAs(f.t, f.Complete(f.ctx, c.Lease, queue.Result{Data: json.RawMessage(`{`)}), &invalid)
	require.NoError(f.t, f.Complete(f.ctx, c.Lease, queue.Result{}))
}

func badSubmissions(f *fixture) {
	past := time.Now().Add(-time.Hour)
	for field, change := range map[string]func(*queue.Submission){
		"type":                   func(s *queue.Submission) { s.Type = "No Good" },
		"priority":               func(s *queue.Submission) { s.Priority = priority(101) },
		"timeout":                func(s *queue.Submission) { s.Timeout = wiretime.Duration(-1) },
		"max_attempts":           func(s *queue.Submission) { s.MaxAttempts = -1 },
		"parameters":             func(s *queue.Submission) { s.Parameters = json.RawMessage(`"` + strings.Repeat("x", 1<<20) + `"`) },
		"capabilities[1]":        func(s *queue.Submission) { s.Capabilities = []string{"gpu", "a b"} },
		`requires["gpu.memory"]`: func(s *queue.Submission) { s.Requires = map[string]any{"gpu.memory": ">=24"} },
		"tenant":                 func(s *queue.Submission) { s.Tenant = "a\x00b" },
		"idempotency_key":        func(s *queue.Submission) { s.IdempotencyKey = "a\tb" },
		"webhook":                func(s *queue.Submission) { s.Webhook = "https://user:password@example.com/hook" },
		`metadata["k"]`:          func(s *queue.Submission) { s.Metadata = map[string]string{"k": "\x00"} },
		"deadline":               func(s *queue.Submission) { s.Deadline = &past },
	} {
		s := queue.Submission{Type: "simulation"}
		change(&s)
		_, err := f.Submit(f.ctx, s)
		var invalid *queue.InvalidError
		require.ErrorAs(f.t, err, &invalid, field)
		require.Equal(f.t, field, invalid.Field)
	}
	_, err := f.Submit(f.ctx, queue.Submission{Type: "simulation", Parameters: json.RawMessage(`{`)})
	require.Error(f.t, err)
	jobs, _, err := f.List(f.ctx, queue.ListFilter{})
	require.NoError(f.t, err)
	require.Empty(f.t, jobs)
}
