package dispatcher_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

var outage = flag.Duration("outage", 2*time.Second, "how long Redis is away in TestRedisGoesAwayUnderLoad")

// load submits jobs one after the other, each until it is accepted, and runs them.
type load struct {
	url    string
	queue  *queue.Client
	client *http.Client

	taken      atomic.Int64 // answered with 201
	done       atomic.Int64
	refused    atomic.Int64              // answered with 503
	slowest    atomic.Int64              // ns until an answer
	afterwards atomic.Pointer[time.Time] // of the first 201 after up was set
	up         atomic.Bool

	mu  sync.Mutex
	odd []string // answers that must not occur
	ids map[string]bool
}

// submit sends one job until it is accepted.
func (l *load) submit(ctx context.Context, key string) {
	body := fmt.Appendf(nil, `{"type": "simulation", "idempotency_key": %q, "max_attempts": 5}`, key)
	for ctx.Err() == nil {
		began := time.Now()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+"/v1/jobs", bytes.NewReader(body))
		if err != nil {
			l.strange(err.Error())
			return
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Authorization", "Bearer "+adminToken)
		resp, err := l.client.Do(req)
		if err != nil {
			if ctx.Err() == nil {
				l.strange(err.Error())
			}
			return
		}
		var answer struct {
			ID string `json:"id"`
		}
		err = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		took := int64(time.Since(began))
		for old := l.slowest.Load(); took > old && !l.slowest.CompareAndSwap(old, took); old = l.slowest.Load() {
		}
		switch {
		case resp.StatusCode < 300 && err == nil:
			l.taken.Add(1)
			l.mu.Lock()
			l.ids[answer.ID] = true
			l.mu.Unlock()
			if now := time.Now(); l.up.Load() {
				l.afterwards.CompareAndSwap(nil, &now)
			}
			return
		case resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "":
			l.refused.Add(1)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		default:
			l.strange(resp.Status)
			return
		}
	}
}

func (l *load) strange(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.odd = append(l.odd, what)
}

// work runs one worker.
func (l *load) work(ctx context.Context, machine string) {
	w := queue.WorkerInfo{Machine: machine, Name: "w", Offer: capability.Offer{Type: "simulation"}}
	var next time.Time
	for ctx.Err() == nil {
		if time.Now().After(next) {
			_, err := l.queue.Heartbeat(ctx, machine, nil)
			if errors.Join(err, l.queue.Register(ctx, w)) == nil {
				next = time.Now().Add(500 * time.Millisecond)
			}
		}
		list, err := l.queue.Claim(ctx, w, 1, 200*time.Millisecond)
		if err != nil {
			select {
			case <-ctx.Done():
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		for _, c := range list {
			l.complete(ctx, c.Lease)
		}
	}
}

func (l *load) complete(ctx context.Context, lease queue.Lease) {
	for ctx.Err() == nil {
		err := l.queue.Complete(ctx, lease, queue.Result{})
		switch {
		case err == nil:
			l.done.Add(1)
			return
		case !errors.Is(err, queue.ErrUnavailable):
			return // another agent has it by now
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Redis is killed under load and comes back. Meanwhile every request gets a quick 503 with Retry-After, and
// afterwards everything that was accepted is done once, including the jobs of a machine that died meanwhile.
func TestRedisGoesAwayUnderLoad(t *testing.T) {
	t.Parallel()
	redis := queuetest.StartRedis(t)
	q, err := queue.Open(t.Context(), queue.Options{URL: redis.URL, Lease: 3 * time.Second})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	url, _ := run(t, dispatcher.Options{Redis: redis.URL, NomadAddr: "http://127.0.0.1:1", Interval: 200 * time.Millisecond, Reap: 200 * time.Millisecond, Lease: 3 * time.Second})
	require.Eventually(t, func() bool { status, _ := call(t, "GET", url+"/readyz", nil); return status == http.StatusOK }, time.Minute, 20*time.Millisecond)
	l := &load{url: url, queue: q, client: &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}, ids: map[string]bool{}}
	t.Cleanup(l.client.CloseIdleConnections)

	// A machine that claims a job and disappears.
	_, out := call(t, "POST", url+"/v1/jobs", map[string]any{"type": "simulation"})
	gone := queue.WorkerInfo{Machine: "gone", Name: "w", Offer: capability.Offer{Type: "simulation"}}
	require.NoError(t, q.Register(t.Context(), gone))
	list, err := q.Claim(t.Context(), gone, 1, time.Second)
	require.NoError(t, err)
	require.Len(t, list, 1)

	workers, stopWorkers := context.WithCancel(context.Background())
	submitters, stopSubmitters := context.WithCancel(context.Background())
	var working, submitting sync.WaitGroup
	for i := range 3 {
		working.Go(func() { l.work(workers, fmt.Sprint("m", i)) })
		submitting.Go(func() {
			for n := 0; submitters.Err() == nil; n++ {
				l.submit(workers, fmt.Sprintf("%d-%d", i, n))
			}
		})
	}
	t.Cleanup(func() { stopSubmitters(); stopWorkers(); submitting.Wait(); working.Wait() })
	require.Eventually(t, func() bool { return l.done.Load() > 200 }, time.Minute, 10*time.Millisecond)

	before := l.taken.Load()
	redis.Kill()
	killed := time.Now()
	for time.Since(killed) < *outage {
		status, out := call(t, "GET", url+"/readyz", nil)
		require.Equal(t, http.StatusServiceUnavailable, status)
		require.Equal(t, false, out["ready"])
		status, _ = call(t, "GET", url+"/v1/jobs", nil)
		require.Equal(t, http.StatusServiceUnavailable, status)
	}
	require.Positive(t, l.refused.Load())
	redis.Start()
	back := time.Now()
	l.up.Store(true)
	require.Eventually(t, func() bool { status, _ := call(t, "GET", url+"/readyz", nil); return status == http.StatusOK }, time.Minute, 10*time.Millisecond)
	ready := time.Since(back)
	require.Eventually(t, func() bool { return l.afterwards.Load() != nil }, time.Minute, 10*time.Millisecond, "nothing is taken in")
	stopSubmitters()
	submitting.Wait() // each ends with the job it is at
	want := l.taken.Load() + 1
	require.Eventually(t, func() bool {
		_, out := call(t, "GET", url+"/v1/jobs?state=waiting&limit=1", nil)
		_, running := call(t, "GET", url+"/v1/jobs?state=running&limit=1", nil)
		_, delayed := call(t, "GET", url+"/v1/jobs?state=delayed&limit=1", nil)
		return len(out["jobs"].([]any))+len(running["jobs"].([]any))+len(delayed["jobs"].([]any)) == 0
	}, time.Minute, 50*time.Millisecond, "jobs are left over")
	l.mu.Lock()
	defer l.mu.Unlock()
	require.Empty(t, l.odd)
	l.ids[out["id"].(string)] = true
	require.Len(t, l.ids, int(want), "each was accepted once")
	for id := range l.ids {
		job, err := q.Get(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, queue.Completed, job.State, "%+v", job)
	}
	t.Logf("Redis away %s: %d jobs before, %d in all, all completed; %d answers 503, slowest answer %s; ready %s and first job %s after it was up",
		*outage, before, want, l.refused.Load(), time.Duration(l.slowest.Load()), ready, l.afterwards.Load().Sub(back))
}
