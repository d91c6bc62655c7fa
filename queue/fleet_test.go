package queue_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// TestFleetChangesWhileClaimsGoOn adds and removes machines with different offers while a thousand classes have waiting
// jobs and workers claim. Classes move in chunks, and every job is found by a worker that can run it.
func TestFleetChangesWhileClaimsGoOn(t *testing.T) {
	server := queuetest.StartRedis(t, "--appendfsync", "everysec")
	c := open(t, queue.Options{URL: server.URL, Poll: 50 * time.Millisecond})
	ctx := t.Context()
	const classes = 1000
	var batch []queue.Submission
	for i := range classes {
		batch = append(batch, queue.Submission{Type: "simulation", Requires: map[string]any{"slot": fmt.Sprintf("<=%d", i)}})
	}
	for range 2 {
		_, err := c.SubmitBatch(ctx, batch)
		require.NoError(t, err)
	}
	offer := func(slot int) queue.WorkerInfo {
		return queue.WorkerInfo{Machine: fmt.Sprint("m", slot), Name: "w", Offer: capability.Offer{Type: "simulation", Attrs: map[string]any{"slot": float64(slot)}}}
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	claimed := 0
	for i := range 3 {
		wg.Go(func() {
			own := open(t, queue.Options{URL: server.URL, Poll: 50 * time.Millisecond})
			w := offer(i * 400)
			for {
				jobs, err := own.Claim(ctx, w, 5, 300*time.Millisecond)
				if err != nil {
					t.Errorf("claim: %v", err)
					return
				}
				if len(jobs) == 0 {
					return
				}
				for _, j := range jobs {
					if m := j.Job.Requirements.Match(w.Offer); m != nil {
						t.Errorf("%s: %s", j.Job.ID, m)
					}
				}
				mu.Lock()
				claimed += len(jobs)
				mu.Unlock()
			}
		})
	}
	for i := range 4 {
		w := offer(100 + i*200)
		require.NoError(t, c.Register(ctx, w))
		require.NoError(t, c.Unregister(ctx, w.Machine, w.Name))
	}
	wg.Wait()
	require.Equal(t, 2*classes, claimed)
	all, err := c.Demand(ctx)
	require.NoError(t, err)
	require.Len(t, all, classes)
}
