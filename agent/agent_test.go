package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).writeLoop"))
}

// soonEnough bounds every wait of these tests for what should happen immediately.
const soonEnough = 30 * time.Second

// running is an agent under test.
type running struct {
	t    *testing.T
	addr string
	stop context.CancelFunc // SIGTERM
	done chan error
}

// options are those of a machine with one simulation worker.
func options(t *testing.T, url string) Options {
	return Options{
		Spec: &manifest.Agent{
			Version: manifest.AgentVersion, Pool: "test", Machine: "sim", Kind: "api", Redis: url, Blobs: "file://" + t.TempDir(), Grace: wiretime.Duration(5 * time.Second),
			Workers: []manifest.Worker{simulationWorker("w0", 1)},
		},
		ID: "machine-" + t.Name()[4:], Group: "sim-00000000",
		HeartbeatEvery: 200 * time.Millisecond, ReportEvery: 500 * time.Millisecond, ProgressEvery: 20 * time.Millisecond, ClaimWait: time.Second,
		Logger: slog.New(slog.NewTextHandler(newTestWriter(t), &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

func simulationWorker(name string, concurrency int) manifest.Worker {
	return manifest.Worker{Name: name, Connector: "simulation", Concurrency: concurrency, Offer: capability.Offer{Type: "simulation"}}
}

// testWriter logs to the test until that ends: a connector that ignores its context outlives the agent.
type testWriter struct {
	t     *testing.T
	mu    sync.Mutex
	ended bool
}

func newTestWriter(t *testing.T) *testWriter {
	w := &testWriter{t: t}
	t.Cleanup(func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.ended = true
	})
	return w
}

func (w *testWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.t.Logf("%s", p)
	}
	return len(p), nil
}

// start runs an agent; it is stopped with the test, if not before.
func start(t *testing.T, o Options) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, stop: cancel, done: make(chan error, 1)}
	started := make(chan string, 1)
	o.Started = func(addr string) { started <- addr }
	go func() { r.done <- Run(ctx, o) }()
	select {
	case r.addr = <-started:
	case err := <-r.done:
		cancel()
		require.NoError(t, err, "the agent did not start")
	}
	t.Cleanup(func() { r.shutdown() })
	return r
}

// shutdown stops the agent and waits until it has.
func (r *running) shutdown() {
	r.t.Helper()
	r.stop()
	select {
	case err, ok := <-r.done:
		if ok {
			require.NoError(r.t, err)
			close(r.done)
		}
	case <-time.After(30 * time.Second):
		r.t.Fatal("the agent does not stop")
	}
}

// get reads one of the agent's endpoints.
func (r *running) get(path string, into any) int {
	r.t.Helper()
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + r.addr + path)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	require.NoError(r.t, json.Unmarshal(body, into), string(body))
	return resp.StatusCode
}

func (r *running) status() (s fullStatus) {
	r.t.Helper()
	require.Equal(r.t, http.StatusOK, r.get("/status", &s))
	return s
}

// open connects to the queue as a submitter and dispatcher.
func open(t *testing.T, r *queuetest.Redis, o queue.Options) *queue.Client {
	t.Helper()
	o.URL = r.URL
	q, err := queue.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { _ = q.Close() }) // its server may be gone
	return q
}

func submit(t *testing.T, q *queue.Client, s queue.Submission, parameters string, args ...any) string {
	t.Helper()
	if s.Type == "" {
		s.Type = "simulation"
	}
	s.Parameters = json.RawMessage(fmt.Sprintf(parameters, args...))
	job, err := q.Submit(t.Context(), s)
	require.NoError(t, err)
	return job.ID
}

// await waits until a job is as wanted.
func await(t *testing.T, q *queue.Client, id, what string, ok func(*queue.Job) bool) *queue.Job {
	t.Helper()
	var last *queue.Job
	require.Eventually(t, func() bool {
		job, err := q.Get(t.Context(), id)
		if err == nil {
			last = job
		}
		return err == nil && ok(job)
	}, soonEnough, 10*time.Millisecond, "job %s is not %s", id, what)
	return last
}

