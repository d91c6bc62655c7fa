package agent

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestRedisIsDownAtTheStart(t *testing.T) {
	redis := queuetest.StartRedis(t)
	redis.Kill()
	a := start(t, options(t, redis.URL))
	var h health
	require.Eventually(t, func() bool {
		return a.get("/health", &h) == http.StatusServiceUnavailable && h.State == queue.MachineReady
	}, soonEnough, 10*time.Millisecond)
	require.Contains(t, h.Problems[0], "queue")
	redis.Start()
	q := open(t, redis, queue.Options{})
	awaitState(t, q, submit(t, q, queue.Submission{}, `{"duration": "10ms"}`), queue.Completed)
	require.Equal(t, http.StatusOK, a.get("/health", &h))
}

func TestStopsWhileRedisIsDown(t *testing.T) {
	redis := queuetest.StartRedis(t)
	redis.Kill()
	start(t, options(t, redis.URL)).shutdown()
}

// TestRedisGoesAway: a job runs through an outage; its result is delivered when Redis is back.
func TestRedisGoesAway(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	a := start(t, options(t, redis.URL))
	id := submit(t, q, queue.Submission{}, `{"duration": "800ms", "output": "precious"}`)
	awaitState(t, q, id, queue.Running)
	redis.Kill()
	require.Eventually(t, func() bool { return !a.status().QueueUp }, soonEnough, 20*time.Millisecond)
	require.Never(t, func() bool { return len(a.status().Workers[0].Jobs) == 0 }, time.Second, 20*time.Millisecond, "the job was given up")
	redis.Start()
	job := awaitState(t, q, id, queue.Completed)
	require.JSONEq(t, `"precious"`, string(job.Result.Data))
	require.Equal(t, 1, job.Attempts)
	awaitState(t, q, submit(t, q, queue.Submission{}, `{"duration": "10ms"}`), queue.Completed)
}

// TestRedisForgetsEverything: Redis comes back empty; the agent registers again by itself.
func TestRedisForgetsEverything(t *testing.T) {
	redis := queuetest.StartRedis(t, "--appendonly", "no")
	start(t, options(t, redis.URL))
	q := open(t, redis, queue.Options{})
	awaitState(t, q, submit(t, q, queue.Submission{}, `{"duration": "10ms"}`), queue.Completed)
	redis.Kill()
	redis.Start()
	awaitState(t, q, submit(t, q, queue.Submission{}, `{"duration": "10ms"}`), queue.Completed)
}

func TestCancelReachesARunningJob(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	o := options(t, redis.URL)
	o.HeartbeatEvery = time.Hour // so that the push delivers it
	a := start(t, o)
	id := submit(t, q, queue.Submission{}, `{"duration": "1h"}`)
	awaitState(t, q, id, queue.Running)
	_, err := q.Cancel(t.Context(), id, "changed my mind")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(a.status().Workers[0].Jobs) == 0 }, soonEnough, 10*time.Millisecond)
	awaitState(t, q, id, queue.Cancelled)
}

func TestCancelByHeartbeat(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	a := start(t, options(t, redis.URL))
	id := submit(t, q, queue.Submission{}, `{"duration": "0s", "fail": "hang"}`) // reports no progress either
	awaitState(t, q, id, queue.Running)
	_, err := q.Cancel(t.Context(), id, "")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(a.status().Workers[0].Jobs) == 0 }, soonEnough, 10*time.Millisecond)
}

// TestLostLease: an agent that was cut off too long loses its job to another; its result is discarded.
func TestLostLease(t *testing.T) {
	redis := queuetest.StartRedis(t)
	fast := queue.Options{Lease: 300 * time.Millisecond}
	q := open(t, redis, fast)
	o := options(t, redis.URL)
	o.Queue, o.HeartbeatEvery, o.ProgressEvery = fast, time.Hour, time.Hour
	first := start(t, o)
	id := submit(t, q, queue.Submission{}, `{"duration": "1500ms", "steps": 2, "output": "ok"}`)
	awaitState(t, q, id, queue.Running)
	require.Eventually(t, func() bool {
		r, err := q.Reap(t.Context(), 10)
		return err == nil && r.Requeued == 1
	}, soonEnough, 20*time.Millisecond)
	o = options(t, redis.URL)
	o.Queue, o.ID, o.HeartbeatEvery = fast, "machine-2", 50*time.Millisecond
	second := start(t, o)
	job := awaitState(t, q, id, queue.Completed)
	require.Equal(t, 1, job.LostLeases)
	require.Eventually(t, func() bool { return len(first.status().Workers[0].Jobs) == 0 }, soonEnough, 10*time.Millisecond)
	require.Equal(t, int64(1), first.status().Workers[0].Completed+second.status().Workers[0].Completed, "two results were accepted")
}

