package agent

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
	"github.com/emprops/machinectl/agent/gpu"
	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// comfyMachine are the options of a machine with a ComfyUI service and its worker.
func comfyMachine(t *testing.T, url, addr string) Options {
	o := options(t, url)
	o.Spec.Kind = "gpu"
	o.Spec.Services = []manifest.Service{{
		Name: "comfyui-gpu0", Port: "comfyui_gpu0", GPU: 0,
		Ready: &manifest.Check{Path: "/system_stats", Interval: wiretime.Duration(50 * time.Millisecond), Timeout: wiretime.Duration(time.Second)},
	}}
	o.Spec.Workers = []manifest.Worker{{
		Name: "redis-worker-gpu0", Connector: "comfyui", Service: "comfyui-gpu0", Concurrency: 1,
		Offer: capability.Offer{Type: "comfyui", Flags: []string{"gpu"}},
	}}
	o.Addrs = map[string]string{"comfyui_gpu0": addr}
	return o
}

// TestServiceComesAndGoes: a machine starts with its service, loses it in the middle of a job, and finishes the job when it
// is back.
func TestServiceComesAndGoes(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{Backoff: 10 * time.Millisecond, MaxBackoff: 10 * time.Millisecond})
	first, err := comfysim.Start(comfysim.Options{StartTime: 500 * time.Millisecond, NodeTime: 200 * time.Millisecond, CrashAt: 2})
	require.NoError(t, err)
	defer first.Close()
	o := comfyMachine(t, redis.URL, first.Addr())
	o.Queue = queue.Options{Backoff: 10 * time.Millisecond, MaxBackoff: 10 * time.Millisecond}
	a := start(t, o)
	s := a.status()
	require.Equal(t, queue.MachineStarting, s.State)
	require.Contains(t, s.Reason, "service comfyui-gpu0 is not ready")
	require.Equal(t, "starting", s.Workers[0].State)
	var h health
	require.Equal(t, http.StatusServiceUnavailable, a.get("/ready", &h))

	one := submit(t, q, queue.Submission{Type: "comfyui", Capabilities: []string{"gpu"}}, `{"workflow": %s}`, comfytest.Image(1))
	job := awaitState(t, q, one, queue.Completed)
	require.Len(t, job.Result.Blobs, 1)
	require.Equal(t, "image/png", job.Result.Blobs[0].ContentType)

	two := submit(t, q, queue.Submission{Type: "comfyui"}, `{"workflow": %s}`, comfytest.Steps(2, 10, 0.02, "no"))
	<-first.Crashed()
	require.Eventually(t, func() bool { return a.status().State == queue.MachineStarting }, soonEnough, 10*time.Millisecond)
	require.Equal(t, http.StatusServiceUnavailable, a.get("/health", &h))
	require.NoError(t, first.Close())
	second, err := comfysim.Start(comfysim.Options{Listen: first.Addr()})
	require.NoError(t, err)
	defer second.Close()
	job = await(t, q, two, "completed", func(j *queue.Job) bool {
		_, err := q.Reap(t.Context(), 10) // as the dispatcher does, for jobs whose retry is due
		return err == nil && j.State == queue.Completed
	})
	require.Equal(t, "service_restarted", job.History[0].Error.Code)
	require.Equal(t, 2, job.Attempts)
	require.Equal(t, http.StatusOK, a.get("/health", &h))
}

// TestCancelReachesComfyUI: a cancelled job is interrupted where it runs.
func TestCancelReachesComfyUI(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	server, err := comfysim.Start(comfysim.Options{})
	require.NoError(t, err)
	defer server.Close()
	a := start(t, comfyMachine(t, redis.URL, server.Addr()))
	id := submit(t, q, queue.Submission{Type: "comfyui"}, `{"workflow": %s}`, comfytest.Steps(3, 10000, 0.01, "no"))
	await(t, q, id, "under way", func(j *queue.Job) bool { return j.Progress != nil && j.Progress.Value > 1 })
	_, err = q.Cancel(t.Context(), id, "")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(a.status().Workers[0].Jobs) == 0 }, soonEnough, 10*time.Millisecond)
	next := submit(t, q, queue.Submission{Type: "comfyui"}, `{"workflow": %s}`, comfytest.Image(4))
	awaitState(t, q, next, queue.Completed)
}

// TestShutdownWithAHungService: what can't be interrupted is released all the same, within the compiler's margin.
func TestShutdownWithAHungService(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{})
	server, err := comfysim.Start(comfysim.Options{HangAt: 1})
	require.NoError(t, err)
	defer server.Close()
	o := comfyMachine(t, redis.URL, server.Addr())
	o.Spec.Grace = wiretime.Duration(50 * time.Millisecond)
	a := start(t, o)
	id := submit(t, q, queue.Submission{Type: "comfyui"}, `{"workflow": %s}`, comfytest.Image(5))
	await(t, q, id, "under way", func(j *queue.Job) bool { return j.Progress != nil })
	began := time.Now()
	a.shutdown()
	require.Less(t, time.Since(began), 4500*time.Millisecond)
	job, err := q.Get(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, queue.Waiting, job.State)
}

