package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/emprops/machinectl/capability"
)

// AgentVersion is the version of the [Agent] document this code writes and reads.
const AgentVersion = 1

// Agent is the document the compiler renders into the agent task as a file. The agent learns everything else from the
// environment Nomad gives each task: NOMAD_ALLOC_ID (the machine's id), NOMAD_ALLOC_INDEX, NOMAD_GROUP_NAME (the
// revision), NOMAD_JOB_ID (the pool) and NOMAD_ADDR_<label> (where a service instance listens).
type Agent struct {
	Version int    `json:"version"`
	Pool    string `json:"pool"`
	Machine string `json:"machine"`
	Kind    string `json:"kind"` // gpu, api or hybrid
	// Redis is the queue's URL (redis://, rediss://). MACHINE_REDIS_URL in the environment wins over it, so that a URL with
	// a password can come from a secret.
	Redis string `json:"redis,omitempty"`
	// Blobs is the URL of the store for results: file:///path, s3://bucket. MACHINE_BLOB_URL wins over it.
	Blobs string `json:"blobs,omitempty"`
	// Grace is how long a stopping agent may go on finishing jobs before it gives them back. The task's kill_timeout is
	// longer than this by a margin the compiler adds.
	Grace    Duration  `json:"grace"`
	Services []Service `json:"services,omitempty"`
	Workers  []Worker  `json:"workers"`
}

// Service is one service instance: one Nomad task beside the agent's.
type Service struct {
	// Name is the instance's name and that of its Nomad task: "comfyui-gpu0".
	Name string `json:"name"`
	// Port is the Nomad port label; the address is in NOMAD_ADDR_<Port> and, inside bridge networks, as Nomad says there.
	Port string `json:"port,omitempty"`
	// GPU is the index of the machine's GPU that this instance owns, or -1.
	GPU   int    `json:"gpu"`
	Ready *Check `json:"ready,omitempty"`
}

// Check says how to find out over HTTP that a service is up: any 2xx answer.
type Check struct {
	Path     string   `json:"path"`
	Interval Duration `json:"interval"`
	Timeout  Duration `json:"timeout"`
}

// Worker is one claim loop of the agent.
type Worker struct {
	// Name is unique in the machine: "redis-worker-gpu0".
	Name string `json:"name"`
	// Connector is how jobs are run, and the job type: the name of one of [Connectors].
	Connector string `json:"connector"`
	// Service is the instance that the connector talks to, or empty.
	Service string `json:"service,omitempty"`
	// Concurrency is how many jobs it runs at once, at least 1.
	Concurrency int `json:"concurrency"`
	// Offer is what jobs are matched against. The agent adds what it measures on the machine.
	Offer capability.Offer `json:"offer"`
	// Settings are the connector's own, by name; each connector documents and validates its keys.
	Settings map[string]string `json:"settings,omitempty"`
}

// DecodeAgent reads an [Agent] document. Unknown fields, another version and missing parts are errors.
func DecodeAgent(b []byte) (*Agent, error) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	var a Agent
	if err := dec.Decode(&a); err != nil {
		return nil, fmt.Errorf("agent document: %w", err)
	}
	return &a, a.validate()
}

func (a *Agent) validate() error {
	if a.Version != AgentVersion {
		return fmt.Errorf("agent document: version %d, this agent reads version %d: deploy matching binaries", a.Version, AgentVersion)
	}
	if len(a.Workers) == 0 {
		return errors.New("agent document: no workers")
	}
	instances := map[string]bool{}
	for _, s := range a.Services {
		instances[s.Name] = true
	}
	seen := map[string]bool{}
	for i, w := range a.Workers {
		switch {
		case w.Name == "" || seen[w.Name]:
			return fmt.Errorf("agent document: workers[%d]: name %q is empty or used twice", i, w.Name)
		case w.Connector == "" || w.Offer.Type != w.Connector:
			return fmt.Errorf("agent document: worker %q: connector %q and offered type %q must be equal and not empty", w.Name, w.Connector, w.Offer.Type)
		case w.Concurrency < 1:
			return fmt.Errorf("agent document: worker %q: concurrency %d, want at least 1", w.Name, w.Concurrency)
		case w.Service != "" && !instances[w.Service]:
			return fmt.Errorf("agent document: worker %q: no service instance %q", w.Name, w.Service)
		}
		seen[w.Name] = true
	}
	return nil
}

// Duration is a [time.Duration] that is written as text ("30s") in JSON.
type Duration time.Duration

// D returns it as a [time.Duration].
func (d Duration) D() time.Duration { return time.Duration(d) }

// String formats it like time.Duration.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	*d = Duration(v)
	return err
}