func TestTimeout(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	start(t, options(t, redis.URL))
	id := submit(t, q, queue.Submission{Timeout: wiretime.Duration(time.Second), MaxAttempts: 1}, `{"duration": "1h"}`)
	job := await(t, q, id, "ended", func(j *queue.Job) bool { return j.State.Final() })
	require.Equal(t, connector.Timeout, job.Error.Code)
	require.True(t, job.Error.Retriable)
}

func TestPanicFailsTheJobOnly(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	a := start(t, options(t, redis.URL))
	id := submit(t, q, queue.Submission{MaxAttempts: 1}, `{"duration": "10ms", "fail": "crash"}`)
	job := await(t, q, id, "ended", func(j *queue.Job) bool { return j.State.Final() })
	require.Equal(t, connector.Panic, job.Error.Code)
	awaitState(t, q, submit(t, q, queue.Submission{}, `{"duration": "10ms"}`), queue.Completed)
	require.Equal(t, int64(1), a.status().Workers[0].Failed)
}

func TestFailures(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	o := options(t, redis.URL)
	o.Spec.Blobs = ""
	start(t, o)
	for parameters, code := range map[string]string{
		`{"duration": "10ms", "fail": "final"}`:   connector.Simulated,
		`{"stops": 3}`:                            connector.InvalidParameters,
		`{"duration": "10ms", "output_bytes": 1}`: connector.NoStore,
	} {
		job := awaitState(t, q, submit(t, q, queue.Submission{}, "%s", parameters), queue.Failed)
		require.Equal(t, code, job.Error.Code)
		require.False(t, job.Error.Retriable)
	}
}

func TestShutdownFinishesWhatFits(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	a := start(t, options(t, redis.URL))
	running := submit(t, q, queue.Submission{}, `{"duration": "600ms"}`)
	awaitState(t, q, running, queue.Running)
	waiting := submit(t, q, queue.Submission{}, `{"duration": "10ms"}`)
	a.shutdown()
	job, err := q.Get(t.Context(), running)
	require.NoError(t, err)
	require.Equal(t, queue.Completed, job.State)
	job, err = q.Get(t.Context(), waiting)
	require.NoError(t, err)
	require.Equal(t, queue.Waiting, job.State, "claimed while stopping")
}

func TestShutdownReleasesTheRest(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	o := options(t, redis.URL)
	o.Spec.Grace = wiretime.Duration(100 * time.Millisecond)
	a := start(t, o)
	id := submit(t, q, queue.Submission{}, `{"duration": "1h"}`)
	awaitState(t, q, id, queue.Running)
	began := time.Now()
	a.shutdown()
	require.Less(t, time.Since(began), soonEnough)
	job, err := q.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, queue.Waiting, job.State)
	require.Zero(t, job.Attempts, "a release counts no attempt")
	require.Zero(t, job.LostLeases)
}

func TestDrain(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	o := options(t, redis.URL)
	a := start(t, o)
	awaitState(t, q, submit(t, q, queue.Submission{}, `{"duration": "10ms"}`), queue.Completed)
	require.NoError(t, q.Drain(t.Context(), o.ID, "too many machines", time.Minute))
	id := submit(t, q, queue.Submission{}, `{"duration": "10ms"}`)
	require.Eventually(t, func() bool { return a.status().State == queue.MachineDraining }, soonEnough, 10*time.Millisecond)
	require.Equal(t, "too many machines", a.status().Reason)
	var h health
	require.Equal(t, http.StatusServiceUnavailable, a.get("/ready", &h))
	require.Equal(t, []string{"draining: too many machines"}, h.Problems)
	require.Equal(t, http.StatusOK, a.get("/health", &h))
	job, err := q.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, queue.Waiting, job.State)
	require.NoError(t, q.Undrain(t.Context(), o.ID))
	awaitState(t, q, id, queue.Completed)
	require.Eventually(t, func() bool { return a.status().State == queue.MachineReady }, soonEnough, 10*time.Millisecond)
}