func TestServiceWithoutCheck(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	client := &http.Client{}
	s := newService(manifest.Service{Name: "s", GPU: -1}, l.Addr().String(), nil, func() {})
	require.NoError(t, s.check(t.Context(), client))
	require.NoError(t, l.Close())
	require.Error(t, s.check(t.Context(), client), "nothing listens")
	require.NoError(t, newService(manifest.Service{Name: "s"}, "", nil, func() {}).check(t.Context(), client), "it listens nowhere")
}

// TestSickGPU: the worker of a GPU that fails takes no more jobs and reports why; the other one goes on.
func TestSickGPU(t *testing.T) {
	o := options(t, "redis://127.0.0.1:1")
	o.Spec.Services = []manifest.Service{{Name: "c0", GPU: 0}, {Name: "c1", GPU: 1}}
	o.Spec.Workers = []manifest.Worker{simulationWorker("w0", 1), simulationWorker("w1", 1)}
	o.Spec.Workers[0].Service, o.Spec.Workers[1].Service = "c0", "c1"
	o.Spec.Workers[1].Offer.Attrs = map[string]any{"gpu.memory": "20GiB"}
	a, err := prepare(t.Context(), o.defaults())
	require.NoError(t, err)
	defer a.watch.Close()
	for _, s := range a.services {
		s.set(true, "")
	}
	sick := queue.GPUStatus{Index: 0, UUID: "GPU-a", Model: "RTX", Driver: "550.1", MemoryTotal: 24 << 30, Reason: "critical XID error 79"}
	well := queue.GPUStatus{Index: 1, UUID: "GPU-b", Model: "RTX", Driver: "550.1", MemoryTotal: 24 << 30, Healthy: true}
	foreign := queue.GPUStatus{Index: 2, UUID: "GPU-c"}

	mine, note := a.assign([]queue.GPUStatus{sick, well, foreign}, map[string][]string{"c0": {"GPU-b"}, "c1": {"GPU-a"}})
	require.Empty(t, note)
	require.Equal(t, []queue.GPUStatus{well, sick}, mine)
	require.Equal(t, "failed", a.workers[1].status(false, false).State)
	require.Equal(t, "GPU 0 (GPU-a) is not healthy: critical XID error 79", a.workers[1].gate.reason())
	require.Equal(t, "idle", a.workers[0].status(false, false).State)
	require.Equal(t, queue.MachineReady, a.status().State)
	require.Equal(t, map[string]any{"gpu.model": "RTX", "driver": "550.1", "gpu.memory": "24576MiB"}, a.workers[0].offered().Offer.Attrs)
	require.Equal(t, "20GiB", a.workers[1].offered().Offer.Attrs["gpu.memory"], "what the profile says is kept")

	mine, note = a.assign([]queue.GPUStatus{sick, well}, nil)
	require.Empty(t, note, "as many as the machine has: by index")
	require.Equal(t, []queue.GPUStatus{sick, well}, mine)
	require.Empty(t, a.workers[1].gate.reason(), "its GPU is well again")

	_, note = a.assign([]queue.GPUStatus{sick, well, foreign}, nil)
	require.Contains(t, note, "can't be identified among the 3 that are visible")
}

func TestGPUReaderSaysWhatItSees(t *testing.T) {
	r := gpu.Open()
	defer r.Close()
	all, note := r.Read()
	require.NotEqual(t, len(all) == 0, note == "", "either GPUs or the reason why not")
}

// nomad is Nomad's Task API as far as the agent uses it, on a Unix socket.
type nomad struct {
	mu       sync.Mutex
	restarts []string
	alloc    string // answered for the allocation
}

func startNomad(t *testing.T) (*nomad, func(string) string) {
	n := &nomad{alloc: `{"ID": "alloc-1", "AllocatedResources": {"Tasks": {
		"agent": {"Cpu": {}}, "comfyui-gpu0": {"Devices": [{"Vendor": "nvidia", "DeviceIDs": ["GPU-a"]}]}}}}`}
	socket := filepath.Join(t.TempDir(), "api.sock")
	l, err := net.Listen("unix", socket)
	require.NoError(t, err)
	server := &http.Server{Handler: n, ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { require.NoError(t, server.Shutdown(context.Background())) })
	env := map[string]string{
		"NOMAD_UNIX_ADDR": "unix://" + socket, "NOMAD_TOKEN": "identity", "NOMAD_ALLOC_ID": "alloc-1", "NOMAD_NAMESPACE": "machines",
	}
	return n, func(name string) string { return env[name] }
}

