package queue_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

var (
	histories   = flag.Int("histories", 40, "how many random histories TestHistories runs")
	historySeed = flag.Uint64("history-seed", 0, "run only the history of this seed")
)

// TestHistories runs random histories on real servers and checks each step. Workers come and go, fail, pause for longer
// than their lease, repeat calls and call too late. Redis is killed and restarted, forgets its scripts, or comes back
// empty. Invariants: no job is lost except those that Redis lost, none is accepted twice, no worker gets a job that it
// can't run, and each claim takes the first job that the worker may have. Each end of a job with a webhook is announced by one
// event, in order, although dispatchers die. After Redis was emptied, the holders of lost
// jobs are told, new submissions are served and listed as usual, and running workers get jobs without a restart.
func TestHistories(t *testing.T) {
	t.Parallel()
	seeds := make(chan uint64)
	var done atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		server := queuetest.StartRedis(t)
		wg.Go(func() {
			for seed := range seeds {
				h := newHistory(t, server, seed)
				h.run()
				if err := server.Flush(); err != nil {
					t.Errorf("flush: %v", err)
				}
				if n := done.Add(1); n%1000 == 0 {
					t.Logf("%d histories", n)
				}
			}
		})
	}
	if *historySeed != 0 {
		seeds <- *historySeed
	} else {
		for i := range *histories {
			if t.Failed() {
				break
			}
			seeds <- rand.Uint64()>>1 + uint64(i)
		}
	}
	close(seeds)
	wg.Wait()
}

// history is one run.
type history struct {
	t      *testing.T
	ctx    context.Context
	server *queuetest.Redis
	seed   uint64
	rnd    *rand.Rand
	c      *queue.Client // submits, reads and reaps
	agents *queue.Client // claims
	log    []string

	order    []string                  // job ids as submitted
	jobs     map[string]*queue.Job     // as submitted
	workers  []queue.WorkerInfo        // running workers
	held     []queue.Claimed           // claims that a worker believes it holds
	ended    []queue.Claimed           // claims that were once completed successfully
	accepted map[string]map[int64]bool // job → fences of accepted completions
	own      map[string]bool           // claims that their owner ended successfully, in any way
	lost     map[string]bool           // jobs that were in Redis when it was emptied
	webhooks
}

const historyLease = 25 * time.Millisecond

func newHistory(t *testing.T, server *queuetest.Redis, seed uint64) *history {
	return &history{
		t: t, ctx: t.Context(), server: server, seed: seed, rnd: rand.New(rand.NewPCG(seed, seed)),
		jobs: map[string]*queue.Job{}, accepted: map[string]map[int64]bool{}, own: map[string]bool{}, lost: map[string]bool{},
		webhooks: newWebhooks(),
	}
}

func (h *history) failf(format string, args ...any) {
	h.t.Errorf("-history-seed=%d: %s\nlast steps:\n%s", h.seed, fmt.Sprintf(format, args...), fmt.Sprint(h.log[max(0, len(h.log)-25):]))
}

func (h *history) notef(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...)+"\n")
}

func (h *history) run() {
	for _, c := range []**queue.Client{&h.c, &h.agents} {
		opened, err := queue.Open(h.ctx, queue.Options{
			URL: h.server.URL, Prefix: fmt.Sprintf("h%d", h.seed), Lease: historyLease,
			Backoff: time.Millisecond, KeepOff: 10 * time.Millisecond, Poll: 10 * time.Millisecond, IdleClass: time.Millisecond, MaxLostLeases: 4,
		})
		if err != nil {
			h.failf("open: %v", err)
			return
		}
		*c = opened
		defer func() { _ = opened.Close() }()
	}
	steps := []func() error{
		h.submit, h.submit, h.submit, h.start, h.stop, h.claim, h.claim, h.claim, h.claim, h.complete, h.complete, h.complete,
		h.fail, h.release, h.progress, h.repeat, h.cancel, h.requeue, h.reap, h.reap, h.heartbeat, h.pause, h.drain, h.forget, h.deliver, h.late,
	}
	faults := map[int]func() error{}
	for _, f := range []struct {
		oneIn int
		fault func() error
	}{{15, h.restart}, {15, h.restartEmpty}, {3, h.flush}, {3, h.flush}, {3, h.server.FlushScripts}} {
		if h.rnd.IntN(f.oneIn) == 0 {
			faults[h.rnd.IntN(60)] = f.fault
		}
	}
	for i := range 60 {
		if fault := faults[i]; fault != nil {
			if err := fault(); err != nil {
				h.failf("fault: %v", err)
			}
		}
		if err := steps[h.rnd.IntN(len(steps))](); err != nil {
			h.failf("step %d: %v", i, err)
		}
		if h.t.Failed() {
			return
		}
	}
	h.finish()
}

