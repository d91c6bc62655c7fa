package queue_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

var (
	twins    = flag.Int("twins", 20, "how many random histories TestTwins runs")
	twinSeed = flag.Uint64("twin-seed", 0, "run only the twins of this seed")
)

// TestTwins does the same random operations on two queues, only one of which uses the quick script. After each step
// both have the same content and consistent indexes.
func TestTwins(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, rdb.Close()) })
	seeds := []uint64{*twinSeed}
	if *twinSeed == 0 {
		seeds = nil
		for range *twins {
			seeds = append(seeds, rand.Uint64()>>1+1)
		}
	}
	for _, seed := range seeds {
		h := &twinHistory{ctx: t.Context(), rdb: rdb, rnd: rand.New(rand.NewPCG(seed, seed)), idle: map[string]bool{}}
		for i := range h.c {
			h.c[i] = open(t, queue.Options{
				URL: server.URL, Prefix: fmt.Sprintf("twin%d-%d", i, seed), Lease: time.Hour, KeepOff: time.Hour, Backoff: time.Hour, MaxBackoff: time.Hour,
			})
		}
		t.Run(fmt.Sprint(seed), h.run)
		if t.Failed() {
			t.Logf("-twin-seed=%d, last steps:\n%s", seed, strings.Join(h.log[max(0, len(h.log)-40):], "\n"))
			return
		}
		require.NoError(t, server.Flush())
	}
}

// twinHistory is one run. The same happens to c[0], which uses the quick script, and to c[1], which doesn't.
type twinHistory struct {
	t   *testing.T
	ctx context.Context
	rdb *redis.Client
	rnd *rand.Rand
	log []string

	c        [2]*queue.Client
	ids      [2][]string        // of the submitted jobs
	leases   [2][]queue.Claimed // all leases of the run
	profiles []capability.Offer
	workers  []queue.WorkerInfo
	fair     bool
	idle     map[string]bool // workers that may be registered as idle
}

const twinType = "sim"

func (h *twinHistory) notef(format string, args ...any) {
	h.log = append(h.log, fmt.Sprintf(format, args...))
}

func (h *twinHistory) run(t *testing.T) {
	h.t = t
	// With workers that have all flags or all but one, each set of flags that a job needs is an audience of its own.
	for _, flags := range []int{31, 30, 29, 27, 23, 15} {
		if h.rnd.IntN(4) == 0 {
			flags = h.rnd.IntN(32)
		}
		h.profiles = append(h.profiles, capability.Offer{Type: twinType, Flags: twinFlags(flags), Attrs: map[string]any{"slot": 9.0}})
	}
	steps := []func() error{
		h.submit, h.submit, h.submit, h.burst, h.register, h.register, h.register, h.unregister, h.turns, h.turns, h.turns, h.turns, h.turns, h.turns,
		h.complete, h.complete, h.fail, h.fail, h.release, h.lapse, h.ripen, h.deadline, h.deadline, h.readmit, h.cancel, h.requeue, h.pause, h.drain, h.limits, h.forgetRecord, h.linger, h.linger,
	}
	for _, p := range h.profiles {
		require.NoError(h.t, h.registerAs(p))
	}
	require.NoError(h.t, h.burst())
	for i := 0; i < 50 && !h.t.Failed(); i++ {
		if err := steps[h.rnd.IntN(len(steps))](); err != nil {
			h.t.Errorf("step %d: %v", i, err)
		}
		h.compare()
	}
}

// both does something to each queue and requires the same outcome.
func (h *twinHistory) both(do func(i int) error) error {
	errs := [2]error{do(0), do(1)}
	if (errs[0] == nil) != (errs[1] == nil) {
		h.t.Errorf("one said %v, the other %v", errs[0], errs[1])
	}
	for _, expected := range []error{queue.ErrStale, queue.ErrFinal, queue.ErrNotFound} {
		if errors.Is(errs[0], expected) && errors.Is(errs[1], expected) {
			return nil
		}
	}
	var invalid *queue.InvalidError
	if errors.As(errs[0], &invalid) && errors.As(errs[1], &invalid) {
		return nil
	}
	return errors.Join(errs[0], errs[1])
}

func twinFlags(bits int) []string {
	var out []string
	for i := range 5 {
		if bits>>i&1 == 1 {
			out = append(out, fmt.Sprint("f", i))
		}
	}
	return out
}

