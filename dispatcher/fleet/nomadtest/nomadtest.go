// Package nomadtest starts a real Nomad for tests and registers small pools in it, whose machines run `sleep`.
//
// It is not a stand-in, which is in package devcluster: without nomad on PATH, tests skip with a message.
package nomadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/nomad/api"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/hcl/manifest"
)

const config = `
bind_addr  = "127.0.0.1"
log_level  = "WARN"
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
client {
  network_interface = "lo"
  memory_total_mb   = %d
  cpu_total_compute = 4000
  options = {
    "driver.allowlist"     = "raw_exec"
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean,consul,vault,cni"
  }
}
plugin "raw_exec" {
  config { enabled = true }
}
leave_on_interrupt = true
`

// MemoryMB is how much memory the node offers: it takes as many machines of [Machine.MemoryMB] as fit.
const MemoryMB = 1000

// Start runs a Nomad server and client until the test ends, with nothing left behind.
func Start(t testing.TB) *api.Client {
	t.Helper()
	return start(t, config, func(*api.Client) {})
}

// StartWithACLs is [Start] with access control. The client may do everything, by the secret of its token.
func StartWithACLs(t testing.TB) (client *api.Client, secret string) {
	t.Helper()
	client = start(t, config+"acl {\n  enabled = true\n}\n", func(client *api.Client) {
		require.Eventually(t, func() bool {
			token, _, err := client.ACLTokens().Bootstrap(nil)
			if err == nil {
				secret = token.SecretID
				client.SetSecretID(secret)
			}
			return err == nil
		}, 60*time.Second, 100*time.Millisecond, "nomad makes no first token")
	})
	return client, secret
}

// Token returns the secret of a new token with a policy of this name, which the test may change later with [Allow].
func Token(t testing.TB, client *api.Client, policy, rules string) string {
	t.Helper()
	Allow(t, client, policy, rules)
	token, _, err := client.ACLTokens().Create(&api.ACLToken{Name: policy, Type: "client", Policies: []string{policy}}, nil)
	require.NoError(t, err)
	return token.SecretID
}

// Allow sets the rules of a policy.
func Allow(t testing.TB, client *api.Client, policy, rules string) {
	t.Helper()
	_, err := client.ACLPolicies().Upsert(&api.ACLPolicy{Name: policy, Rules: rules}, nil)
	require.NoError(t, err)
}

// In returns a client of the same Nomad for another namespace, which it creates.
func In(t testing.TB, client *api.Client, namespace, secret string) *api.Client {
	t.Helper()
	_, err := client.Namespaces().Register(&api.Namespace{Name: namespace}, nil)
	require.NoError(t, err)
	return As(t, client, namespace, secret)
}

// As returns a client of the same Nomad for a namespace and a token.
func As(t testing.TB, client *api.Client, namespace, secret string) *api.Client {
	t.Helper()
	other, err := api.NewClient(&api.Config{Address: client.Address(), Namespace: namespace, SecretID: secret})
	require.NoError(t, err)
	t.Cleanup(other.Close)
	return other
}

func start(t testing.TB, config string, prepare func(*api.Client)) *api.Client {
	t.Helper()
	path, err := exec.LookPath("nomad")
	if err != nil {
		t.Skip("skipped: nomad is not on PATH")
	}
	// The test's temporary folder has a long name, and Nomad's sockets need a short one.
	dir, err := os.MkdirTemp("", "nomad")
	require.NoError(t, err)
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Log("nomad's folder was not removed:", err)
		}
	})
	ports := freePorts(t, 3)
	file := filepath.Join(dir, "agent.hcl")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, config, ports[0], ports[1], ports[2], MemoryMB), 0o600))
	var log bytes.Buffer
	cmd := exec.Command(path, "agent", "-dev", "-config", file)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	client, err := api.NewClient(&api.Config{Address: fmt.Sprintf("http://127.0.0.1:%d", ports[0])})
	require.NoError(t, err)
	t.Cleanup(func() {
		stopJobs(client)
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Log("nomad had already ended:", err)
		}
		select {
		case err := <-ended:
			t.Log("nomad has ended:", err)
		case <-time.After(20 * time.Second):
			t.Error("nomad did not stop and was killed", errors.Join(cmd.Process.Kill(), <-ended))
		}
		client.Close()
		if t.Failed() {
			t.Logf("nomad's log:\n%s", log.String())
		}
	})
	prepare(client)
	require.Eventually(t, func() bool {
		nodes, _, err := client.Nodes().List(nil)
		return err == nil && len(nodes) == 1 && nodes[0].Status == api.NodeStatusReady && nodes[0].Drivers["raw_exec"] != nil && nodes[0].Drivers["raw_exec"].Healthy
	}, 60*time.Second, 100*time.Millisecond, "nomad did not come up:\n%s", &log)
	return client
}