func (n *nomad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer identity" || r.URL.Query().Get("namespace") != "machines" {
		http.Error(w, "Permission denied", http.StatusForbidden)
		return
	}
	switch r.Method + " " + r.URL.Path {
	case "PUT /v1/client/allocation/alloc-1/restart":
		var body struct {
			TaskName string `json:"TaskName"`
		}
		if json.NewDecoder(r.Body).Decode(&body) != nil || body.TaskName == "broken" {
			http.Error(w, "Task not running", http.StatusInternalServerError)
			return
		}
		n.restarts = append(n.restarts, body.TaskName)
		_, _ = w.Write([]byte("{}"))
	case "GET /v1/allocation/alloc-1":
		_, _ = io.WriteString(w, n.alloc)
	default:
		http.NotFound(w, r)
	}
}

func TestTaskAPI(t *testing.T) {
	_, env := startNomad(t)
	devices, err := newTaskAPI(env).Devices(t.Context())
	require.NoError(t, err)
	require.Equal(t, map[string][]string{"comfyui-gpu0": {"GPU-a"}}, devices)
	require.ErrorContains(t, newTaskAPI(env).Restart(t.Context(), "broken"), "Task not running")
	for name, missing := range map[string]string{"no token": "NOMAD_TOKEN", "no address": "NOMAD_UNIX_ADDR"} {
		require.Nil(t, newTaskAPI(func(v string) string {
			if v == missing {
				return ""
			}
			return env(v)
		}), name)
	}
	require.Nil(t, newTaskAPI(func(v string) string {
		return map[string]string{"NOMAD_UNIX_ADDR": "unix:///no/where", "NOMAD_TOKEN": "x"}[v]
	}))
}

// TestTaskAPIAnswersOddly: fields that aren't needed may hold anything; a document without the needed ones doesn't mean a machine without GPUs.
func TestTaskAPIAnswersOddly(t *testing.T) {
	for answer, want := range map[string]string{
		`{"CreateTime": NaN, "Job": {"Meta": null}, "AllocatedResources": {"Shared": "x", "Tasks": {"a": {"Cpu": "many", "Devices": [{"DeviceIDs": ["GPU-a", 7]}, null]}, "b": {"Devices": null}, "c": 5}}}`: "",
		`{}`: "lacks its tasks' resources", `{"AllocatedResources": null}`: "lacks its tasks' resources", `{"AllocatedResources": {"Tasks": []}}`: "lacks its tasks' resources",
		`<html>`: "not JSON", `{"AllocatedResources": {"Tasks": {"a": {}`: "not JSON",
	} {
		n, env := startNomad(t)
		n.alloc = answer
		devices, err := newTaskAPI(env).Devices(t.Context())
		if want != "" {
			require.ErrorContains(t, err, want, answer)
			require.Nil(t, devices)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, map[string][]string{"a": {"GPU-a"}}, devices)
	}
}

func TestRestartNeedsTheToken(t *testing.T) {
	n, env := startNomad(t)
	o := comfyMachine(t, "redis://127.0.0.1:1", "127.0.0.1:1")
	o.Spec.Services = append(o.Spec.Services, manifest.Service{Name: "broken", GPU: -1})
	o.Tasks, o.Token = newTaskAPI(env), "secret"
	closed := o
	closed.Token = ""
	alone := o
	alone.Tasks = nil
	for _, c := range []struct {
		o       Options
		method  string
		service string
		token   string
		want    int
	}{
		{closed, http.MethodPost, "comfyui-gpu0", "Bearer ", http.StatusForbidden},
		{o, http.MethodPost, "comfyui-gpu0", "", http.StatusUnauthorized},
		{o, http.MethodPost, "comfyui-gpu0", "Bearer wrong", http.StatusUnauthorized},
		{o, http.MethodGet, "comfyui-gpu0", "Bearer secret", http.StatusMethodNotAllowed},
		{o, http.MethodPost, "agent", "Bearer secret", http.StatusNotFound},
		{o, http.MethodPost, "broken", "Bearer secret", http.StatusBadGateway},
		{alone, http.MethodPost, "comfyui-gpu0", "Bearer secret", http.StatusServiceUnavailable},
		{o, http.MethodPost, "comfyui-gpu0", "Bearer secret", http.StatusOK},
	} {
		a := start(t, c.o)
		req, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+a.addr+"/restart/service?service="+c.service, nil)
		require.NoError(t, err)
		req.Header.Set("Authorization", c.token)
		resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.Equal(t, c.want, resp.StatusCode, "%+v", c.token)
		a.shutdown()
	}
	require.Equal(t, []string{"comfyui-gpu0"}, n.restarts)
}