func (h *twinHistory) submission(flags int) queue.Submission {
	p := []int{0, 50, 50, 50, 100}[h.rnd.IntN(5)]
	s := queue.Submission{
		Type: twinType, Priority: &p, Capabilities: twinFlags(flags), MaxAttempts: 1 + h.rnd.IntN(3), Tenant: []string{"", "t1", "t2"}[h.rnd.IntN(3)],
	}
	hour := time.Now().Add(time.Hour)
	if h.rnd.IntN(3) == 0 {
		s.Requires = map[string]any{"slot": fmt.Sprintf("<=%d", 9+h.rnd.IntN(4))}
	}
	if h.rnd.IntN(3) == 0 {
		s.Webhook = "https://example.com/hook"
	}
	switch h.rnd.IntN(12) {
	case 0:
		s.NotBefore = &hour
	case 1, 2, 6, 7:
		s.Deadline = &hour
	case 3:
		s.Parameters = json.RawMessage(`"` + strings.Repeat("x", 5000) + `"`)
	case 4:
		s.Parameters = json.RawMessage(fmt.Sprint(h.rnd.IntN(1000)))
	case 5:
		s.Metadata = map[string]string{"a": fmt.Sprint(h.rnd.IntN(1000))}
	}
	return s
}

func (h *twinHistory) take(all []queue.Submission) error {
	h.notef("submit %d jobs from %d on", len(all), len(h.ids[0]))
	return h.both(func(i int) error {
		jobs, err := h.c[i].SubmitBatch(h.ctx, all)
		for _, j := range jobs {
			h.ids[i] = append(h.ids[i], j.ID)
		}
		return err
	})
}

func (h *twinHistory) submit() error {
	s := h.submission(h.rnd.IntN(32) & h.rnd.IntN(32))
	all := slices.Repeat([]queue.Submission{s}, 1+h.rnd.IntN(4))
	return h.take(append(all, h.submission(h.rnd.IntN(32)&h.rnd.IntN(32))))
}

// burst submits jobs of every kind, in random order.
func (h *twinHistory) burst() error {
	var all []queue.Submission
	for _, flags := range h.rnd.Perm(32) {
		all = append(all, h.submission(flags))
	}
	return h.take(all)
}

func (h *twinHistory) register() error { return h.registerAs(h.profiles[h.rnd.IntN(len(h.profiles))]) }

func (h *twinHistory) registerAs(o capability.Offer) error {
	w := queue.WorkerInfo{Machine: fmt.Sprint("m", h.rnd.IntN(4)), Name: fmt.Sprint("w", h.rnd.IntN(3)), Index: h.rnd.IntN(3), Offer: o}
	h.workers = append(slices.DeleteFunc(h.workers, func(o queue.WorkerInfo) bool { return o.Machine == w.Machine && o.Name == w.Name }), w)
	delete(h.idle, w.Machine+"/"+w.Name)
	h.notef("register %s/%s %v", w.Machine, w.Name, w.Offer.Flags)
	return h.both(func(i int) error { return h.c[i].Register(h.ctx, w) })
}

// linger leaves a worker registered as idle that isn't idle, as after an interruption.
func (h *twinHistory) linger() error {
	w := h.workers[h.rnd.IntN(len(h.workers))]
	me := w.Machine + "/" + w.Name
	h.idle[me] = true
	h.notef("%s lingers among the idle ones", me)
	return h.both(func(i int) error {
		return h.rdb.ZAdd(h.ctx, h.c[i].ShardKey(twinType, "idle"), redis.Z{Member: fmt.Sprintf("%s:%06d:%s", w.Offer.Profile(), w.Index, me)}).Err()
	})
}

// unregister unregisters a worker that continues to claim.
func (h *twinHistory) unregister() error {
	w := h.workers[h.rnd.IntN(len(h.workers))]
	h.notef("unregister %s/%s", w.Machine, w.Name)
	return h.both(func(i int) error { return h.c[i].Unregister(h.ctx, w.Machine, w.Name) })
}

// someLeases returns indexes of leases, mostly of recent ones.
func (h *twinHistory) someLeases(most int) []int {
	var out []int
	for range h.rnd.IntN(most + 1) {
		if n := len(h.leases[0]); n > 0 {
			out = append(out, n-1-min(h.rnd.IntN(n), h.rnd.IntN(n)))
		}
	}
	return out
}

func (h *twinHistory) endings(i int, leases []int) []queue.Ending {
	var out []queue.Ending
	for _, k := range leases {
		l := h.leases[i][k].Lease
		if k%7 == 0 {
			l.JobID = twinType + "-01jzzzzzzzzzzzzzzzzzzzzzzz"
		}
		out = append(out, queue.Ending{Lease: l, Result: &queue.Result{Data: json.RawMessage(fmt.Sprint(k))}})
	}
	return out
}

// complete ends attempts of several workers, as Complete does.
func (h *twinHistory) complete() error {
	var turns [2][]*queue.TwinTurn
	for range 1 + h.rnd.IntN(4) {
		leases := h.someLeases(2)
		for i := range turns {
			turns[i] = append(turns[i], &queue.TwinTurn{Worker: h.workers[0], Done: h.endings(i, leases)})
		}
		h.notef("complete leases %v", leases)
	}
	return h.gathered(turns)
}

