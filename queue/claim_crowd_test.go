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

// TestOneSubmissionsTroubleIsItsOwn: a repeated submission whose existing job can't be read doesn't affect the
// submissions gathered with it.
func TestOneSubmissionsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	c := open(t, queue.Options{URL: server.URL})
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	repeated := queue.Submission{Type: "simulation", IdempotencyKey: "once"}
	lost, err := c.Submit(t.Context(), repeated)
	require.NoError(t, err)
	require.NoError(t, rdb.HSet(t.Context(), c.ShardKey("simulation", "jobs"), lost.ID, "nonsense").Err())

	large := queue.Submission{Type: "simulation", Parameters: json.RawMessage(`"` + strings.Repeat("x", 1<<19) + `"`)}
	jobs, err := c.SubmitBatch(t.Context(), []queue.Submission{large, repeated, large, large})
	require.ErrorContains(t, err, "the record of job")
	require.Len(t, jobs, 4)
	for i, job := range jobs {
		require.Equal(t, i == 1, job == nil, "job %d: only the repeated one is refused", i)
	}

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

// TestRefusedClassesHoldNobodyUp: submissions of existing classes don't wait until all those beyond the limit are
// rejected.
func TestRefusedClassesHoldNobodyUp(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	c := open(t, queue.Options{URL: server.URL, MaxClasses: 4})
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	_, err := c.Submit(t.Context(), queue.Submission{Type: "simulation"})
	require.NoError(t, err)
	require.NoError(t, rdb.ConfigResetStat(t.Context()).Err())
	var all []queue.Submission
	for i := range 50 {
		all = append(all, queue.Submission{Type: "simulation", Capabilities: []string{fmt.Sprint("c", i)}}, queue.Submission{Type: "simulation"})
	}
	all[99].Capabilities = []string{"c0"} // accepted together with the first of its class
	for i, err := range c.SubmitTogether(t.Context(), all) {
		var invalid *queue.InvalidError
		if i%2 == 1 || i < 6 {
			require.NoError(t, err)
		} else {
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, "requires", invalid.Field)
			require.ErrorContains(t, err, "requires: would be a new class of jobs, and type simulation has 4 distinct requirements already")
		}
	}
	stats, err := rdb.InfoMap(t.Context(), "commandstats").Result()
	require.NoError(t, err)
	calls := stats["Commandstats"]["cmdstat_evalsha"]
	require.Regexp(t, `^calls=1?\d,`, calls)
}

// TestCloseWhileManyWait: calls that are in flight or wait to be sent return immediately.
func TestCloseWhileManyWait(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	g := startGate(t, server.Addr)
	c, err := queue.Open(t.Context(), queue.Options{URL: "redis://" + g.Addr().String()})
	require.NoError(t, err)
	w := simWorker("m1")
	require.NoError(t, c.Register(t.Context(), w))
	_, err = c.Submit(t.Context(), queue.Submission{Type: "simulation"})
	require.NoError(t, err)
	g.hold("evalsha")
	ended := make(chan error)
	const each = 10
	for range each {
		go func() {
			_, err := c.Submit(t.Context(), queue.Submission{Type: "simulation"})
			ended <- err
		}()
		go func() {
			_, err := c.Claim(t.Context(), w, 1, time.Minute)
			ended <- err
		}()
	}
	<-g.reached
	require.NoError(t, c.Close())
	close(g.open)
	for range 2 * each {
		select {
		case err := <-ended:
			if err != nil { // else it was answered before
				require.ErrorIs(t, err, queue.ErrUnavailable)
			}
		case <-time.After(30 * time.Second):
			t.Fatal("a call still waits")
		}
	}
}

// TestManyInOneTurn claims and ends more jobs in one call than Lua can pass to one command.
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

// TestBrokenIndexLosesNoJob: a class head without a job, which should never exist, doesn't hide other classes.
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
