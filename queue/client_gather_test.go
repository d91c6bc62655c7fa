package queue

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

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
			answer, err := gathered(ctx, g, "a", 1)
			return errors.Join(answer, err)
		}
		var wg sync.WaitGroup
		for range 4 { // those in flight, and those that wait
			wg.Go(func() {
				if err := ask(t.Context()); !errors.Is(err, ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("no answer: %v", err)
				}
			})
			synctest.Wait()
		}
		wg.Go(func() { // a request without a deadline is gathered with one that has a deadline
			if answer, err := gathered(t.Context(), g, "a", 1); err != nil || !errors.Is(answer, ErrUnavailable) {
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