func (h *history) restart() error {
	h.notef("redis restarts")
	h.server.Kill()
	h.server.Start()
	return nil
}

func (h *history) restartEmpty() error {
	h.notef("redis comes back empty")
	h.server.StartEmpty()
	h.forgetJobs()
	return nil
}

func (h *history) flush() error {
	h.notef("redis is flushed")
	h.forgetJobs()
	return h.server.Flush()
}

// forgetJobs records that all jobs are lost. Workers that believe they hold one continue to.
func (h *history) forgetJobs() {
	for _, id := range h.order {
		h.lost[id] = true
	}
	h.order, h.ended = nil, nil
}

var historyFlags = [][]string{nil, {"a"}, {"b"}, {"a", "b"}}

func (h *history) submit() error {
	p := []int{0, 50, 50, 100}[h.rnd.IntN(4)]
	s := queue.Submission{
		Type: "sim", Priority: &p, Capabilities: historyFlags[h.rnd.IntN(4)], MaxAttempts: 1 + h.rnd.IntN(3),
		Tenant: []string{"", "t1"}[h.rnd.IntN(2)],
	}
	if h.rnd.IntN(3) == 0 {
		s.Webhook = fmt.Sprintf("https://%d.example.com/hook", h.rnd.IntN(3))
	}
	if h.rnd.IntN(8) == 0 {
		at := time.Now().Add(time.Duration(h.rnd.IntN(20)) * time.Millisecond)
		s.NotBefore = &at
	}
	n := 1 + h.rnd.IntN(3)
	batch := slices.Repeat([]queue.Submission{s}, n)
	jobs, err := h.c.SubmitBatch(h.ctx, batch)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		h.notef("submit %s %v priority %d", j.ID, s.Capabilities, p)
		h.order, h.jobs[j.ID] = append(h.order, j.ID), j
	}
	return nil
}

func (h *history) start() error {
	w := queue.WorkerInfo{
		Machine: fmt.Sprintf("m%d", h.rnd.IntN(4)), Name: fmt.Sprintf("w%d", h.rnd.IntN(2)),
		Offer: capability.Offer{Type: "sim", Flags: historyFlags[h.rnd.IntN(4)]},
	}
	h.workers = slices.DeleteFunc(h.workers, func(o queue.WorkerInfo) bool { return o.Machine == w.Machine && o.Name == w.Name })
	h.workers = append(h.workers, w)
	h.notef("start %s/%s %v", w.Machine, w.Name, w.Offer.Flags)
	return h.agents.Register(h.ctx, w)
}

func (h *history) stop() error {
	if len(h.workers) == 0 {
		return nil
	}
	i := h.rnd.IntN(len(h.workers))
	w := h.workers[i]
	h.workers = slices.Delete(h.workers, i, i+1)
	if h.rnd.IntN(2) == 0 {
		h.notef("kill %s/%s", w.Machine, w.Name)
		return nil // the worker just falls silent
	}
	h.notef("stop %s/%s", w.Machine, w.Name)
	return h.agents.Unregister(h.ctx, w.Machine, w.Name)
}

// all reads every job's current state.
func (h *history) all() (map[string]queue.Job, error) {
	jobs, _, err := h.c.List(h.ctx, queue.ListFilter{Limit: 500})
	out := map[string]queue.Job{}
	for _, j := range jobs {
		out[j.ID] = j
	}
	return out, err
}