// turns lets several workers with one profile end attempts and claim in one call.
func (h *twinHistory) turns() error {
	first := h.workers[h.rnd.IntN(len(h.workers))]
	var turns [2][]*queue.TwinTurn
	for range 1 + h.rnd.IntN(5) {
		w := h.workers[h.rnd.IntN(len(h.workers))]
		if w.Offer.Profile() != first.Offer.Profile() {
			w = first
		}
		leases, n, idle := h.someLeases(2), 1+h.rnd.IntN(4)*h.rnd.IntN(2), h.rnd.IntN(2) == 0
		me := w.Machine + "/" + w.Name
		for i := range turns {
			turns[i] = append(turns[i], &queue.TwinTurn{Worker: w, Done: h.endings(i, leases), N: n, WasIdle: h.idle[me], Idle: idle})
		}
		h.idle[me] = idle || h.idle[me]
		h.notef("turn of %s %v: leases %v, n %d, idle %v", me, w.Offer.Flags, leases, n, idle)
	}
	return h.gathered(turns)
}

func (h *twinHistory) gathered(turns [2][]*queue.TwinTurn) error {
	if err := h.c[0].GatheredTurns(h.ctx, turns[0]); err != nil {
		return err
	}
	if !turns[0][0].Quick {
		for k := range turns[0] {
			if err := h.plain(turns[0][k], turns[1][k]); err != nil {
				return err
			}
		}
		return nil
	}
	for k, quick := range turns[0] {
		ends := *turns[1][k]
		ends.N = 0
		if err := h.c[1].PlainTurn(h.ctx, &ends); err != nil {
			return err
		}
		require.True(h.t, slices.Equal(ends.Ended, quick.Ended), "%v, by the quick script %v", ends.Ended, quick.Ended)
	}
	for k, quick := range turns[0] { // the turn script must return the same jobs
		if quick.N == 0 || quick.Number == 0 {
			continue
		}
		other := *turns[1][k]
		other.Done = nil
		if quick.Number > 0 {
			other.N = quick.Number
		}
		if err := h.c[1].PlainTurn(h.ctx, &other); err != nil {
			return err
		}
		if quick.Number < 0 {
			require.Equal(h.t, "idle", other.Status)
		}
		h.sameJobs(quick, &other)
	}
	for k, quick := range turns[0] { // the turn script does the rest
		if quick.N == 0 || quick.Number != 0 {
			continue
		}
		quick.Done, turns[1][k].Done = nil, nil
		if err := h.plain(quick, turns[1][k]); err != nil {
			return err
		}
	}
	return nil
}

// plain does the same turn on both with the turn script.
func (h *twinHistory) plain(a, b *queue.TwinTurn) error {
	if err := errors.Join(h.c[0].PlainTurn(h.ctx, a), h.c[1].PlainTurn(h.ctx, b)); err != nil {
		return err
	}
	require.True(h.t, slices.Equal(b.Ended, a.Ended))
	require.Equal(h.t, b.Status, a.Status)
	h.sameJobs(a, b)
	return nil
}

func (h *twinHistory) sameJobs(a, b *queue.TwinTurn) {
	view := func(i int, all []queue.Claimed) (out []string) {
		for _, c := range all {
			out = append(out, fmt.Sprintf("job %d attempt %d fence %d %s/%s %q %v %s", slices.Index(h.ids[i], c.Job.ID), c.Job.Attempts, c.Lease.Fence,
				c.Lease.Machine, c.Lease.Worker, c.Job.Parameters, c.Job.Metadata, c.Job.Class))
		}
		return out
	}
	h.notef("%s/%s of the quick script: %v; was given %v", a.Worker.Machine, a.Worker.Name, a.Quick, view(0, a.Claimed))
	require.Equal(h.t, view(1, b.Claimed), view(0, a.Claimed))
	h.leases[0], h.leases[1] = append(h.leases[0], a.Claimed...), append(h.leases[1], b.Claimed...)
}

func (h *twinHistory) fail() error {
	for _, k := range h.someLeases(1) {
		retriable := h.rnd.IntN(5) > 0
		h.notef("fail lease %d", k)
		return h.both(func(i int) error {
			return h.c[i].Fail(h.ctx, h.leases[i][k].Lease, queue.Failure{Code: "x", Retriable: retriable})
		})
	}
	return nil
}

func (h *twinHistory) release() error {
	for _, k := range h.someLeases(1) {
		h.notef("release lease %d", k)
		return h.both(func(i int) error { return h.c[i].Release(h.ctx, h.leases[i][k].Lease, "x") })
	}
	return nil
}

