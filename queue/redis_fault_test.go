package queue_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

var outage = flag.Duration("outage", 100*time.Millisecond, "how long Redis is gone in TestRedisKilledAndRestarted, each of two times")

func simWorker(machine string) queue.WorkerInfo {
	return queue.WorkerInfo{Machine: machine, Name: "w", Offer: capability.Offer{Type: "simulation"}}
}

func fastOptions(url string) queue.Options {
	return queue.Options{URL: url, Lease: 400 * time.Millisecond, Backoff: 10 * time.Millisecond, Poll: 100 * time.Millisecond}
}

// untilDone repeats an operation while the queue is unreachable, as its users do. Any other error fails the test.
func untilDone(ctx context.Context, t *testing.T, what string, do func() error) {
	t.Helper()
	for {
		err := do()
		if err == nil || errors.Is(err, queue.ErrStale) || ctx.Err() != nil {
			return
		}
		if !errors.Is(err, queue.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
			return
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// workThrough runs workers, a reaper and a submitter, and calls disturb meanwhile, until all jobs are completed.
func workThrough(t *testing.T, url string, jobs int, disturb func(round int)) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute+2**outage)
	defer cancel()
	c := open(t, fastOptions(url))
	var completed atomic.Int64
	var wg sync.WaitGroup
	for _, m := range []string{"m1", "m2", "m3"} {
		wg.Go(func() {
			for ctx.Err() == nil {
				var got []queue.Claimed
				untilDone(ctx, t, "claim", func() (err error) {
					got, err = c.Claim(ctx, simWorker(m), 1, 50*time.Millisecond)
					if ctx.Err() != nil {
						return nil
					}
					return err
				})
				for _, j := range got {
					untilDone(ctx, t, "complete", func() error {
						err := c.Complete(ctx, j.Lease, queue.Result{})
						if err == nil {
							completed.Add(1)
						}
						return err
					})
				}
			}
		})
	}
	wg.Go(func() {
		for ctx.Err() == nil {
			_, _ = c.Reap(ctx, 100)
			_ = sleepFor(ctx, 20*time.Millisecond)
		}
	})
	wg.Go(func() {
		for range jobs {
			untilDone(ctx, t, "submit", func() error {
				_, err := c.Submit(ctx, queue.Submission{Type: "simulation"})
				return err
			})
		}
	})
	for round := range 2 {
		require.NoError(t, sleepFor(ctx, 150*time.Millisecond))
		disturb(round)
	}
	require.Eventually(t, func() bool {
		d, err := c.Demand(ctx)
		return err == nil && len(d) == 1 && d[0].Waiting+d[0].Running+d[0].Delayed == 0 && completed.Load() >= int64(jobs)
	}, time.Minute, 10*time.Millisecond)
	cancel()
	wg.Wait()
	all := open(t, fastOptions(url))
	seen := 0
	for cursor := ""; ; {
		page, next, err := all.List(t.Context(), queue.ListFilter{State: queue.Completed, Limit: 500, Cursor: cursor})
		require.NoError(t, err)
		for _, j := range page {
			seen++
			require.Equal(t, "completed", j.History[len(j.History)-1].Outcome)
		}
		if cursor = next; cursor == "" {
			break
		}
	}
	require.EqualValues(t, completed.Load(), seen, "every accepted completion is one completed job")
}

func sleepFor(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func TestRedisKilledAndRestarted(t *testing.T) {
	server := queuetest.StartRedis(t)
	workThrough(t, server.URL, 300, func(int) {
		server.Kill()
		require.NoError(t, sleepFor(t.Context(), *outage))
		server.Start()
	})
}

func TestSocketsClosed(t *testing.T) {
	server := queuetest.StartRedis(t)
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer func() { require.NoError(t, admin.Close()) }()
	workThrough(t, server.URL, 300, func(int) {
		require.NoError(t, admin.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err())
	})
}

// cutter is a proxy that can drop an answer: the command reaches Redis, but the answer doesn't reach the client.
type cutter struct {
	net.Listener
	target string
	cut    atomic.Int32 // how many answers to drop
	wg     sync.WaitGroup
}

func startCutter(t *testing.T, target string) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &cutter{Listener: l, target: target}
	p.wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			p.wg.Go(func() { p.serve(in) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		p.wg.Wait()
	})
	return p
}

func (p *cutter) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", p.target)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	both.Go(func() {
		_, _ = io.Copy(out, in)
		_ = out.Close()
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := out.Read(buf)
		if err != nil || p.cut.Load() > 0 && p.cut.Add(-1) >= 0 {
			break
		}
		if _, err := in.Write(buf[:n]); err != nil {
			break
		}
	}
	_ = in.Close()
	_ = out.Close()
	both.Wait()
}