func (h *history) claim() error {
	if len(h.workers) == 0 {
		return nil
	}
	w := h.workers[h.rnd.IntN(len(h.workers))]
	before, err := h.all()
	if err != nil {
		return err
	}
	got, err := h.agents.Claim(h.ctx, w, 1+h.rnd.IntN(3), 0)
	if err != nil {
		return err
	}
	for _, c := range got {
		h.notef("claim %s by %s/%s fence %d", c.Job.ID, w.Machine, w.Name, c.Lease.Fence)
		if m := c.Job.Requirements.Match(w.Offer); m != nil {
			h.failf("%s was given to %s: %s", c.Job.ID, w.Machine, m)
		}
		if before[c.Job.ID].State != queue.Waiting {
			h.failf("%s was given while %s", c.Job.ID, before[c.Job.ID].State)
		}
		h.checkOrder(w, c.Job.ID, before)
		delete(before, c.Job.ID)
		h.held = append(h.held, c)
	}
	return nil
}

// checkOrder fails if an earlier job that the worker may have was skipped.
func (h *history) checkOrder(w queue.WorkerInfo, id string, before map[string]queue.Job) {
	taken := before[id]
	for _, other := range h.order {
		j, ok := before[other]
		if !ok || other == id || j.State != queue.Waiting || j.Requirements.Match(w.Offer) != nil {
			continue
		}
		earlier := j.Priority > taken.Priority || j.Priority == taken.Priority && slices.Index(h.order, other) < slices.Index(h.order, id)
		if !earlier {
			continue
		}
		if n := len(j.History); n > 0 && slices.ContainsFunc(j.History, func(a queue.Attempt) bool { return a.Machine == w.Machine && a.Outcome != "released" }) {
			continue // avoids this machine
		}
		h.failf("%s/%s was given %s, before it comes %s", w.Machine, w.Name, id, other)
	}
}

// someHeld picks a claim that a worker believes it holds. In half of the cases the worker continues to believe that, as
// a zombie.
func (h *history) someHeld() (queue.Claimed, bool) {
	if len(h.held) == 0 {
		return queue.Claimed{}, false
	}
	i := h.rnd.IntN(len(h.held))
	c := h.held[i]
	if h.rnd.IntN(2) == 0 {
		h.held = slices.Delete(h.held, i, i+1)
	}
	return c, true
}

// told checks the answer to the owner of a claim: zombies are always told that they are too late, and owners of lost
// jobs that there is no such job.
func (h *history) told(c queue.Claimed, err error) error {
	switch {
	case h.lost[c.Job.ID] != errors.Is(err, queue.ErrNotFound):
		return fmt.Errorf("%s, lost: %t, answered: %w", c.Job.ID, h.lost[c.Job.ID], err)
	case h.lost[c.Job.ID], errors.Is(err, queue.ErrStale):
		return nil
	}
	return err
}

func (h *history) complete() error {
	c, ok := h.someHeld()
	if !ok {
		return nil
	}
	err := h.agents.Complete(h.ctx, c.Lease, queue.Result{})
	h.notef("complete %s fence %d: %v", c.Job.ID, c.Lease.Fence, err)
	if err == nil {
		h.accept(c)
		if !h.endedBy(c) && !h.accepted[c.Job.ID][c.Lease.Fence] {
			h.failf("%s: a completion was confirmed and not kept", c.Job.ID)
		}
	}
	return h.told(c, err)
}

// accept records an accepted completion. A repeated ending gets the same answer, so a fence counts once. An attempt
// that ended in another way isn't a completion, as the job's state shows.
func (h *history) accept(c queue.Claimed) {
	j, err := h.c.Get(h.ctx, c.Job.ID)
	if err != nil {
		h.failf("get: %v", err)
		return
	}
	if j.State != queue.Completed {
		return
	}
	if h.accepted[c.Job.ID] == nil {
		h.accepted[c.Job.ID] = map[int64]bool{}
	}
	h.accepted[c.Job.ID][c.Lease.Fence] = true
	if len(h.accepted[c.Job.ID]) > 1 {
		h.failf("%s was accepted twice: fences %v", c.Job.ID, h.accepted[c.Job.ID])
	}
	h.ended = append(h.ended, c)
}

