package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/devcluster"
)

// TestACL runs a pool's whole life on a Nomad that enforces ACLs, each part with nothing but the policy that
// `machinectl acl` prints for it: the command, the agent's identity, and a dispatcher that moves a new revision over.
func TestACL(t *testing.T) {
	for _, program := range []string{"nomad", "go"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("skipped: %s is not on PATH", program)
		}
	}
	if testing.Short() {
		t.Skip("skipped: it builds programs, which is long")
	}
	t.Parallel()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-o", dir, "../agent", "../dispatcher")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	address, root := startWithACL(t)
	queue, err := devcluster.Start(t.Context(), devcluster.Options{EmbeddedNomad: true})
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		require.NoError(t, queue.Stop(ctx))
	})

	admin, err := nomad.NewClient(&nomad.Config{Address: address, SecretID: root})
	require.NoError(t, err)
	t.Cleanup(admin.Close)
	token := func(policy string) string {
		made, _, err := admin.ACLTokens().Create(&nomad.ACLToken{Type: "client", Name: policy, Policies: []string{policy}}, nil)
		require.NoError(t, err)
		return made.SecretID
	}
	for _, r := range []string{"cli", "dispatcher", "agent"} {
		text, err := printedPolicy(r)
		require.NoError(t, err)
		p := &nomad.ACLPolicy{Name: "machinectl-" + r, Rules: text}
		if r == "agent" {
			p.JobACL = &nomad.JobACL{Namespace: "default", JobID: "acl"}
		}
		_, err = admin.ACLPolicies().Upsert(p, nil)
		require.NoError(t, err)
	}
	runDispatcher(t, filepath.Join(dir, "dispatcher"), address, token("machinectl-dispatcher"), queue.RedisURL())
	testscript.Run(t, testscript.Params{
		Dir: "testdata/acl", RequireExplicitExec: true, RequireUniqueNames: true, Cmds: commands(), Deadline: time.Now().Add(8 * time.Minute),
		Setup: func(env *testscript.Env) error {
			endQuickly(env.Setenv)
			env.Setenv("NOMAD_ADDR", address)
			env.Setenv("NOMAD_TOKEN", token("machinectl-cli"))
			env.Setenv("MACHINECTL_VAR_agent", filepath.Join(dir, "agent"))
			env.Setenv("MACHINECTL_VAR_redis", queue.RedisURL())
			return nil
		},
	})
}

// printedPolicy is what `machinectl acl` prints.
func printedPolicy(name string) (string, error) {
	path, err := exec.LookPath("machinectl")
	if err != nil {
		return "", err
	}
	out, err := exec.Command(path, "acl", name).Output()
	return string(out), err
}

// startWithACL starts a Nomad that enforces ACLs, and returns its address and its management token.
func startWithACL(t *testing.T) (address, token string) {
	t.Helper()
	dir := t.TempDir()
	var ports []int
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
		require.NoError(t, l.Close())
	}
	config := filepath.Join(dir, "agent.hcl")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, `
data_dir             = %q
bind_addr            = "127.0.0.1"
disable_update_check = true
ports {
  http = %d
  rpc  = %d
  serf = %d
}
advertise {
  http = "127.0.0.1"
  rpc  = "127.0.0.1"
  serf = "127.0.0.1"
}
acl { enabled = true }
server {
  enabled          = true
  bootstrap_expect = 1
}
client {
  enabled           = true
  network_interface = "lo"
  cpu_total_compute = 64000
  memory_total_mb   = 64000
  options           = { "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean" }
}
plugin "raw_exec" {
  config { enabled = true }
}
`, filepath.Join(dir, "data"), ports[0], ports[1], ports[2]), 0o600))
	log, err := os.Create(filepath.Join(dir, "nomad.log"))
	require.NoError(t, err)
	cmd := exec.Command("nomad", "agent", "-config", config)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = append(os.Environ(), "NOMAD_TOKEN=", "NOMAD_ADDR=")
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		collect(t, address, token, filepath.Join(dir, "data", "alloc"))
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
		_ = log.Close()
	})
	address = fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	client, err := nomad.NewClient(&nomad.Config{Address: address})
	require.NoError(t, err)
	defer client.Close()
	require.Eventually(t, func() bool {
		made, _, err := client.ACLTokens().Bootstrap(nil)
		if err == nil {
			token = made.SecretID
		}
		return err == nil
	}, 30*time.Second, 200*time.Millisecond)
	client.SetSecretID(token)
	require.Eventually(t, func() bool {
		nodes, _, err := client.Nodes().List(nil)
		return err == nil && len(nodes) == 1 && nodes[0].Status == nomad.NodeStatusReady
	}, 30*time.Second, 200*time.Millisecond)
	return address, token
}

// collect has Nomad take away what is left of ended machines, whose secrets are mounts that a folder can't be removed with.
func collect(t *testing.T, address, token, folder string) {
	client, err := nomad.NewClient(&nomad.Config{Address: address, SecretID: token})
	require.NoError(t, err)
	defer client.Close()
	require.Eventually(t, func() bool {
		left, err := filepath.Glob(filepath.Join(folder, "*"))
		return err == nil && len(left) == 0 || client.System().GarbageCollect() != nil
	}, 30*time.Second, 500*time.Millisecond)
}

func runDispatcher(t *testing.T, program, address, token, redis string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	listen := l.Addr().String()
	require.NoError(t, l.Close())
	var log strings.Builder
	cmd := exec.Command(program, "-listen", listen, "-redis", redis, "-interval", "1s", "-nomad-addr", address)
	cmd.Env = append(os.Environ(), "NOMAD_TOKEN="+token, "MACHINECTL_ADMIN_TOKEN="+scriptToken)
	cmd.Stdout, cmd.Stderr = &log, &log
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait() // it was told to end
		require.NotContains(t, log.String(), "Permission denied")
		if t.Failed() {
			t.Log(log.String())
		}
	})
	require.Eventually(t, func() bool {
		resp, err := http.Get("http://" + listen + "/readyz")
		return err == nil && resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}, time.Minute, 100*time.Millisecond)
}