func stopJobs(client *api.Client) {
	all := &api.QueryOptions{Namespace: api.AllNamespacesNamespace}
	jobs, _, err := client.Jobs().List(all)
	if err != nil {
		return
	}
	for _, j := range jobs {
		_, _, _ = client.Jobs().Deregister(j.ID, true, &api.WriteOptions{Namespace: j.Namespace})
	}
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		allocs, _, err := client.Allocations().List(&api.QueryOptions{Namespace: api.AllNamespacesNamespace, Filter: `ClientStatus == "running"`})
		if err != nil || len(allocs) == 0 {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		var lc net.ListenConfig
		l, err := lc.Listen(context.Background(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// Machine describes a revision of a test pool.
type Machine struct {
	Group    string // "<machine>-<revision>"
	Count    int
	Script   string // what its one task runs; by default it sleeps forever
	MemoryMB int    // default 10
	GPUs     int    // nvidia/gpu devices; the node of [Start] has none
	Needs    string // if set, a constraint that no node meets
	Restarts int    // how often a crashed task is restarted in place; default 50, -1 never
	Policy   manifest.Policy
}

// Pool registers a pool with these revisions and returns once Nomad has evaluated it.
func Pool(t testing.TB, client *api.Client, name string, machines ...Machine) {
	t.Helper()
	job := api.NewServiceJob(name, name, "global", 50)
	job.Datacenters = []string{"*"}
	job.Meta = map[string]string{manifest.MetaManaged: manifest.MetaManagedValue}
	job.Update = &api.UpdateStrategy{MaxParallel: ptr(0)}
	for _, m := range machines {
		job.TaskGroups = append(job.TaskGroups, m.group(t, name))
	}
	resp, _, err := client.Jobs().Register(job, nil)
	require.NoError(t, err)
	WaitEval(t, client, resp.EvalID)
}

func (m Machine) group(t testing.TB, pool string) *api.TaskGroup {
	m.Policy.Pool, m.Policy.Machine, m.Policy.Revision = pool, "test", manifest.Revision(m.Group)
	policy, err := m.Policy.Map()
	require.NoError(t, err)
	if m.Script == "" {
		m.Script = "exec sleep 100000"
	}
	if m.Restarts == 0 {
		m.Restarts = 50
	}
	tg := api.NewTaskGroup(m.Group, m.Count)
	tg.Scaling = &api.ScalingPolicy{Min: ptr(int64(0)), Max: ptr(int64(max(m.Policy.Max, m.Count, 1))), Enabled: ptr(false), Policy: policy}
	tg.RestartPolicy = &api.RestartPolicy{Attempts: ptr(max(m.Restarts, 0)), Interval: ptr(time.Hour), Delay: ptr(50 * time.Millisecond), Mode: ptr("fail")}
	tg.ReschedulePolicy = &api.ReschedulePolicy{Attempts: ptr(0), Unlimited: ptr(false)}
	tg.EphemeralDisk = &api.EphemeralDisk{SizeMB: ptr(10)}
	if m.Needs != "" {
		tg.Constraints = []*api.Constraint{api.NewConstraint("${meta."+m.Needs+"}", "=", "yes")}
	}
	task := api.NewTask(manifest.TaskAgent, "raw_exec")
	task.Leader = true
	task.Config = map[string]any{"command": "/bin/sh", "args": []string{"-c", m.Script}}
	task.Resources = &api.Resources{CPU: ptr(20), MemoryMB: ptr(max(m.MemoryMB, 10))}
	if m.GPUs > 0 {
		task.Resources.Devices = []*api.RequestedDevice{{Name: "nvidia/gpu", Count: ptr(uint64(m.GPUs))}}
	}
	task.LogConfig = &api.LogConfig{MaxFiles: ptr(1), MaxFileSizeMB: ptr(1)}
	task.KillTimeout = ptr(10 * time.Second)
	tg.AddTask(task)
	return tg
}

func ptr[T any](v T) *T { return &v }

// WaitEval waits until Nomad has processed an evaluation.
func WaitEval(t testing.TB, client *api.Client, id string) {
	t.Helper()
	require.Eventually(t, func() bool {
		e, _, err := client.Evaluations().Info(id, nil)
		return err == nil && e.Status != api.EvalStatusPending
	}, 10*time.Second, 20*time.Millisecond)
}

// Running waits until the group has n running allocations and none that is starting or stopping, and returns them by name.
func Running(t testing.TB, client *api.Client, pool, group string, n int) map[string]*api.AllocationListStub {
	t.Helper()
	var found map[string]*api.AllocationListStub
	require.Eventually(t, func() bool {
		found = map[string]*api.AllocationListStub{}
		allocs, _, err := client.Jobs().Allocations(pool, true, nil)
		if err != nil {
			return false
		}
		for _, a := range allocs {
			if a.TaskGroup != group {
				continue
			}
			switch {
			case a.ClientStatus == api.AllocClientStatusRunning && a.DesiredStatus == api.AllocDesiredStatusRun:
				found[a.Name] = a
			case a.ClientStatus == api.AllocClientStatusRunning, a.ClientStatus == api.AllocClientStatusPending && a.DesiredStatus == api.AllocDesiredStatusRun:
				return false
			}
		}
		return len(found) == n
	}, 30*time.Second, 50*time.Millisecond, "%d running allocations of %s/%s", n, pool, group)
	return found
}
