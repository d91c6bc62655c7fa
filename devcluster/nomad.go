package devcluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/devcluster/child"
	"github.com/emprops/machinectl/devcluster/gpu"
)

// simgpuName is the file name of the device plugin; its block in Nomad's configuration must have the same name.
const simgpuName = "nomad-device-simgpu"

// nomadPorts is the number of ports that an agent listens on: HTTP, RPC and serf.
const nomadPorts = 3

// nomadAgent is a real Nomad, server and client in one process.
type nomadAgent struct {
	path, dir, config string
	tmp               string // TMPDIR of the agent and its tasks
	http, rpc, serf   int
	keeper            *child.Keeper
	log               *slog.Logger
	proc              *daemon
	gpus              int
}

func newNomadAgent(o Options, path, dir string, gpus gpu.Spec, ports []int, k *child.Keeper) (*nomadAgent, error) {
	n := &nomadAgent{path: path, dir: filepath.Join(dir, "nomad"), tmp: filepath.Join(dir, tmpName), keeper: k, http: ports[0], rpc: ports[1], serf: ports[2], log: o.Logger, gpus: gpus.Count}
	n.config = filepath.Join(n.dir, "agent.hcl")
	plugins := filepath.Join(n.dir, "plugins")
	if err := os.MkdirAll(plugins, 0o755); err != nil {
		return nil, fmt.Errorf("devcluster: %w", err)
	}
	if gpus.Count > 0 {
		if err := installPlugin(o.SimGPUBinary, plugins); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(n.config, []byte(nomadConfig(o, n.dir, ports, gpus)), 0o600); err != nil {
		return nil, fmt.Errorf("devcluster: %w", err)
	}
	return n, nil
}

// installPlugin copies the device plugin into Nomad's plugin folder. A link would not do, because it would keep its
// target's name.
func installPlugin(binary, dir string) error {
	if binary == "" {
		binary = find(simgpuName)
	}
	if binary == "" {
		return fmt.Errorf("devcluster: simulated GPUs on a real Nomad need the device plugin %s: run `make build` and name it in Options.SimGPUBinary", simgpuName)
	}
	in, err := os.Open(binary)
	if err != nil {
		return fmt.Errorf("devcluster: device plugin: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(filepath.Join(dir, simgpuName), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return fmt.Errorf("devcluster: device plugin: %w", err)
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// nomadConfig returns the agent's configuration. Cloud fingerprinters are off, because they take seconds to find no
// metadata service.
func nomadConfig(o Options, dir string, ports []int, gpus gpu.Spec) string {
	var b strings.Builder
	low := 20000 + rand.IntN(56)*200 // so that two clusters on one machine rarely pick the same ports
	fmt.Fprintf(&b, `# written by devcluster
name                 = "devcluster"
data_dir             = %q
plugin_dir           = %q
bind_addr            = "127.0.0.1"
disable_update_check = true
leave_on_terminate   = false
log_level            = "INFO"

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
server {
  enabled          = true
  bootstrap_expect = 1
}
client {
  # Nomad removes ended allocations, with their logs, where the disk is four fifths full; a laptop's often is.
  gc_disk_usage_threshold = 99
  enabled           = true
  network_interface = "lo"
  cpu_total_compute = %d
  memory_total_mb   = %d
  min_dynamic_port  = %d
  max_dynamic_port  = %d
  options = {
    "fingerprint.denylist" = "env_aws,env_gce,env_azure,env_digitalocean"
  }
}
plugin "raw_exec" {
  config {
    enabled = true
  }
}
`, filepath.Join(dir, "data"), filepath.Join(dir, "plugins"), ports[0], ports[1], ports[2], o.CPU, o.Memory, low, low+799)
	if gpus.Count > 0 {
		fmt.Fprintf(&b, `plugin %q {
  config {
    count        = %d
    model        = %q
    memory       = %d
    driver       = %q
    control_file = %q
  }
}
`, simgpuName, gpus.Count, gpus.Model, gpus.Memory, gpus.Driver, gpus.ControlFile)
	}
	return b.String()
}

func (n *nomadAgent) addr() string { return fmt.Sprintf("http://127.0.0.1:%d", n.http) }

func (n *nomadAgent) start(ctx context.Context) error {
	if n.proc != nil && n.proc.running() {
		return errors.New("devcluster: nomad is already running")
	}
	cmd := exec.Command(n.path, "agent", "-config", n.config)
	cmd.Dir = n.dir
	cmd.Env = nomadEnv(n.tmp)
	var err error
	if n.proc, err = startDaemon(n.keeper, cmd, filepath.Join(n.dir, "nomad.log")); err != nil {
		return err
	}
	client, err := api.NewClient(&api.Config{Address: n.addr()})
	if err != nil {
		return fmt.Errorf("devcluster: %w", err)
	}
	defer client.Close()
	return n.proc.await(ctx, func(ctx context.Context) error { return n.ready(ctx, client) })
}

// nomadEnv returns this process's environment without the variables that configure the agent, and with a folder for
// temporary files of the agent and its tasks.
func nomadEnv(tmp string) []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "NOMAD_") {
			env = append(env, kv)
		}
	}
	if len(tmp)+len("/plugin1234567890") < socketPath { // go-plugin creates sockets there
		env = append(env, "TMPDIR="+tmp)
	}
	return env
}

// socketPath is the length of a Unix socket's path that every system accepts.
const socketPath = 104

// ready returns an error unless the node is up and has all its GPUs.
func (n *nomadAgent) ready(ctx context.Context, client *api.Client) error {
	q := (&api.QueryOptions{}).WithContext(ctx)
	if err := n.isOurs(client, q); err != nil {
		return err
	}
	nodes, _, err := client.Nodes().List(q)
	if err != nil {
		return err
	}
	if len(nodes) == 0 || nodes[0].Status != api.NodeStatusReady {
		return errors.New("the node isn't ready")
	}
	node, _, err := client.Nodes().Info(nodes[0].ID, q)
	if err != nil {
		return err
	}
	found := 0
	for _, d := range node.NodeResources.Devices {
		found += len(d.Instances)
	}
	if found < n.gpus {
		return fmt.Errorf("the node shows %d of %d GPUs", found, n.gpus)
	}
	if d := node.Drivers["raw_exec"]; d == nil || !d.Healthy {
		return errors.New("the node has no raw_exec yet")
	}
	return nil
}

// isOurs checks that our Nomad answers, by its other ports: another process's Nomad may have come to the port first.
func (n *nomadAgent) isOurs(client *api.Client, q *api.QueryOptions) error {
	var self api.AgentSelf
	if _, err := client.Raw().Query("/v1/agent/self", &self, q); err != nil {
		return err
	}
	if int(self.Member.Port) != n.serf || self.Member.Tags["port"] != strconv.Itoa(n.rpc) {
		return fmt.Errorf("another Nomad, %s, answers on port %d", self.Member.Name, n.http)
	}
	return nil
}

func (n *nomadAgent) kill() error { return n.proc.kill() }

// stop tells Nomad to stop all jobs, waits a moment for their tasks, and ends the agent. Remaining processes are killed
// with the cluster's others.
func (n *nomadAgent) stop(ctx context.Context) error {
	if n.proc == nil || !n.proc.running() {
		return nil
	}
	polite, cancel := context.WithTimeout(ctx, taskGrace)
	defer cancel()
	if err := n.stopJobs(polite); err != nil {
		n.log.Info("tasks still running after stop", "error", err)
	}
	return n.proc.terminate(ctx)
}

func (n *nomadAgent) stopJobs(ctx context.Context) error {
	client, err := api.NewClient(&api.Config{Address: n.addr()})
	if err != nil {
		return err
	}
	defer client.Close()
	q := (&api.QueryOptions{Namespace: api.AllNamespacesNamespace}).WithContext(ctx)
	jobs, _, err := client.Jobs().List(q)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if _, _, err := client.Jobs().Deregister(j.ID, false, (&api.WriteOptions{Namespace: j.Namespace}).WithContext(ctx)); err != nil {
			return err
		}
	}
	for {
		list, meta, err := client.Allocations().List(q)
		if err != nil {
			return err
		}
		left := slices.ContainsFunc(list, func(a *api.AllocationListStub) bool {
			return a.ClientStatus == api.AllocClientStatusPending || a.ClientStatus == api.AllocClientStatusRunning
		})
		if !left {
			return nil
		}
		q.WaitIndex = meta.LastIndex
	}
}