// endedBy reports whether the claim's owner ended it before, and records that it has now.
func (h *history) endedBy(c queue.Claimed) bool {
	key := fmt.Sprintf("%s/%d", c.Job.ID, c.Lease.Fence)
	before := h.own[key]
	h.own[key] = true
	return before
}

func (h *history) fail() error {
	c, ok := h.someHeld()
	if !ok {
		return nil
	}
	err := h.agents.Fail(h.ctx, c.Lease, queue.Failure{Code: "x", Message: "x", Retriable: h.rnd.IntN(4) > 0})
	h.notef("fail %s fence %d: %v", c.Job.ID, c.Lease.Fence, err)
	if err == nil {
		h.endedBy(c)
	}
	return h.told(c, err)
}

func (h *history) release() error {
	c, ok := h.someHeld()
	if !ok {
		return nil
	}
	err := h.agents.Release(h.ctx, c.Lease, "x")
	h.notef("release %s fence %d: %v", c.Job.ID, c.Lease.Fence, err)
	if err == nil {
		h.endedBy(c)
	}
	return h.told(c, err)
}

func (h *history) progress() error {
	c, ok := h.someHeld()
	if !ok {
		return nil
	}
	return h.told(c, h.agents.Progress(h.ctx, c.Lease, queue.Progress{Value: 1, Max: 2}))
}

// repeat completes a completed claim again, which succeeds and changes nothing.
func (h *history) repeat() error {
	if len(h.ended) == 0 {
		return nil
	}
	c := h.ended[h.rnd.IntN(len(h.ended))]
	h.notef("repeat %s fence %d", c.Job.ID, c.Lease.Fence)
	return h.agents.Complete(h.ctx, c.Lease, queue.Result{})
}

func (h *history) cancel() error {
	if len(h.order) == 0 || h.rnd.IntN(3) > 0 {
		return nil
	}
	id := h.order[h.rnd.IntN(len(h.order))]
	_, err := h.c.Cancel(h.ctx, id, "x")
	h.notef("cancel %s: %v", id, err)
	if errors.Is(err, queue.ErrFinal) {
		return nil
	}
	return err
}

func (h *history) requeue() error {
	if len(h.order) == 0 || h.rnd.IntN(3) > 0 {
		return nil
	}
	id := h.order[h.rnd.IntN(len(h.order))]
	_, err := h.c.Requeue(h.ctx, id)
	h.notef("requeue %s: %v", id, err)
	if err == nil {
		h.requeued[id]++
	}
	var invalid *queue.InvalidError
	if errors.Is(err, queue.ErrFinal) || errors.As(err, &invalid) {
		return nil
	}
	return err
}

func (h *history) reap() error {
	r, err := h.c.Reap(h.ctx, 1+h.rnd.IntN(50))
	h.notef("reap %+v", r)
	return err
}

func (h *history) heartbeat() error {
	if len(h.workers) == 0 {
		return nil
	}
	m := h.workers[h.rnd.IntN(len(h.workers))].Machine
	var leases []queue.Lease
	for _, c := range h.held {
		if c.Lease.Machine == m {
			leases = append(leases, c.Lease)
		}
	}
	a, err := h.agents.Heartbeat(h.ctx, m, leases)
	h.notef("heartbeat %s %+v", m, a)
	if err != nil {
		return err
	}
	for _, l := range leases {
		if h.lost[l.JobID] && !slices.Contains(a.Lost, l.JobID) {
			h.failf("%s isn't told that %s is lost: %+v", m, l.JobID, a)
		}
	}
	return nil
}

func (h *history) pause() error {
	h.notef("pause")
	return sleepFor(h.ctx, time.Duration(h.rnd.IntN(2))*historyLease+5*time.Millisecond)
}

func (h *history) drain() error {
	m := fmt.Sprintf("m%d", h.rnd.IntN(4))
	h.notef("drain or undrain %s", m)
	if h.rnd.IntN(2) == 0 {
		return h.c.Undrain(h.ctx, m)
	}
	return h.c.Drain(h.ctx, m, "x", 5*time.Millisecond)
}

