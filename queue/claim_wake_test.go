package queue_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// gate is a proxy that holds back the first command that contains a word, until it is opened.
type gate struct {
	net.Listener
	target  string
	mu      sync.Mutex
	word    []byte
	reached chan struct{} // closed when a command is held
	open    chan struct{} // closed to release it
	wg      sync.WaitGroup
}

func startGate(t *testing.T, target string) *gate {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	g := &gate{Listener: l, target: target}
	g.wg.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			g.wg.Go(func() { g.serve(in) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, l.Close())
		g.wg.Wait()
	})
	return g
}

// hold makes the gate hold the next command with the word in it.
func (g *gate) hold(word string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.word, g.reached, g.open = []byte(word), make(chan struct{}), make(chan struct{})
}

func (g *gate) pass(data []byte) {
	g.mu.Lock()
	held := g.word != nil && bytes.Contains(bytes.ToLower(data), g.word)
	if held {
		g.word = nil
		close(g.reached)
	}
	open := g.open
	g.mu.Unlock()
	if held {
		<-open
	}
}

func (g *gate) serve(in net.Conn) {
	defer func() { _ = in.Close() }()
	out, err := net.Dial("tcp", g.target)
	if err != nil {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(in, out)
		_ = in.Close()
	})
	buf := make([]byte, 64<<10)
	for {
		n, err := in.Read(buf)
		if err != nil {
			break
		}
		g.pass(buf[:n])
		if _, err := out.Write(buf[:n]); err != nil {
			break
		}
	}
	_ = out.Close()
	back.Wait()
}

// TestNoLostWakeUp pauses a worker at each step of becoming idle while a job arrives. The safety poll doesn't help it,
// because that would take half a minute.
func TestNoLostWakeUp(t *testing.T) {
	server := queuetest.StartRedis(t)
	for _, step := range []struct{ name, word string }{
		{"before it looks for a job", "evalsha"},
		{"between being idle and waiting", "blpop"},
		{"while it waits", ""},
	} {
		t.Run(step.name, func(t *testing.T) {
			g := startGate(t, server.Addr)
			prefix := "w" + fmt.Sprint(len(step.word))
			slow := queue.Options{URL: "redis://" + g.Addr().String(), Prefix: prefix, Poll: time.Minute}
			c := open(t, slow)
			direct := open(t, queue.Options{URL: server.URL, Prefix: prefix})
			w := simWorker("m1")
			require.NoError(t, c.Register(t.Context(), w))
			if step.word != "" {
				g.hold(step.word)
			}
			got := make(chan []queue.Claimed, 1)
			go func() {
				jobs, err := c.Claim(t.Context(), w, 1, time.Minute)
				if err == nil {
					got <- jobs
				}
				close(got)
			}()
			if step.word == "" {
				require.Eventually(t, func() bool { return direct.Idle(t.Context(), "simulation") == 1 }, 30*time.Second, time.Millisecond)
			} else {
				<-g.reached
			}
			j, err := direct.Submit(t.Context(), queue.Submission{Type: "simulation"})
			require.NoError(t, err)
			if step.word != "" {
				close(g.open)
			}
			select {
			case jobs := <-got:
				require.Len(t, jobs, 1)
				require.Equal(t, j.ID, jobs[0].Job.ID)
			case <-time.After(30 * time.Second):
				t.Fatal("the wake-up was lost")
			}
		})
	}
}

