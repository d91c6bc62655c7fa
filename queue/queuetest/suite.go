package queuetest

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
)

// Open opens a queue on a Redis that nothing else uses. Cases that need several clients call it several times and
// expect the same data. It sets URL in the given options.
type Open func(t *testing.T, o queue.Options) *queue.Client

// soon is how long a case waits for what must happen: long enough for a busy machine.
const soon = 30 * time.Second

// fixture is the environment of a case: a queue of its own (by prefix) with short times.
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
			ctx, cancel := context.WithTimeout(context.Background(), 2*soon)
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

// patientCases returns the cases in which nothing may lapse, however busy the machine is.
func patientCases() []testCase {
	return []testCase{
		{"timeout", timeout},
		{"the least capable is woken", leastCapable},
		{"a failed job avoids its machine", keepsOff},
		{"a waiting worker is woken", wakeUp},
		{"a skipped head hides nothing", skippedHead},
	}
}

func cases() []testCase {
	return []testCase{
		{"a job from submit to completion", lifeOfAJob},
		{"priority, then order of submission", ordering},
		{"a job is found at any depth", deepJob},
		{"a retry keeps its place", retryKeepsPlace},
		{"a failure that is not retriable is final", notRetriable},
		{"attempts exhausted", attemptsUsedUp},
		{"a release doesn't count as an attempt", released},
		{"a job with a lost lease is requeued", lostLease},
		{"a restarted machine forfeits its jobs", forfeit},
		{"three lost leases make a job dead", deadByLostLeases},
		{"a stale owner changes nothing", staleOwner},
		{"an ending may be repeated", repeatedEnding},
		{"cancel while waiting", cancelWaiting},
		{"cancel while running", cancelRunning},
		{"requeue", requeue},
		{"not before", notBefore},
		{"deadline", deadline},
		{"idempotency key", idempotency},
		{"parked until a worker fits", parkedJob},
		{"drain", drain},
		{"an operator's drain", operatorDrain},
		{"a heartbeat renews and reports", heartbeat},
		{"demand", demand},
		{"explain", explain},
		{"events", events},
		{"list", list},
		{"machines", machines},
		{"large parameters and results", large},
		{"bad submissions", badSubmissions},
		{"batch claims", batchClaim},
		{"batch claims over many audiences", manyAudiences},
		{"concurrent workers", workersAtOnce},
		{"concurrent submissions", submissionsAtOnce},
		{"silent workers are removed", silentWorkers},
		{"pause and resume", pause},
		{"a limit per tenant", tenantLimit},
		{"a limit per type", typeLimit},
		{"a limited rate", rateLimit},
		{"fair share", fairShare},
		{"batch submission", batch},
		{"a turn", turn},
		{"durable submission", durable},
		{"ended jobs are deleted", retention},
		{"each end of a job with a webhook is announced", webhookEnds},
		{"the life of a webhook's delivery", webhookLife},
		{"webhook secrets and disabled endpoints", webhookSetup},
		{"classes are capped and collected", classCap},
	}
}

// offer returns a worker's offer of type simulation with the given flags.
func offer(flags ...string) capability.Offer {
	return capability.Offer{Type: "simulation", Flags: flags, Attrs: map[string]any{"gpu.memory": "24GiB"}}
}

func worker(machine string, index int, o capability.Offer) queue.WorkerInfo {
	return queue.WorkerInfo{Machine: machine, Index: index, Name: "w", Offer: o}
}

// register registers a worker of the given machine that offers the flags.
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
	s := queue.Submission{Type: "simulation", Parameters: json.RawMessage(`{"duration":"1s"}`), Timeout: wiretime.Duration(time.Minute)}
	if change != nil {
		change(&s)
	}
	j, err := f.Submit(f.ctx, s)
	require.NoError(f.t, err)
	return j
}

// claim claims one job without waiting. It returns nil if there is none.
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
	}, soon, 10*time.Millisecond, what)
}
