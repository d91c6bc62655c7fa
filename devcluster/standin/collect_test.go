package standin

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
)

// TestStateIsBounded: a group whose allocations keep ending leaves a bounded number of them, and none for long.
func TestStateIsBounded(t *testing.T) {
	s := newTestStore(t, 0)
	clock := time.Now()
	s.now = func() time.Time { return clock }
	s.mustRegister(testJob("j", testGroup("g", 1)))
	for range keptAtMost + 50 {
		s.end(s.held()["j.g[0]"].ID, api.AllocClientStatusComplete)
	}
	require.Greater(t, len(s.allocs), keptAtMost)
	require.Len(t, s.collect(), 50)
	require.Len(t, s.allocs, keptAtMost+1, "the ended ones, and the one that lives")
	require.Len(t, s.evals, keptAtMost)
	require.Empty(t, s.collect(), "the others are young")
	clock = clock.Add(keptFor + time.Second)
	require.Len(t, s.collect(), keptAtMost)
	require.NotNil(t, s.held()["j.g[0]"])
	require.NotNil(t, s.jobs[jobKey{"default", "j"}])

	s.mustWrite(func(tx *txn) { tx.deregister(jobKey{"default", "j"}, false) })
	s.end(s.held()["j.g[0]"].ID, api.AllocClientStatusComplete)
	clock = clock.Add(keptFor + time.Second)
	s.collect()
	require.Empty(t, s.allocs)
	require.Empty(t, s.evals)
	require.Empty(t, s.jobs)
}

// TestPlaceIsKept: an allocation that failed for good is not removed while it holds its place, or another would be
// created.
func TestPlaceIsKept(t *testing.T) {
	s := newTestStore(t, 0)
	clock := time.Now()
	s.now = func() time.Time { return clock }
	g := testGroup("g", 1)
	g.ReschedulePolicy = &api.ReschedulePolicy{Attempts: ptr(0), Unlimited: ptr(false)}
	s.mustRegister(testJob("j", g))
	id := s.held()["j.g[0]"].ID
	s.end(id, api.AllocClientStatusFailed)
	clock = clock.Add(2 * keptFor)
	require.Empty(t, s.collect())
	require.NotNil(t, s.allocs[id])
	require.Empty(t, s.held())
}

func TestTimersFireOnceAndAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var fired atomic.Int64
		timers := newTimers(func(jobKey) { fired.Add(1) })
		k := jobKey{"default", "j"}
		timers.at(k, time.Now().Add(time.Second))
		timers.at(k, time.Now().Add(time.Minute)) // replaces the first
		time.Sleep(2 * time.Second)
		synctest.Wait()
		require.Zero(t, fired.Load())
		time.Sleep(time.Minute)
		synctest.Wait()
		require.Equal(t, int64(1), fired.Load())
		require.Empty(t, timers.byJob)
		timers.at(k, time.Now().Add(time.Second))
		timers.stop()
		time.Sleep(time.Minute)
		require.Equal(t, int64(1), fired.Load())
	})
}

func TestTokensAreOnePerTask(t *testing.T) {
	tok := newTokens()
	a := &api.Allocation{ID: "a"}
	first := tok.issue(a, "agent")
	require.Equal(t, first, tok.issue(a, "agent"), "a restarted task")
	require.NotEqual(t, first, tok.issue(a, "other"))
	require.True(t, tok.known(first))
	tok.revoke("a")
	require.False(t, tok.known(first))
	require.Empty(t, tok.valid)
}

func TestLogsRotate(t *testing.T) {
	base := filepath.Join(t.TempDir(), "[odd] name*", "main.stdout")
	require.NoError(t, os.MkdirAll(filepath.Dir(base), 0o755))
	r, err := openRotated(base, nil)
	require.NoError(t, err)
	r.limit, r.keep = 10, 2
	for _, line := range []string{"1234567\n", "2234567\n", "3234567\n", "4234567\n"} {
		n, err := r.Write([]byte(line))
		require.NoError(t, err)
		require.Equal(t, len(line), n)
	}
	require.NoError(t, r.Close())
	parts, err := logParts(base)
	require.NoError(t, err)
	require.Equal(t, []int{2, 3}, parts)
	var got strings.Builder
	l := logReader{base: base, flush: func() {}, write: func(_ int, _ int64, b []byte) error { got.Write(b); return nil }}
	require.NoError(t, l.seek(false, 0))
	_, err = l.copy()
	require.NoError(t, err)
	require.Equal(t, "3234567\n4234567\n", got.String())
	got.Reset()
	require.NoError(t, l.seek(true, 10))
	_, err = l.copy()
	require.NoError(t, err)
	require.Equal(t, "7\n4234567\n", got.String())
}