// lapse lets a lease expire.
func (h *twinHistory) lapse() error {
	for _, k := range h.someLeases(1) {
		h.notef("lease %d lapses", k)
		return h.both(func(i int) error {
			h.rdb.ZAddXX(h.ctx, h.c[i].ShardKey(twinType, "leases"), redis.Z{Member: h.leases[i][k].Job.ID})
			_, err := h.c[i].Reap(h.ctx, 100)
			return err
		})
	}
	return nil
}

// ripen makes all delayed jobs due.
func (h *twinHistory) ripen() error {
	h.notef("delayed jobs are due")
	return h.both(func(i int) error {
		for k, id := range h.ids[i] {
			h.rdb.ZAddXX(h.ctx, h.c[i].ShardKey(twinType, "delayed"), redis.Z{Member: id, Score: float64(k)})
		}
		_, err := h.c[i].Reap(h.ctx, 100)
		return err
	})
}

// edit changes a field of a job's record.
func (h *twinHistory) edit(k, field int, change func(old string) string) error {
	return h.both(func(i int) error {
		key := h.c[i].ShardKey(twinType, "jobs")
		text, err := h.rdb.HGet(h.ctx, key, h.ids[i][k]).Result()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		f := strings.Split(text, "\t")
		f[field] = change(f[field])
		return errors.Join(err, h.rdb.HSet(h.ctx, key, h.ids[i][k], strings.Join(f, "\t")).Err())
	})
}

// deadline lets a job's deadline pass, which the next claim observes.
func (h *twinHistory) deadline() error {
	k := h.rnd.IntN(len(h.ids[0]))
	h.notef("deadline of job %d passes", k)
	return h.edit(k, 13, func(old string) string { return map[bool]string{true: "0", false: "1"}[old == "0"] })
}

// readmit lets the time pass for which a job avoids the machine it failed on.
func (h *twinHistory) readmit() error {
	k := h.rnd.IntN(len(h.ids[0]))
	h.notef("job %d keeps off no machine", k)
	return h.edit(k, 19, func(string) string { return "1" })
}

func (h *twinHistory) cancel() error {
	k := h.rnd.IntN(len(h.ids[0]))
	h.notef("cancel job %d", k)
	return h.both(func(i int) error {
		_, err := h.c[i].Cancel(h.ctx, h.ids[i][k], "x")
		return err
	})
}

func (h *twinHistory) requeue() error {
	k := h.rnd.IntN(len(h.ids[0]))
	h.notef("requeue job %d", k)
	return h.both(func(i int) error {
		_, err := h.c[i].Requeue(h.ctx, h.ids[i][k])
		return err
	})
}

func (h *twinHistory) pause() error {
	stop := h.rnd.IntN(3) == 0
	h.notef("pause %v", stop)
	return h.both(func(i int) error {
		if stop {
			return h.c[i].Pause(h.ctx, twinType, "x")
		}
		return h.c[i].Resume(h.ctx, twinType)
	})
}

func (h *twinHistory) drain() error {
	m, what := fmt.Sprint("m", h.rnd.IntN(4)), h.rnd.IntN(6)
	h.notef("drain %s: %d", m, what)
	return h.both(func(i int) error {
		switch c := h.c[i]; what {
		case 0:
			return c.Drain(h.ctx, m, "x", time.Hour)
		case 1:
			_, err := c.DrainFor(h.ctx, m, "x", time.Hour)
			return err
		case 2, 3:
			return c.EndDrain(h.ctx, m)
		default:
			return c.Undrain(h.ctx, m)
		}
	})
}

// limits never turns fair share off, because that leaves jobs of equal order, any of which may be first.
func (h *twinHistory) limits() error {
	l := []queue.Limits{
		{}, {}, {EachTenant: queue.Limit{Running: 1}}, {Type: queue.Limit{Running: 4}},
	}[h.rnd.IntN(4)]
	h.fair = h.fair || h.rnd.IntN(10) == 0
	l.Fair = h.fair
	h.notef("limits %+v", l)
	return h.both(func(i int) error { return h.c[i].SetLimits(h.ctx, twinType, l) })
}

// forgetRecord leaves a waiting job's entry without a record.
func (h *twinHistory) forgetRecord() error {
	if h.rnd.IntN(4) > 0 {
		return nil
	}
	k := h.rnd.IntN(len(h.ids[0]))
	h.notef("job %d's record is lost", k)
	return h.both(func(i int) error {
		key := h.c[i].ShardKey(twinType, "jobs")
		text, err := h.rdb.HGet(h.ctx, key, h.ids[i][k]).Result()
		if err == nil && text[0] == 'w' {
			err = h.rdb.HDel(h.ctx, key, h.ids[i][k]).Err()
		}
		if errors.Is(err, redis.Nil) {
			err = nil
		}
		return err
	})
}