// A worker that is woken but stops before it claims hands on the wake-up.
func TestWakeUpIsHandedOn(t *testing.T) {
	server := queuetest.StartRedis(t)
	g := startGate(t, server.Addr)
	stopping := open(t, queue.Options{URL: "redis://" + g.Addr().String(), Poll: time.Minute})
	direct := open(t, queue.Options{URL: server.URL, Poll: time.Minute})
	first, second := simWorker("m1"), simWorker("m2")
	second.Index = 1
	require.NoError(t, stopping.Register(t.Context(), first))
	require.NoError(t, direct.Register(t.Context(), second))
	ctx, cancel := context.WithCancel(t.Context())
	g.hold("blpop")
	gone := make(chan error, 1)
	go func() {
		_, err := stopping.Claim(ctx, first, 1, time.Minute)
		gone <- err
	}()
	<-g.reached
	got := make(chan []queue.Claimed, 1)
	go func() {
		jobs, err := direct.Claim(t.Context(), second, 1, time.Minute)
		if err == nil {
			got <- jobs
		}
		close(got)
	}()
	require.Eventually(t, func() bool { return direct.Idle(t.Context(), "simulation") == 2 }, 30*time.Second, time.Millisecond)
	_, err := direct.Submit(t.Context(), queue.Submission{Type: "simulation"})
	require.NoError(t, err)
	cancel()
	close(g.open)
	require.ErrorIs(t, <-gone, context.Canceled)
	select {
	case jobs := <-got:
		require.Len(t, jobs, 1)
	case <-time.After(30 * time.Second):
		t.Fatal("the wake-up went down with the worker that had it")
	}
}

// interval is a period in which a worker was idle or a job waited.
type interval struct{ from, to time.Time }

func (a interval) overlap(b interval) time.Duration {
	from, to := a.from, a.to
	if b.from.After(from) {
		from = b.from
	}
	if b.to.Before(to) {
		to = b.to
	}
	return to.Sub(from)
}

// TestNoIdleWorkerWhileAJobWaits starts and stops workers at random, and then looks for a worker that was idle for
// clearly longer than a poll while a job that it can run waited.
func TestNoIdleWorkerWhileAJobWaits(t *testing.T) {
	server := queuetest.StartRedis(t)
	o := fastOptions(server.URL)
	o.Lease = 10 * time.Second
	c := open(t, o)
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	var mu sync.Mutex
	idle := map[int][]interval{}
	waited := map[string]interval{}
	flags := [][]string{{"a"}, {"b"}, {"a", "b"}, {"b", "c"}}
	var wg sync.WaitGroup
	for i := range 8 {
		w := queue.WorkerInfo{Machine: fmt.Sprint("m", i), Index: i, Name: "w", Offer: capability.Offer{Type: "simulation", Flags: flags[i%4]}}
		wg.Go(func() {
			for ctx.Err() == nil {
				short, stop := context.WithTimeout(ctx, time.Duration(rand.IntN(100))*time.Millisecond)
				from := time.Now()
				jobs, err := c.Claim(short, w, 1, time.Second)
				stop()
				mu.Lock()
				idle[i] = append(idle[i], interval{from, time.Now()})
				for _, j := range jobs {
					v := waited[j.Job.ID]
					v.to = *j.Job.StartedAt
					waited[j.Job.ID] = v
				}
				mu.Unlock()
				if err != nil && short.Err() == nil {
					t.Errorf("claim: %v", err)
				}
				for _, j := range jobs {
					_ = sleepFor(ctx, time.Duration(rand.IntN(20))*time.Millisecond)
					if err := c.Complete(context.WithoutCancel(ctx), j.Lease, queue.Result{}); err != nil {
						t.Errorf("complete: %v", err)
					}
				}
			}
		})
	}
	needs := map[string][]string{}
	for ctx.Err() == nil {
		f := []string{"a", "b", "c"}[rand.IntN(3)]
		j, err := c.Submit(context.WithoutCancel(ctx), queue.Submission{Type: "simulation", Capabilities: []string{f}})
		require.NoError(t, err)
		mu.Lock()
		needs[j.ID] = []string{f}
		v := waited[j.ID]
		v.from = j.CreatedAt
		waited[j.ID] = v
		mu.Unlock()
		_ = sleepFor(ctx, time.Duration(rand.IntN(8))*time.Millisecond)
	}
	wg.Wait()
	const most = time.Second // the poll is 100 ms; the machine may be busy
	for id, v := range waited {
		if v.to.IsZero() {
			v.to = time.Now()
		}
		for i, spans := range idle {
			for _, span := range spans {
				if slices.Contains(flags[i%4], needs[id][0]) && span.overlap(v) > most {
					t.Errorf("worker %d waited for %s while %s waited", i, span.overlap(v), id)
				}
			}
		}
	}
	require.NotEmpty(t, waited)
}