func TestAnswersLost(t *testing.T) {
	server := queuetest.StartRedis(t)
	proxy := startCutter(t, server.Addr)
	o := fastOptions("redis://" + proxy.Addr().String())
	o.Lease = time.Minute // nothing here may depend on an expired lease
	c := open(t, o)
	ctx := t.Context()
	w := simWorker("m1")
	require.NoError(t, c.Register(ctx, w))

	proxy.cut.Store(1)
	j, err := c.Submit(ctx, queue.Submission{Type: "simulation"})
	require.NoError(t, err, "submitted again with the same id")
	jobs, _, err := c.List(ctx, queue.ListFilter{})
	require.NoError(t, err)
	require.Len(t, jobs, 1)

	proxy.cut.Store(1)
	got, err := c.Claim(ctx, w, 1, 0)
	require.NoError(t, err)
	require.Len(t, got, 1, "the same claim answered again")
	require.NoError(t, c.Release(ctx, got[0].Lease, "once more"))

	proxy.cut.Store(2)
	_, err = c.Claim(ctx, w, 1, 0)
	require.ErrorIs(t, err, queue.ErrUnavailable)
	proxy.cut.Store(0)
	got, err = c.Claim(ctx, w, 1, 0)
	require.NoError(t, err)
	require.Len(t, got, 1, "the next claim finds what the broken one took")
	require.Equal(t, j.ID, got[0].Job.ID)

	proxy.cut.Store(1)
	require.NoError(t, c.Complete(ctx, got[0].Lease, queue.Result{}))
	done, err := c.Get(ctx, j.ID)
	require.NoError(t, err)
	require.Equal(t, queue.Completed, done.State)
	require.Len(t, done.History, 2)
}

// The jobs of a worker's lost claim of one type aren't forgotten because of its claims of another type.
func TestLostClaimOfOneOfTwoTypes(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	proxy := startCutter(t, server.Addr)
	c := open(t, queue.Options{URL: "redis://" + proxy.Addr().String()})
	w, other := simWorker("m1"), simWorker("m1")
	other.Offer.Type = "other"
	for _, w := range []queue.WorkerInfo{w, other} {
		require.NoError(t, c.Register(t.Context(), w))
		_, err := c.Claim(t.Context(), w, 1, 0) // from here on Redis knows the scripts
		require.NoError(t, err)
	}
	j, err := c.Submit(t.Context(), queue.Submission{Type: "simulation"})
	require.NoError(t, err)
	proxy.cut.Store(2)
	_, err = c.Claim(t.Context(), w, 1, 0)
	require.ErrorIs(t, err, queue.ErrUnavailable)
	proxy.cut.Store(0)
	_, err = c.Claim(t.Context(), other, 1, 0)
	require.NoError(t, err)
	got, err := c.Claim(t.Context(), w, 1, 0)
	require.NoError(t, err)
	require.Len(t, got, 1)
	require.Equal(t, j.ID, got[0].Job.ID)
}

// A worker whose wait for a wake-up failed is in idle only until its next claim.
func TestBrokenWaitLeavesNobodyIdle(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	admin := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, admin.Close()) })
	c := open(t, queue.Options{URL: server.URL, Poll: time.Minute})
	w := simWorker("m1")
	require.NoError(t, c.Register(t.Context(), w))
	ended := make(chan error, 1)
	go func() {
		_, err := c.Claim(t.Context(), w, 1, time.Minute)
		ended <- err
	}()
	require.Eventually(t, func() bool {
		n, err := admin.Do(t.Context(), "CLIENT", "LIST", "TYPE", "normal").Text()
		return err == nil && strings.Contains(n, "cmd=blpop")
	}, 30*time.Second, time.Millisecond)
	require.NoError(t, admin.ClientKillByFilter(t.Context(), "TYPE", "normal", "SKIPME", "yes").Err())
	require.ErrorIs(t, <-ended, queue.ErrUnavailable)
	require.Equal(t, 1, c.Idle(t.Context(), "simulation"))
	got, err := c.Claim(t.Context(), w, 1, 0)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Zero(t, c.Idle(t.Context(), "simulation"))
}

