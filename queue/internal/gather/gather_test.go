package gather

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

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

func (c *carrier) config() Config[int, int] {
	return Config[int, int]{Capacity: 4, Weight: func(int) int { return 1 }, Call: c.carry, Timeout: time.Minute}
}

func TestGatherer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &carrier{gate: make(chan struct{})}
		g := New(c.config())
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for i := range maxCalls + 6 {
			wg.Go(func() {
				got, err := g.Do(t.Context(), "a", i)
				if err != nil || got != i {
					t.Errorf("request %d: %d, %v", i, got, err)
				}
			})
			synctest.Wait()
		}
		wg.Go(func() {
			if _, err := g.Do(ctx, "a", 99); !errors.Is(err, context.Canceled) {
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
		g := New(c.config())
		for i := range maxCalls {
			for _, key := range []string{"a", "b"} {
				go func() { _, _ = g.Do(context.Background(), key, i) }()
			}
		}
		synctest.Wait()
		require.Len(t, c.calls, 2*maxCalls)
		close(c.gate)
		synctest.Wait()
		require.Empty(t, g.lanes)
	})
}
