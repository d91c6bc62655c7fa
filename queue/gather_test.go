package queue

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// carrier answers each request with itself, once it is released.
type carrier struct {
	mu    sync.Mutex
	calls [][]int
	gate  chan struct{}
}

func (c *carrier) carry(_ context.Context, _ string, requests []int) []int {
	c.mu.Lock()
	c.calls = append(c.calls, slices.Clone(requests))
	c.mu.Unlock()
	<-c.gate
	return requests
}

func TestGatherer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{gate: make(chan struct{})}
		g := newGatherer(4, func(int) int { return 1 }, c.carry)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range laneCalls + 6 {
			wg.Go(func() {
				got, err := g.do(t.Context(), "a", i)
				if err != nil || got != i {
					t.Errorf("request %d: %d, %v", i, got, err)
				}
			})
			synctest.Wait()
		}
		wg.Go(func() {
			if _, err := g.do(ctx, "a", 99); !errors.Is(err, context.Canceled) {
				t.Errorf("given up: %v", err)
			}
		})
		synctest.Wait()
		require.Equal(t, [][]int{{0}, {1}}, c.calls, "with few calls in flight a request goes immediately; the others have not gone")
		cancel()
		synctest.Wait()
		close(c.gate)
		wg.Wait()
		synctest.Wait()
		sizes, all := []int{}, []int{}
		for _, call := range c.calls {
			sizes, all = append(sizes, len(call)), append(all, call...)
		}
		slices.Sort(all)
		require.Equal(t, []int{0, 1, 2, 3, 4, 5, 6, 7}, all, "who gave up before it was sent isn't sent")
		require.ElementsMatch(t, []int{1, 1, 4, 2}, sizes)
		require.Empty(t, g.lanes)
	})
}

// TestGathererKeysApart: calls of one key don't wait for those of another.
func TestGathererKeysApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{gate: make(chan struct{})}
		g := newGatherer(4, func(int) int { return 1 }, c.carry)
		for i := range laneCalls {
			for _, key := range []string{"a", "b"} {
				go func() { _, _ = g.do(context.Background(), key, i) }()
			}
		}
		synctest.Wait()
		require.Len(t, c.calls, 2*laneCalls)
		close(c.gate)
		synctest.Wait()
		require.Empty(t, g.lanes)
	})
}

// TestLargeSubmissionsGoApart: gathered submissions are one call of the script, whatever their size.
func TestLargeSubmissionsGoApart(t *testing.T) {
	sized := func(n int) *checked { return &checked{Submission: Submission{Parameters: make([]byte, n)}} }
	require.Equal(t, 1, callShare(sized(0)))
	require.Equal(t, 1, callShare(sized(1000)))
	require.Equal(t, 51, callShare(sized(batchBytes/2)))
	require.Greater(t, callShare(sized(batchBytes)), batchChunk)
}

// TestNoAnswerIsUnavailable: without an answer, only a caller whose own context has ended gets its context's error.
func TestNoAnswerIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Client{}
		g := newGatherer(4, func(int) int { return 1 }, func(ctx context.Context, _ string, requests []int) []error {
			<-ctx.Done()
			return slices.Repeat([]error{c.wrap(ctx, ctx.Err())}, len(requests))
		})
		ask := func(parent context.Context) error {
			ctx, cancel := context.WithTimeoutCause(parent, turnTimeout, errNoAnswer)
			defer cancel()
			answer, err := g.do(ctx, "a", 1)
			return errors.Join(answer, err)
		}
		var wg sync.WaitGroup
		for range laneCalls + 2 { // those in flight, and those that wait
			wg.Go(func() {
				if err := ask(t.Context()); !errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("no answer: %v", err)
				}
			})
			synctest.Wait()
		}
		wg.Go(func() { // a request without a deadline is gathered with one that has a deadline
			if answer, err := g.do(t.Context(), "a", 1); err != nil || !errors.Is(answer, ErrUnavailable) {
				t.Errorf("no answer for several: %v, %v", answer, err)
			}
		})
		own, cancel := context.WithCancel(t.Context())
		wg.Go(func() {
			if err := ask(own); !errors.Is(err, context.Canceled) {
				t.Errorf("the caller's ending: %v", err)
			}
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}

// OnlyTurns keeps a client from using the quick script.
func (c *Client) OnlyTurns(jobTypes ...string) {
	for _, t := range jobTypes {
		c.slow.Store(t, time.Now().Add(time.Hour))
	}
}
