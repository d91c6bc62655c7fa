package compat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/agent/command"
	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/dispatcher"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/queue"
)

// TestMain makes this binary today's agent where Nomad starts it as one.
func TestMain(m *testing.M) {
	if os.Getenv(manifest.EnvSpec) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := command.Run(ctx, command.Invocation{Getenv: os.Getenv, Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr, Version: today})
		stop()
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

const (
	today = "today"
	pool  = "compat"
	// patience is for a machine without a free processor; nothing here takes seconds on one with.
	patience = 90 * time.Second
)

// TestReleasesMeet runs jobs through each pair of compiler and agent that can meet under today's dispatcher: they complete,
// the pool grows from zero for them and goes back to it.
func TestReleasesMeet(t *testing.T) {
	bin := buildFormer(t)
	self, err := os.Executable()
	require.NoError(t, err)
	for name, pair := range map[string]struct {
		apply func(t *testing.T, w *world, agent string)
		agent string
		says  string // the version in the machine's report
	}{
		"today's compiler, the former agent": {apply: applyToday, agent: filepath.Join(bin, "agent"), says: "dev"},
		"the former compiler, today's agent": {apply: applyWith(filepath.Join(bin, "machinectl")), agent: self, says: today},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			pair.apply(t, w, pair.agent)
			var ids []string
			for i := range 6 {
				ids = append(ids, w.submit(t, fmt.Sprintf(
					`{"type": "simulation", "capabilities": ["fast"], "requires": {"driver": ">=500"}, "priority": %d, "parameters": {"duration": "1s"}}`, 10*i)))
			}
			for _, id := range ids {
				w.until(t, "job "+id+" to complete", func() (bool, any) {
					var job queue.Job
					w.get(t, "/v1/jobs/"+id, &job)
					require.False(t, job.State.Final() && job.State != queue.Completed, "%+v", job)
					return job.State == queue.Completed, job
				})
			}
			var machines struct {
				Machines []queue.Machine `json:"machines"`
			}
			w.get(t, "/v1/machines", &machines)
			require.NotEmpty(t, machines.Machines)
			require.Equal(t, pair.says, machines.Machines[0].Version)
			w.until(t, "the pool to be at zero again", func() (bool, any) {
				allocs, _, err := w.nomad.Jobs().Allocations(pool, false, nil)
				require.NoError(t, err)
				for _, a := range allocs {
					require.NotEqual(t, nomad.AllocClientStatusFailed, a.ClientStatus)
					if a.ClientStatus != nomad.AllocClientStatusComplete {
						return false, a.Name + " is " + a.ClientStatus
					}
				}
				return true, nil
			})
			for _, id := range ids {
				var job queue.Job
				w.get(t, "/v1/jobs/"+id, &job)
				require.Len(t, job.History, 1, "no job was interrupted: %+v", job)
			}
		})
	}
}

const adminToken = "an-admin-token-for-tests"

// authorized sends the dispatcher's admin token.
type authorized struct{}

func (authorized) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+adminToken)
	return http.DefaultTransport.RoundTrip(r)
}

// world is a cluster with today's dispatcher.
type world struct {
	cluster    *devcluster.Cluster
	nomad      *nomad.Client
	dispatcher string // its URL
	blobs      string
	http       *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cluster, err := devcluster.Start(t.Context(), devcluster.Options{EmbeddedNomad: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		require.NoError(t, cluster.Stop(ctx))
	})
	w := &world{cluster: cluster, blobs: t.TempDir(), http: &http.Client{Timeout: patience, Transport: authorized{}}}
	t.Cleanup(w.http.CloseIdleConnections)
	w.nomad, err = nomad.NewClient(&nomad.Config{Address: cluster.NomadAddr()})
	require.NoError(t, err)
	t.Cleanup(w.nomad.Close)
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- dispatcher.Run(ctx, dispatcher.Options{
			Listen: "127.0.0.1:0", AdminToken: adminToken, NomadAddr: cluster.NomadAddr(), Redis: cluster.RedisURL(), Blobs: w.blobs, Interval: 300 * time.Millisecond,
			Ready: func(addr string) { ready <- addr },
		})
	}()
	t.Cleanup(func() { stop(); require.NoError(t, <-ended) })
	select {
	case addr := <-ready:
		w.dispatcher = "http://" + addr
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}
	w.until(t, "the dispatcher to have reached Redis", func() (bool, any) {
		resp, err := w.http.Get(w.dispatcher + "/readyz")
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		return resp.StatusCode == http.StatusOK, resp.Status
	})
	return w
}

// applyToday compiles the pool with today's compiler and registers it.
func applyToday(t *testing.T, w *world, agent string) {
	p, diags := profile.Load([]string{"testdata/pool.hcl"}, profile.Options{Vars: w.variables(agent), Env: os.LookupEnv})
	require.False(t, diags.HasErrors(), diags)
	pools, diags := compiler.Compile(p)
	require.False(t, diags.HasErrors(), diags)
	for _, one := range pools {
		one.Job.Namespace = new(nomad.DefaultNamespace)
	}
	cluster := plan.NewCluster(w.nomad)
	made, err := plan.Make(t.Context(), cluster, pools, plan.MakeOptions{})
	require.NoError(t, err)
	require.NoError(t, plan.Apply(t.Context(), cluster, made, pools, plan.ApplyOptions{}))
}

// applyWith lets another release's machinectl do it.
func applyWith(machinectl string) func(*testing.T, *world, string) {
	return func(t *testing.T, w *world, agent string) {
		args := []string{"apply", "-auto-approve", "-detach"}
		for name, value := range w.variables(agent) {
			args = append(args, "-var", name+"="+value)
		}
		cmd := exec.CommandContext(t.Context(), machinectl, append(args, "testdata/pool.hcl")...)
		cmd.Env = append(os.Environ(), "NOMAD_ADDR="+w.cluster.NomadAddr(), "NOMAD_NAMESPACE=", "NOMAD_TOKEN=")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
	}
}

func (w *world) variables(agent string) map[string]string {
	return map[string]string{"agent": agent, "redis": w.cluster.RedisURL(), "blobs": "file://" + w.blobs}
}

func (w *world) submit(t *testing.T, job string) string {
	t.Helper()
	resp, err := w.http.Post(w.dispatcher+"/v1/jobs", "application/json", bytes.NewReader([]byte(job)))
	require.NoError(t, err)
	var answer struct {
		ID string `json:"id"`
	}
	decode(t, resp, http.StatusCreated, &answer)
	return answer.ID
}

func (w *world) get(t *testing.T, path string, into any) {
	t.Helper()
	resp, err := w.http.Get(w.dispatcher + path)
	require.NoError(t, err)
	decode(t, resp, http.StatusOK, into)
}

func decode(t *testing.T, resp *http.Response, status int, into any) {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Equal(t, status, resp.StatusCode, string(b))
	require.NoError(t, json.Unmarshal(b, into), string(b))
}

// until polls a condition until it holds. If that takes too long it reports the last state, with the agents' logs.
func (w *world) until(t *testing.T, what string, cond func() (ok bool, saw any)) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		ok, saw := cond()
		if ok {
			return
		}
		if time.Now().Before(deadline) {
			continue
		}
		logs, err := filepath.Glob(filepath.Join(w.cluster.Dir(), "nomad", "*", "*", "alloc", "logs", "*.stderr.*"))
		require.NoError(t, err)
		for _, path := range logs {
			b, err := os.ReadFile(path)
			require.NoError(t, err)
			t.Logf("%s\n%s", path, b)
		}
		t.Fatalf("waited %s for %s: %+v", patience, what, saw)
	}
}
