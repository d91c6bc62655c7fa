package devcluster_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/devcluster"
	"github.com/emprops/machinectl/devcluster/child"
)

// hostEnv turns this test binary into a program that hosts a cluster until it is killed.
const hostEnv = "DEVCLUSTER_TEST_HOST"

func TestMain(m *testing.M) {
	if mode := os.Getenv(hostEnv); mode != "" {
		host(mode)
		return
	}
	goleak.VerifyTestMain(m)
}

// host starts a cluster and a job with a stubborn task, prints that it is up, and waits to be killed.
func host(mode string) {
	ctx := context.Background()
	c, err := devcluster.Start(ctx, devcluster.Options{Embedded: mode == "embedded"})
	if err != nil {
		fmt.Println("error:", err)
		return
	}
	if _, err := runJob(c, "stubborn", "trap '' TERM INT HUP; (setsid sleep 1000 &) ; echo up; while :; do sleep 0.1; done"); err != nil {
		fmt.Println("error:", err)
		return
	}
	fmt.Println("dir", c.Dir())
	select {} //nolint:revive // until it is killed
}

func ptr[T any](v T) *T { return &v }

// runJob runs a job with one task and waits until it is up.
func runJob(c *devcluster.Cluster, id, script string) (string, error) {
	client, err := api.NewClient(&api.Config{Address: c.NomadAddr()})
	if err != nil {
		return "", err
	}
	defer client.Close()
	job := &api.Job{ID: &id, Type: ptr("service"), Datacenters: []string{"*"}, Update: &api.UpdateStrategy{MaxParallel: ptr(0)}, TaskGroups: []*api.TaskGroup{{
		Name: ptr("g"), Count: ptr(1), RestartPolicy: &api.RestartPolicy{Attempts: ptr(0), Mode: ptr("fail")},
		Tasks: []*api.Task{{
			Name: "main", Driver: "raw_exec", Config: map[string]any{"command": "/bin/sh", "args": []string{"-c", script}},
			Resources: &api.Resources{CPU: ptr(50), MemoryMB: ptr(32)},
		}},
	}}}
	if _, _, err := client.Jobs().Register(job, nil); err != nil {
		return "", err
	}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		list, meta, err := client.Jobs().Allocations(id, false, &api.QueryOptions{WaitTime: time.Second})
		if err != nil {
			return "", err
		}
		if len(list) == 1 && list[0].ClientStatus == "running" {
			return list[0].ID, nil
		}
		if _, _, err := client.Jobs().Allocations(id, false, &api.QueryOptions{WaitIndex: meta.LastIndex, WaitTime: time.Second}); err != nil {
			return "", err
		}
	}
	return "", fmt.Errorf("job %s did not come up", id)
}

// TestHostKilled: SIGKILL of the process that hosts a cluster ends all of the cluster's processes and removes its
// folder.
func TestHostKilled(t *testing.T) {
	for _, mode := range []string{"embedded", "real"} {
		t.Run(mode, func(t *testing.T) {
			if mode == "real" {
				needs(t, "nomad", "redis-server")
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), hostEnv+"="+mode)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			dir, ok := strings.CutPrefix(strings.TrimSpace(line), "dir ")
			require.True(t, ok, line)
			require.NotEmpty(t, processes(t, dir))
			require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
			require.Error(t, cmd.Wait())
			require.Eventually(t, func() bool {
				_, err := os.Stat(dir)
				return os.IsNotExist(err) && len(processes(t, dir)) == 0
			}, time.Minute, 50*time.Millisecond, "still there: %v", processes(t, dir))
		})
	}
}

func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("skipped: %s is not on PATH", p)
		}
	}
	if testing.Short() {
		t.Skip("skipped: a real Nomad takes a while, and -short was given")
	}
}

// processes returns the running processes whose command line, folder or environment names a folder.
func processes(t *testing.T, dir string) []string {
	t.Helper()
	pids, err := filepath.Glob("/proc/[0-9]*")
	require.NoError(t, err)
	var out []string
	for _, p := range pids {
		cwd, _ := os.Readlink(p + "/cwd")
		cmd, _ := os.ReadFile(p + "/cmdline")
		env, _ := os.ReadFile(p + "/environ")
		if len(cmd) > 0 && (strings.HasPrefix(cwd, dir) || strings.Contains(string(cmd), dir) || strings.Contains(string(env), dir)) {
			out = append(out, filepath.Base(p)+" "+strings.ReplaceAll(string(cmd), "\x00", " "))
		}
	}
	return out
}

