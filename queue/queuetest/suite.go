package queuetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/spec"
	"github.com/emprops/machinectl/queue"
)

// Open opens a queue on a Redis that nothing else uses. Cases that need several clients call it several times and expect
// the same data. It sets URL in the options given.
type Open func(t *testing.T, o queue.Options) *queue.Client

// fixture is what each case gets: a queue of its own (by prefix) with short times.
type fixture struct {
	*queue.Client
	t   *testing.T
	ctx context.Context
}

// Run runs the suite. Each case has its own key prefix, so that they may share a Redis.
func Run(t *testing.T, open Open) {
	run(t, open, "t", cases(), 400*time.Millisecond, 300*time.Millisecond)
	run(t, open, "p", patientCases(), 10*time.Second, 10*time.Second)
}

func run(t *testing.T, open Open, prefix string, cases []testCase, lease, keepOff time.Duration) {
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			client := open(t, queue.Options{
				Prefix: fmt.Sprint(prefix, i), Lease: lease, Backoff: 20 * time.Millisecond,
				Poll: 200 * time.Millisecond, KeepOff: keepOff, Overrun: 50 * time.Millisecond,
				RetentionCount: 5, MaxClasses: 50, IdleClass: 50 * time.Millisecond,
			})
			c.run(&fixture{Client: client, t: t, ctx: ctx})
		})
	}
}

type testCase struct {
	name string
	run  func(f *fixture)
}

// patientCases are those in which nothing is to lapse, however busy the machine is that runs them.
func patientCases() []testCase {
	return []testCase{
		{"the least capable is woken", leastCapable},
		{"a failed job keeps off its machine", keepsOff},
		{"a waiting worker is woken", wakeUp},
		{"a skipped head hides nothing", skippedHead},
	}
}

func cases() []testCase {
	return []testCase{
		{"a job from submit to completion", lifeOfAJob},
		{"priority, then order of submission", ordering},
		{"a job lies however deep", deepJob},
		{"a retry keeps its place", retryKeepsPlace},
		{"not retriable ends at once", notRetriable},
		{"attempts used up", attemptsUsedUp},
		{"released jobs count no attempt", released},
		{"a lost lease is given back", lostLease},
		{"a machine that starts again forfeits", forfeit},
		{"three lost leases are enough", deadByLostLeases},
		{"a stale owner changes nothing", staleOwner},
		{"an ending may be repeated", repeatedEnding},
		{"cancel while waiting", cancelWaiting},
		{"cancel while running", cancelRunning},
		{"requeue", requeue},
		{"not before", notBefore},
		{"deadline", deadline},
		{"timeout", timeout},
		{"idempotency key", idempotency},
		{"parked until somebody can", parkedJob},
		{"drain", drain},
		{"an operator's drain", operatorDrain},
		{"heartbeat keeps and tells", heartbeat},
		{"demand", demand},
		{"explain", explain},
		{"events", events},
		{"list", list},
		{"machines", machines},
		{"large parameters and results", large},
		{"bad submissions", badSubmissions},
		{"batch claims", batchClaim},
		{"batch claims over many audiences", manyAudiences},
		{"workers at once", workersAtOnce},
		{"submissions at once", submissionsAtOnce},
		{"silent workers are forgotten", silentWorkers},
		{"pause and resume", pause},
		{"a limit per tenant", tenantLimit},
		{"a limit per type", typeLimit},
		{"a limited rate", rateLimit},
		{"fair share", fairShare},
		{"batch submission", batch},
		{"a turn", turn},
		{"durable submission", durable},
		{"ended jobs are forgotten", retention},
		{"classes are capped and collected", classCap},
	}
}

// offer is a worker's offer of type simulation with flags.
func offer(flags ...string) capability.Offer {
	return capability.Offer{Type: "simulation", Flags: flags, Attrs: map[string]any{"gpu.memory": "24GiB"}}
}

func worker(machine string, index int, o capability.Offer) queue.WorkerInfo {
	return queue.WorkerInfo{Machine: machine, Index: index, Name: "w", Offer: o}
}

// register announces a worker of the given machine that offers the flags.
func (f *fixture) register(machine string, flags ...string) queue.WorkerInfo {
	f.t.Helper()
	w := worker(machine, 0, offer(flags...))
	require.NoError(f.t, f.Register(f.ctx, w))
	return w
}

func priority(p int) *int { return &p }

// submit submits a job of type simulation; change may be nil.
func (f *fixture) submit(change func(*queue.Submission)) *queue.Job {
	f.t.Helper()
	s := queue.Submission{Type: "simulation", Parameters: json.RawMessage(`{"duration":"1s"}`), Timeout: spec.Duration(time.Minute)}
	if change != nil {
		change(&s)
	}
	j, err := f.Submit(f.ctx, s)
	require.NoError(f.t, err)
	return j
}

// claim takes one job at once, or none.
func (f *fixture) claim(w queue.WorkerInfo) *queue.Claimed {
	f.t.Helper()
	jobs, err := f.Claim(f.ctx, w, 1, 0)
	require.NoError(f.t, err)
	if len(jobs) == 0 {
		return nil
	}
	return &jobs[0]
}

func (f *fixture) mustClaim(w queue.WorkerInfo) *queue.Claimed {
	f.t.Helper()
	c := f.claim(w)
	require.NotNil(f.t, c, "expected a job")
	return c
}

func (f *fixture) get(id string) *queue.Job {
	f.t.Helper()
	j, err := f.Get(f.ctx, id)
	require.NoError(f.t, err)
	return j
}

// reapUntil reaps until the condition holds.
func (f *fixture) reapUntil(what string, done func() bool) {
	f.t.Helper()
	require.Eventually(f.t, func() bool {
		_, err := f.Reap(f.ctx, 100)
		require.NoError(f.t, err)
		return done()
	}, 5*time.Second, 10*time.Millisecond, what)
}