// forget restarts an agent.
func (h *history) forget() error {
	m := fmt.Sprintf("m%d", h.rnd.IntN(4))
	n, err := h.agents.Forfeit(h.ctx, m)
	h.notef("forfeit %s: %d", m, n)
	return err
}

// afterwards checks, if Redis was emptied, that each running worker gets a job that only it can run.
func (h *history) afterwards() {
	if len(h.lost) == 0 {
		return
	}
	for _, w := range h.workers {
		jobs, err := h.c.SubmitBatch(h.ctx, []queue.Submission{{Type: "sim", Capabilities: w.Offer.Flags}})
		if err != nil {
			h.failf("submit: %v", err)
			return
		}
		id := jobs[0].ID
		h.order, h.jobs[id] = append(h.order, id), jobs[0]
		for until := time.Now().Add(30 * time.Second); ; {
			got, err := h.agents.Claim(h.ctx, w, 3, 0)
			if err != nil {
				h.failf("claim: %v", err)
				return
			}
			for _, c := range got {
				if err := h.agents.Complete(h.ctx, c.Lease, queue.Result{}); err == nil {
					h.accept(c)
				}
			}
			if j, err := h.c.Get(h.ctx, id); err != nil || j.State.Final() {
				break
			}
			if time.Now().After(until) {
				h.failf("%s/%s, which is up, doesn't get %s", w.Machine, w.Name, id)
				return
			}
			if _, err := h.c.Reap(h.ctx, 100); err != nil {
				h.failf("reap: %v", err)
			}
			_ = sleepFor(h.ctx, 2*time.Millisecond)
		}
	}
}

// finish lets one capable worker run the remaining jobs and checks that every job has ended as reported.
func (h *history) finish() {
	h.afterwards()
	w := queue.WorkerInfo{Machine: "last", Name: "w", Offer: capability.Offer{Type: "sim", Flags: []string{"a", "b"}}}
	for until := time.Now().Add(10 * time.Second); ; {
		if _, err := h.c.Reap(h.ctx, 100); err != nil {
			h.failf("reap: %v", err)
			return
		}
		got, err := h.agents.Claim(h.ctx, w, 5, 0)
		if err != nil {
			h.failf("claim: %v", err)
			return
		}
		for _, c := range got {
			if err := h.agents.Complete(h.ctx, c.Lease, queue.Result{}); err == nil {
				h.accept(c)
			} else if !errors.Is(err, queue.ErrStale) {
				h.failf("complete: %v", err)
			}
		}
		jobs, err := h.all()
		if err != nil {
			h.failf("list: %v", err)
			return
		}
		if len(jobs) != len(h.order) {
			h.failf("%d jobs were submitted, %d are there", len(h.order), len(jobs))
			return
		}
		left := 0
		for _, j := range jobs {
			if !j.State.Final() {
				left++
			}
			if (j.State == queue.Completed) != (len(h.accepted[j.ID]) == 1) {
				h.failf("%s is %s, completions accepted: %v", j.ID, j.State, h.accepted[j.ID])
			}
		}
		if left == 0 || h.t.Failed() {
			h.checkEmpty()
			h.checkWebhooks(jobs)
			return
		}
		if time.Now().After(until) {
			h.failf("%d jobs have not ended", left)
			return
		}
		_ = sleepFor(h.ctx, 2*time.Millisecond)
	}
}

// checkEmpty checks the counters: when every job has ended, none is waiting, delayed, held or running.
func (h *history) checkEmpty() {
	all, err := h.c.Demand(h.ctx)
	if err != nil {
		h.failf("demand: %v", err)
	}
	for _, d := range all {
		if d.Waiting+d.Delayed+d.Held+d.Running != 0 {
			h.failf("at the end: %+v", d)
		}
	}
	for _, m := range []string{"m0", "m1", "m2", "m3", "last"} {
		if n, err := h.c.InFlight(h.ctx, m); err != nil || n != 0 {
			h.failf("at the end %s has %d in flight, %v", m, n, err)
		}
	}
}
