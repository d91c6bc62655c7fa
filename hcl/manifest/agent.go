package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/wiretime"
)

// AgentVersion is the version of the [Agent] document this code writes and reads.
//
// Compilers and agents of different releases meet: machines keep their agent when the profile's author gets a new compiler,
// and the other way round. So a field may be added to the document within a version, if an agent that doesn't know it does
// the right thing without it; what such an agent would do wrong needs a new version, which it refuses. The same holds for
// the [Policy] and [PolicyVersion].
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
	Grace    wiretime.Duration `json:"grace"`
	Services []Service         `json:"services,omitempty"`
	Workers  []Worker          `json:"workers"`
}

// Service is one service instance: one Nomad task beside the agent's.
type Service struct {
	// Name is the instance's name and that of its Nomad task: "comfyui-gpu0".
	Name string `json:"name"`
	// Port is the Nomad port label; the address is in NOMAD_ADDR_<Port>, also inside bridge networks.
	Port string `json:"port,omitempty"`
	// GPU is the index of the machine's GPU that this instance owns, or -1.
	GPU   int    `json:"gpu"`
	Ready *Check `json:"ready,omitempty"`
}

// Check is an HTTP readiness check: a service is up if it answers with any 2xx status.
type Check struct {
	Path     string            `json:"path"`
	Interval wiretime.Duration `json:"interval"`
	Timeout  wiretime.Duration `json:"timeout"`
}

// Worker is one claim loop of the agent.
type Worker struct {
	// Name is unique in the machine: "redis-worker-gpu0".
	Name string `json:"name"`
	// Connector is how jobs are run, and the job type: the name of one of [Connectors].
	Connector string `json:"connector"`
	// Service is the instance that the connector talks to, or empty.
	Service string `json:"service,omitempty"`
	// Concurrency is how many jobs it runs at the same time, at least 1.
	Concurrency int `json:"concurrency"`
	// Offer is what jobs are matched against. The agent adds what it measures on the machine.
	Offer capability.Offer `json:"offer"`
	// Settings are the connector's own, by name; each connector documents and validates its keys.
	Settings map[string]string `json:"settings,omitempty"`
}

// DecodeAgent reads an [Agent] document. Another version and missing parts are errors; unknown fields are a later release's,
// and are ignored.
func DecodeAgent(b []byte) (*Agent, error) {
	if err := checkVersion("agent document", b, AgentVersion, "this agent"); err != nil {
		return nil, err
	}
	var a Agent
	if err := decode("agent document", b, &a); err != nil {
		return nil, err
	}
	return &a, a.validate()
}

// checkVersion refuses a document of another version than the reader's, before anything else in it is read.
func checkVersion(what string, doc []byte, want int, reader string) error {
	var v struct {
		Version json.RawMessage `json:"version"`
	}
	if err := decode(what, doc, &v); err != nil {
		return err
	}
	if text := string(v.Version); text == "" || text == "null" {
		return fmt.Errorf("%s: it has no version, so it wasn't written by machinectl", what)
	}
	switch version, err := strconv.Atoi(string(v.Version)); {
	case err != nil:
		return fmt.Errorf("%s: version %.40s was written by another machinectl; %s reads version %d: deploy a matching one", what, v.Version, reader, want)
	case version > want:
		return fmt.Errorf("%s: version %d was written by a later machinectl; %s reads version %d: deploy a later one", what, version, reader, want)
	case version < want:
		return fmt.Errorf("%s: version %d was written by an earlier machinectl; %s reads version %d: apply the profile again with a matching machinectl", what, version, reader, want)
	}
	return nil
}

// decode reads a document. Its errors contain no text of encoding/json: they are shown as the end of a task's log.
func decode(what string, doc []byte, into any) error {
	err := json.Unmarshal(doc, into)
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		return fmt.Errorf("%s: %s can't be a %s", what, wrong.Field, wrong.Value)
	} else if ok {
		return fmt.Errorf("%s: not a JSON object (%s)", what, wrong.Value)
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("%s: not JSON from byte %d on", what, syntax.Offset)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

func (a *Agent) validate() error {
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