func awaitState(t *testing.T, q *queue.Client, id string, s queue.State) *queue.Job {
	t.Helper()
	return await(t, q, id, string(s), func(j *queue.Job) bool { return j.State == s })
}

func TestRunsJobs(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	a := start(t, options(t, redis.URL))
	id := submit(t, q, queue.Submission{}, `{"duration": "100ms", "steps": 4, "output_bytes": 1000, "output": {"n": 1}}`)
	job := awaitState(t, q, id, queue.Completed)
	require.Len(t, job.Result.Blobs, 1)
	require.JSONEq(t, `{"n": 1}`, string(job.Result.Data))
	require.Contains(t, job.Result.Blobs[0].URL, "/"+id+"/1/")

	s := a.status()
	require.Equal(t, queue.MachineReady, s.State)
	require.Equal(t, int64(1), s.Workers[0].Completed)
	require.NotNil(t, s.ReadyAt)
	require.Positive(t, s.RSS)
	var h health
	require.Equal(t, http.StatusOK, a.get("/health", &h))
	require.Equal(t, http.StatusOK, a.get("/ready", &h))

	machines, err := q.Machines(t.Context())
	require.NoError(t, err)
	require.Len(t, machines, 1)
	require.Equal(t, a.addr, machines[0].Addr)

	a.shutdown()
	machines, err = q.Machines(t.Context())
	require.NoError(t, err)
	require.Empty(t, machines, "a machine that left in order is still listed")
}

func TestRunsAsManyAtOnceAsItMay(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	o := options(t, redis.URL)
	o.Spec.Workers = []manifest.Worker{simulationWorker("w0", 3), simulationWorker("w1", 1)}
	a := start(t, o)
	var ids []string
	for range 8 {
		ids = append(ids, submit(t, q, queue.Submission{}, `{"duration": "300ms", "steps": 3}`))
	}
	most := 0
	require.Eventually(t, func() bool {
		s := a.status()
		require.LessOrEqual(t, len(s.Workers[0].Jobs), 3)
		require.LessOrEqual(t, len(s.Workers[1].Jobs), 1)
		most = max(most, len(s.Workers[0].Jobs)+len(s.Workers[1].Jobs))
		return s.Workers[0].Completed+s.Workers[1].Completed == 8
	}, soonEnough, 10*time.Millisecond)
	require.Equal(t, 4, most)
	for _, id := range ids {
		awaitState(t, q, id, queue.Completed)
	}
}

func TestWrongSetUpIsRefused(t *testing.T) {
	good := func() Options { return options(t, "redis://127.0.0.1:1") }
	for want, change := range map[string]func(*Options){
		"no agent document":            func(o *Options) { o.Spec = nil },
		"NOMAD_ALLOC_ID":               func(o *Options) { o.ID = "" },
		manifest.EnvRedis:              func(o *Options) { o.Spec.Redis = "" },
		"grace":                        func(o *Options) { o.Spec.Grace = -1 },
		`no connector "quantum"`:       func(o *Options) { o.Spec.Workers[0].Connector = "quantum" },
		`no setting "x"`:               func(o *Options) { o.Spec.Workers[0].Settings = map[string]string{"x": "y"} },
		"NOMAD_ADDR_http":              func(o *Options) { o.Spec.Services = []manifest.Service{{Name: "s", Port: "http"}} },
		"needs a service":              func(o *Options) { o.Spec.Workers[0].Connector = "comfyui" },
		"unknown kind of store":        func(o *Options) { o.Spec.Blobs = "ftp://x" },
		"three slashes":                func(o *Options) { o.Spec.Blobs = "file://x/y" },
		"health server: 192.0.2.1:1: ": func(o *Options) { o.Listen = "192.0.2.1:1" },
	} {
		o := good()
		change(&o)
		require.ErrorContains(t, Run(t.Context(), o), want)
	}
}