// A worker that was registered as idle by a call whose answer was lost doesn't stay idle, or it would receive wake-ups
// in vain.
func TestLostAnswerOfBecomingIdle(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	proxy := startCutter(t, server.Addr)
	c := open(t, queue.Options{URL: "redis://" + proxy.Addr().String()})
	w := simWorker("m1")
	require.NoError(t, c.Register(t.Context(), w))
	_, err := c.Claim(t.Context(), w, 1, 0) // from here on Redis knows the scripts
	require.NoError(t, err)
	proxy.cut.Store(2)
	_, err = c.Claim(t.Context(), w, 1, time.Minute)
	require.ErrorIs(t, err, queue.ErrUnavailable)
	proxy.cut.Store(0)
	require.Equal(t, 1, c.Idle(t.Context(), "simulation"))
	got, err := c.Claim(t.Context(), w, 1, 0)
	require.NoError(t, err)
	require.Empty(t, got)
	require.Zero(t, c.Idle(t.Context(), "simulation"))
}

func TestOpenRefusesEviction(t *testing.T) {
	server := queuetest.StartRedis(t, "--maxmemory-policy", "allkeys-lru")
	_, err := queue.Open(t.Context(), queue.Options{URL: server.URL})
	require.ErrorContains(t, err, "CONFIG SET maxmemory-policy noeviction")
}

func TestOpenUnreachable(t *testing.T) {
	_, err := queue.Open(t.Context(), queue.Options{URL: "redis://127.0.0.1:1"})
	require.ErrorIs(t, err, queue.ErrUnavailable)
	_, err = queue.Open(t.Context(), queue.Options{URL: "redis://user:secret@host:port/x"})
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
	_, err = queue.Open(t.Context(), queue.Options{})
	require.ErrorContains(t, err, "URL is missing")
}

// TestAnswersOfGatheredCallsLost: calls for many workers repeatedly get no answer. When the workers ask again, they
// learn what the calls did. No job waits for its lease, and none is accepted twice.
func TestAnswersOfGatheredCallsLost(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	proxy := startCutter(t, server.Addr)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := open(t, queue.Options{URL: "redis://" + proxy.Addr().String(), PoolSize: 4, Lease: time.Minute})
	const workers, jobs = 24, 600
	var completed atomic.Int64
	var wg sync.WaitGroup
	for i := range workers {
		w := simWorker(fmt.Sprint("m", i))
		untilDone(ctx, t, "register", func() error { return c.Register(ctx, w) })
		wg.Go(func() {
			var held []queue.Ending
			for completed.Load() < jobs && ctx.Err() == nil {
				var got []queue.Claimed
				untilDone(ctx, t, "turn", func() error {
					next, verdicts, err := c.Turn(ctx, w, held, 1+i%3)
					if err != nil {
						return err
					}
					got = next
					completed.Add(int64(len(held)))
					if err := errors.Join(verdicts...); err != nil {
						t.Errorf("%s: %v", w.Machine, err)
					}
					return nil
				})
				held = nil
				for _, j := range got {
					held = append(held, queue.Ending{Lease: j.Lease, Result: &queue.Result{}})
				}
			}
		})
	}
	for i := range jobs / 20 {
		wg.Go(func() {
			for k := range 20 {
				untilDone(ctx, t, "submit", func() error {
					_, err := c.Submit(ctx, queue.Submission{Type: "simulation", IdempotencyKey: fmt.Sprint(i, "-", k)})
					return err
				})
			}
		})
	}
	wg.Go(func() {
		for completed.Load() < jobs && ctx.Err() == nil {
			proxy.cut.Store(1)
			_ = sleepFor(ctx, 2*time.Millisecond)
		}
		proxy.cut.Store(0)
	})
	wg.Wait()
	require.EqualValues(t, jobs, completed.Load())
	all, err := c.Demand(ctx)
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.Zero(t, all[0].Waiting+all[0].Running)
}
