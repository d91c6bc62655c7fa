package queuetest

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
)

// manyAudiences checks the order with more audiences than a claim reads, and interleaved jobs.
func manyAudiences(f *fixture) {
	const audiences = 20
	var strongest queue.WorkerInfo
	for i := range audiences {
		o := capability.Offer{Type: "simulation", Attrs: map[string]any{"gpu.memory": fmt.Sprintf("%dGiB", i+1)}}
		strongest = worker(fmt.Sprint("m", i), 0, o)
		require.NoError(f.t, f.Register(f.ctx, strongest))
	}
	want := map[int][]string{}
	for i := range 2 * audiences {
		j := f.submit(func(s *queue.Submission) {
			s.Requires = map[string]any{"gpu.memory": fmt.Sprintf(">=%dGiB", i*7%audiences+1)}
			s.Priority = priority(i % 2)
		})
		want[i%2] = append(want[i%2], j.ID)
	}
	var got []string
	for {
		jobs, err := f.Claim(f.ctx, strongest, 9, 0)
		require.NoError(f.t, err)
		if len(jobs) == 0 {
			break
		}
		for _, j := range jobs {
			got = append(got, j.Job.ID)
		}
	}
	require.Equal(f.t, append(want[1], want[0]...), got)
}

// workersAtOnce checks that many workers of one process that complete and claim concurrently each get their own jobs
// and results.
func workersAtOnce(f *fixture) {
	const workers, each = 24, 8
	var all []queue.Submission
	for i := range workers * each {
		all = append(all, queue.Submission{Type: "simulation", Capabilities: []string{fmt.Sprintf("c%d", i%5)}, Tenant: []string{"", "a"}[i%2]})
	}
	_, err := f.SubmitBatch(f.ctx, all)
	require.NoError(f.t, err)
	var mu sync.Mutex
	owner := map[string]string{}
	var wg sync.WaitGroup
	for i := range workers {
		w := f.register(fmt.Sprint("m", i), "c0", "c1", "c2", "c3", "c4")
		wg.Go(func() {
			var held []queue.Ending
			for {
				jobs, verdicts, err := f.Turn(f.ctx, w, held, 1+i%2)
				if err != nil {
					f.t.Errorf("%s: %v", w.Machine, err)
					return
				}
				for k, verdict := range verdicts {
					if bad := k >= 1 && held[k].Lease.JobID == held[k-1].Lease.JobID; (verdict != nil) != bad {
						f.t.Errorf("%s: ending %d: %v", w.Machine, k, verdict)
					}
				}
				if len(jobs) == 0 {
					return
				}
				held = nil
				mu.Lock()
				for _, j := range jobs {
					if other, taken := owner[j.Job.ID]; taken || j.Lease.Machine != w.Machine || j.Job.Machine != w.Machine {
						f.t.Errorf("%s was given %s of %s", w.Machine, j.Job.ID, other)
					}
					owner[j.Job.ID] = w.Machine
					stale := j.Lease
					stale.Fence--
					held = append(held,
						queue.Ending{Lease: j.Lease, Result: &queue.Result{Data: json.RawMessage(fmt.Sprintf("%q", w.Machine))}},
						queue.Ending{Lease: stale, Result: &queue.Result{}})
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Len(f.t, owner, workers*each)
	for id, machine := range owner {
		j := f.get(id)
		require.Equal(f.t, queue.Completed, j.State)
		require.JSONEq(f.t, fmt.Sprintf("%q", machine), string(j.Result.Data))
	}
}

// submissionsAtOnce checks that rejected submissions don't affect concurrent ones, and that each gets its own answer.
func submissionsAtOnce(f *fixture) {
	const n = 120
	var wg sync.WaitGroup
	jobs, errs := make([]*queue.Job, n), make([]error, n)
	for i := range n {
		wg.Go(func() {
			s := queue.Submission{Type: "simulation", Parameters: json.RawMessage(fmt.Sprint(i)), Metadata: map[string]string{"n": fmt.Sprint(i)}}
			if i%2 == 1 { // more classes than allowed
				s.Capabilities = []string{fmt.Sprintf("c%d", i)}
			}
			jobs[i], errs[i] = f.Submit(f.ctx, s)
		})
	}
	wg.Wait()
	refused := 0
	for i := range n {
		var invalid *queue.InvalidError
		if i%2 == 1 && errs[i] != nil {
			require.ErrorAs(f.t, errs[i], &invalid)
			require.Equal(f.t, "requires", invalid.Field)
			refused++
			continue
		}
		require.NoError(f.t, errs[i])
		require.Equal(f.t, fmt.Sprint(i), f.get(jobs[i].ID).Metadata["n"])
		require.Equal(f.t, fmt.Sprint(i), string(f.get(jobs[i].ID).Parameters))
	}
	require.Positive(f.t, refused, "of 61 classes only 50 may be")
}
