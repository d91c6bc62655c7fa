package queue_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// TestOneSubmissionsTroubleIsItsOwn: a submission is repeated whose job can't be read. Those that go with it don't hear of it.
func TestOneSubmissionsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	c := open(t, queue.Options{URL: server.URL})
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	repeated := queue.Submission{Type: "simulation", IdempotencyKey: "once"}
	lost, err := c.Submit(t.Context(), repeated)
	require.NoError(t, err)
	require.NoError(t, rdb.HDel(t.Context(), c.ShardKey("simulation", "jobs"), lost.ID).Err())

	large := queue.Submission{Type: "simulation", Parameters: json.RawMessage(`"` + strings.Repeat("x", 1<<19) + `"`)}
	jobs, err := c.SubmitBatch(t.Context(), []queue.Submission{large, repeated, large, large})
	require.ErrorIs(t, err, queue.ErrNotFound)
	require.Len(t, jobs, 3, "the others were taken in")

	var wg sync.WaitGroup
	for i := range 60 {
		wg.Go(func() {
			s := queue.Submission{Type: "simulation"}
			if i%10 == 5 {
				s = repeated
			}
			if _, err := c.Submit(t.Context(), s); (err != nil) != (i%10 == 5) {
				t.Errorf("submission %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

// TestManyInOneTurn claims and ends more at once than Lua can hand on to one command.
func TestManyInOneTurn(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	for name, only := range map[string]bool{"quick": false, "turn": true} {
		t.Run(name, func(t *testing.T) {
			c := open(t, queue.Options{URL: server.URL, Prefix: name, Lease: time.Minute})
			if only {
				c.OnlyTurns("simulation")
			}
			const n = 4100
			all := make([]queue.Submission, n)
			for i := range all {
				all[i].Type = "simulation"
			}
			_, err := c.SubmitBatch(t.Context(), all)
			require.NoError(t, err)
			w := simWorker("m1")
			require.NoError(t, c.Register(t.Context(), w))
			var done []queue.Ending
			for len(done) < n {
				jobs, err := c.Claim(t.Context(), w, n, 0)
				require.NoError(t, err)
				require.Len(t, jobs, queue.MaxClaim)
				for _, j := range jobs {
					done = append(done, queue.Ending{Lease: j.Lease, Result: &queue.Result{}})
				}
			}
			_, verdicts, err := c.Turn(t.Context(), w, done, 1)
			require.NoError(t, err)
			require.Len(t, verdicts, n)
			for _, v := range verdicts {
				require.NoError(t, v)
			}
			left, err := c.InFlight(t.Context(), "m1")
			require.NoError(t, err)
			require.Zero(t, left)
		})
	}
}

// TestBrokenIndexLosesNoJob: a class head without a job, which must not be, hides no other class.
func TestBrokenIndexLosesNoJob(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	w := queue.WorkerInfo{Machine: "m1", Name: "w", Offer: capability.Offer{Type: "simulation", Flags: []string{"a"}}}
	for broken := range 2 {
		c := open(t, queue.Options{URL: server.URL, Prefix: fmt.Sprint("q", broken)})
		require.NoError(t, c.Register(t.Context(), w))
		var all []queue.Submission
		for range 4 {
			all = append(all, queue.Submission{Type: "simulation"}, queue.Submission{Type: "simulation", Capabilities: []string{"a"}})
		}
		jobs, err := c.SubmitBatch(t.Context(), all)
		require.NoError(t, err)
		class := jobs[broken].Class
		require.NoError(t, rdb.ZRemRangeByLex(t.Context(), c.ShardKey("simulation", "waiting"), "["+class+":", "("+class+";").Err())
		seen := map[string]bool{}
		for {
			claimed, err := c.Claim(t.Context(), w, 3, 0)
			require.NoError(t, err)
			for _, j := range claimed {
				require.False(t, seen[j.Job.ID])
				seen[j.Job.ID] = true
			}
			if len(claimed) == 0 {
				break
			}
		}
		require.Len(t, seen, 4)
	}
}
