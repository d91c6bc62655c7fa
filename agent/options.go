package agent

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

// Options configure an agent. [FromEnvironment] returns those of an agent that runs as a Nomad task.
type Options struct {
	Spec *manifest.Agent
	// ID, Index, Group and Node identify the machine: the allocation's id, its index in its group, the task group's name, the
	// Nomad client's name. Namespace and Region are the pool's in Nomad, empty outside Nomad.
	ID                string
	Index             int
	Group             string
	Node              string
	Namespace, Region string
	// Version is the agent's version.
	Version string
	// Listen is the address of the health server; port 0 picks a free one. Fallback is tried if Listen's address doesn't
	// belong to this network namespace. Advertise is the address in reports; default the one it listens on.
	Listen, Fallback, Advertise string
	// Addrs are the addresses (host:port) of the services, by port label.
	Addrs map[string]string
	// Token allows its holder to restart services through the health server. If empty, restarts are refused.
	Token string
	// Tasks restarts tasks; nil if there is no Task API.
	Tasks *TaskAPI
	// Connectors are the connectors' factories, by name; default all.
	Connectors map[string]connector.Factory
	// Queue holds further options of the queue; the agent sets its URL and Logger.
	Queue queue.Options

	HeartbeatEvery time.Duration // default 10 s
	ReportEvery    time.Duration // default 15 s
	ProgressEvery  time.Duration // least time between two progress reports of a job, default 500 ms
	ClaimWait      time.Duration // how long one claim waits for a wake-up, default 5 s
	GPUEvery       time.Duration // between two readings of the GPUs, default 10 s

	Logger *slog.Logger
	// Started, if set, is called once with the health server's address.
	Started func(addr string)
}

// FromEnvironment reads the options of an agent that runs as a Nomad task, from the document at MACHINE_SPEC and from
// Nomad's variables. Callers pass os.Getenv and os.Environ().
func FromEnvironment(getenv func(string) string, environ []string) (Options, error) {
	path := getenv(manifest.EnvSpec)
	if path == "" {
		return Options{}, fmt.Errorf("%s is not set: it must name the agent document; machinectl writes both into the Nomad job", manifest.EnvSpec)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return Options{}, fmt.Errorf("agent document: %w", err)
	}
	doc, err := manifest.DecodeAgent(raw)
	if err != nil {
		return Options{}, err
	}
	if url := getenv(manifest.EnvRedis); url != "" {
		doc.Redis = url
	}
	if url := getenv(manifest.EnvBlobs); url != "" {
		doc.Blobs = url
	}
	o := Options{
		Spec: doc, ID: getenv("NOMAD_ALLOC_ID"), Group: getenv("NOMAD_GROUP_NAME"), Node: getenv(manifest.EnvNode),
		Namespace: getenv("NOMAD_NAMESPACE"), Region: getenv("NOMAD_REGION"),
		Listen: getenv("NOMAD_ADDR_" + manifest.PortAgent), Advertise: getenv("NOMAD_ADDR_" + manifest.PortAgent),
		Addrs: addresses(environ), Token: getenv(EnvToken), Tasks: newTaskAPI(getenv),
	}
	o.Queue.Prefix = getenv(manifest.EnvRedisPrefix)
	if port := getenv("NOMAD_PORT_" + manifest.PortAgent); port != "" {
		o.Fallback = ":" + port
	}
	if index := getenv("NOMAD_ALLOC_INDEX"); index != "" {
		if o.Index, err = strconv.Atoi(index); err != nil {
			return Options{}, fmt.Errorf("NOMAD_ALLOC_INDEX: %w", err)
		}
	}
	return o, nil
}

// EnvToken names the environment variable with the token that POST /restart/service requires.
const EnvToken = "MACHINE_AGENT_TOKEN"

// defaults fills in the options that were left out.
func (o Options) defaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.HeartbeatEvery, 10*time.Second)
	set(&o.ReportEvery, 15*time.Second)
	set(&o.ProgressEvery, 500*time.Millisecond)
	set(&o.ClaimWait, 5*time.Second)
	set(&o.GPUEvery, 10*time.Second)
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.Node == "" {
		o.Node, _ = os.Hostname()
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Connectors == nil {
		o.Connectors = connectors()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// prefixProblem explains what is wrong with the prefix of the queue's keys.
func prefixProblem(o Options) error {
	_, err := queue.Prefix(o.Spec.Redis, o.Queue.Prefix)
	return err
}

func (o Options) validate() error {
	switch {
	case o.Spec == nil:
		return errors.New("no agent document")
	case o.ID == "":
		return errors.New("no machine id: NOMAD_ALLOC_ID is not set")
	case o.Spec.Redis == "":
		return fmt.Errorf("no queue: the agent document has no redis URL and %s is not set", manifest.EnvRedis)
	case queue.CheckURL(o.Spec.Redis) != nil:
		return queue.CheckURL(o.Spec.Redis)
	case prefixProblem(o) != nil:
		return prefixProblem(o)
	case o.Spec.Grace < 0:
		return fmt.Errorf("agent document: grace %s is negative", timetext.Duration(o.Spec.Grace.D()))
	}
	for _, w := range o.Spec.Workers {
		if o.Connectors[w.Connector] == nil {
			return fmt.Errorf("worker %q: this agent (%s) has no connector %q, only %s: deploy an agent that has it",
				w.Name, o.Version, w.Connector, strings.Join(slices.Sorted(maps.Keys(o.Connectors)), ", "))
		}
	}
	for _, s := range o.Spec.Services {
		if s.Port != "" && o.Addrs[s.Port] == "" {
			return fmt.Errorf("service %q: its address is unknown: NOMAD_ADDR_%s is not set", s.Name, s.Port)
		}
	}
	return nil
}