func start(t *testing.T, o devcluster.Options) *devcluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	c, err := devcluster.Start(ctx, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(t, c.Stop(ctx))
		require.NoError(t, c.Stop(ctx), "again")
		require.Empty(t, processes(t, c.Dir()))
		_, err := os.Stat(c.Dir())
		require.True(t, os.IsNotExist(err) || o.Dir != "", "the folder is still there")
	})
	return c
}

func TestEmbeddedRedisExpires(t *testing.T) {
	c := start(t, devcluster.Options{Embedded: true})
	require.False(t, c.RealNomad() || c.RealRedis())
	opt, err := redis.ParseURL(c.RedisURL())
	require.NoError(t, err)
	client := redis.NewClient(opt)
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), "k", "v", 200*time.Millisecond).Err())
	require.Eventually(t, func() bool { return client.Exists(t.Context(), "k").Val() == 0 }, 30*time.Second, 20*time.Millisecond)
	require.ErrorIs(t, c.KillNomad(), devcluster.ErrStandIn)
	require.ErrorIs(t, c.KillRedis(), devcluster.ErrStandIn)
}

func TestRealRedisKeepsItsData(t *testing.T) {
	needs(t, "redis-server")
	c := start(t, devcluster.Options{EmbeddedNomad: true, RedisFsync: "always"})
	opt, err := redis.ParseURL(c.RedisURL())
	require.NoError(t, err)
	client := redis.NewClient(opt)
	defer client.Close()
	require.NoError(t, client.Set(t.Context(), "k", "v", 0).Err())
	require.NoError(t, c.KillRedis())
	require.Error(t, client.Get(t.Context(), "k").Err())
	require.NoError(t, c.StartRedis(t.Context()))
	require.Equal(t, "v", client.Get(t.Context(), "k").Val())
	require.Equal(t, "noeviction", client.ConfigGet(t.Context(), "maxmemory-policy").Val()["maxmemory-policy"])
}

// TestNomadKilled: tasks outlive a killed Nomad, which finds them after its restart.
func TestNomadKilled(t *testing.T) {
	needs(t, "nomad")
	c := start(t, devcluster.Options{EmbeddedRedis: true})
	id, err := runJob(c, "survivor", "exec sleep 1000")
	require.NoError(t, err)
	require.NoError(t, c.KillNomad())
	left, err := filepath.Glob("/proc/[0-9]*/environ")
	require.NoError(t, err)
	alive := 0
	for _, f := range left {
		if b, err := os.ReadFile(f); err == nil && strings.Contains(string(b), "NOMAD_ALLOC_ID="+id) && strings.Contains(string(b), child.MarkName) {
			alive++
		}
	}
	require.NotZero(t, alive, "the task ended with Nomad")
	ctx, cancel := context.WithTimeout(t.Context(), 40*time.Second)
	defer cancel()
	require.NoError(t, c.StartNomad(ctx))
	client, err := api.NewClient(&api.Config{Address: c.NomadAddr()})
	require.NoError(t, err)
	defer client.Close()
	a, _, err := client.Allocations().Info(id, nil)
	require.NoError(t, err)
	require.Equal(t, "running", a.ClientStatus)
	require.Zero(t, a.TaskStates["main"].Restarts)
}

func TestOptionsAreChecked(t *testing.T) {
	for name, o := range map[string]devcluster.Options{
		"GPUs": {GPUs: -1}, "memory": {Memory: -1}, "fsync": {RedisFsync: "no"}, "GPUs as": {GPUs: 65},
	} {
		_, err := devcluster.Start(t.Context(), o)
		require.Error(t, err, name)
	}
}

func TestFolderIsChecked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	for _, dir := range []string{"/proc/nope", filepath.Join(file, "below")} {
		_, err := devcluster.Start(t.Context(), devcluster.Options{Dir: dir})
		require.ErrorContains(t, err, "can't keep its files in "+dir)
		require.ErrorContains(t, err, "name a folder with room that can be written to")
	}
	t.Setenv("TMPDIR", filepath.Join(file, "below"))
	_, err := devcluster.Start(t.Context(), devcluster.Options{})
	require.ErrorContains(t, err, "TMPDIR can name another place")
}
