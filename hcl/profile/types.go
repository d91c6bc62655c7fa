package profile

import (
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/capability"
)

// Profile is everything one or more profile files say, evaluated: no variables or references are left.
type Profile struct {
	// Project is who owns the pools; empty where the profile doesn't say.
	Project  string
	Machines map[string]*Machine // by name, inheritance already merged; without those which others only extend
	Pools    []*Pool             // in order of declaration
	// EmptyPools are the names of pool blocks that make no pools, because their for_each is empty.
	EmptyPools []string
	// Sources are the bytes of each file, for diagnostics with snippets.
	Sources map[string][]byte
	// Order is the files' names in the order in which diagnostics go through them.
	Order []string
	// Disguise is the same profile with [Hidden] in place of each text that holds a sensitive value; nil where there is none.
	// It has no sources.
	Disguise *Profile
	// Sensitive are the texts of sensitive values, to be hidden in what others say of the machines. Sorted, longest first, none
	// empty. They may be texts of any kind, and occur elsewhere too: where a profile holds them, only its disguise tells.
	Sensitive []string
}

// Kind is what a machine is for.
type Kind string

// The kinds of machine.
const (
	KindGPU    Kind = "gpu"
	KindAPI    Kind = "api"
	KindHybrid Kind = "hybrid"
)

// Driver is the Nomad task driver that runs a machine's tasks.
type Driver string

// The drivers.
const (
	DriverDocker  Driver = "docker"
	DriverExec    Driver = "exec"
	DriverRawExec Driver = "raw_exec"
)

// ofHost reports whether it runs programs of the host. Neither it nor DriverDocker is true of a driver that is unknown after an error.
func (d Driver) ofHost() bool { return d == DriverExec || d == DriverRawExec }

// Machine is a machine block: what one machine consists of.
type Machine struct {
	Name      string
	Kind      Kind
	Driver    Driver
	Image     string // docker only
	Resources Resources
	GPU       *GPU // nil: none
	Setup     *Setup
	Agent     Agent
	Services  []*Service
	Workers   []*Worker
	// StartTime is the author's guess of a cold start, for scaling until one was measured. Default 60 s.
	StartTime  time.Duration
	Env        map[string]string // of every task; a task's own wins
	Secrets    map[string]Secret // of every task: environment variable → where its value is
	Network    Network
	Volumes    []*Volume
	Reschedule Reschedule
	Disconnect Disconnect
	Logs       Logs
	NomadBlock *NomadBlock // nil if there is none
	Range      hcl.Range   // of the block's header
}

// Resources is what the machine's tasks get together, or what one task gets.
type Resources struct {
	CPU    int   // MHz; 0 when Cores is set or nothing was said
	Cores  int   // whole reserved cores; 0 when CPU is set
	Memory int64 // bytes
	Disk   int64 // bytes of ephemeral disk, machine only; 0 is Nomad's default
	Range  hcl.Range
}

// GPU is what GPUs a machine needs. Each goes to one instance of a service with per = "gpu".
type GPU struct {
	Count  int    // at least 1
	Device string // Nomad device name, default "nvidia/gpu"; a model may follow: "nvidia/gpu/NVIDIA GeForce RTX 4090"
	Model  string // constraint on the device's model; empty: any, or one of Models
	// Models are several acceptable models, the preferred one first. Model is empty then.
	Models []string
	// MIG is the profile of a slice of a GPU, "3g.47gb": each of the machine's GPUs is such a slice. Empty: whole GPUs.
	MIG    string
	Memory int64  // nominal bytes per GPU, at least; 0: any. A card of 24 GiB reports a little less
	Driver string // version constraint on the NVIDIA driver, ">= 550"; empty: any
	// Constraints and Affinities are about the device, "${device.attr.memory}".
	Constraints []Constraint
	Affinities  []Affinity
	Range       hcl.Range
}

// Setup is the shared-setup task, which runs once before the others start.
type Setup struct {
	Command   string
	Args      []string
	Env       map[string]string
	Secrets   map[string]Secret
	Timeout   time.Duration // default 10 m
	Artifacts []*Artifact
	Restart   Restart
	Resources *Resources
	Range     hcl.Range
}

// Agent is the agent's own part of a machine.
type Agent struct {
	Command                      string   // path of the agent's binary; default per driver
	Args                         []string // before the agent's own
	Artifact                     string   // URL to fetch the binary from; empty: it is on the image or the host
	Redis                        string   // URL
	Blobs                        string   // URL
	Grace                        time.Duration
	GraceAt                      hcl.Range // of Grace
	CommandAt                    hcl.Range // of Command, or of the block; ArtifactAt, RedisAt and BlobsAt likewise
	ArtifactAt, RedisAt, BlobsAt hcl.Range
	Restart                      Restart
	Resources                    Resources
	Env                          map[string]string
	Secrets                      map[string]Secret // environment variable → where its value is
	Range                        hcl.Range
}

// Secret is one item of a Nomad variable; it is rendered on the client and never stands in the job text.
type Secret struct {
	Path string // of the Nomad variable
	Key  string
}

// Service is a service block: a process kept up for the workers.
type Service struct {
	Name          string
	PerGPU        bool   // per = "gpu": one instance per GPU, with that device; else a single instance
	Image         string // docker only; default the machine's
	Command       string
	Args          []string // run-time values (self.port …) are placeholders: see Expand
	Env           map[string]string
	Secrets       map[string]Secret
	Port          string // port label, "http"; empty: it listens nowhere. Dynamic; the command sees it as NOMAD_PORT_<label>
	StaticPort    int    // the port's number on the host; 0: Nomad chooses one
	ContainerPort int    // the number it listens on in its own network; 0: the same as on the host
	Ready         *Ready
	Artifacts     []*Artifact
	KillTimeout   time.Duration  // from KillSignal to SIGKILL; default 10 s
	KillSignal    string         // default SIGTERM
	Config        map[string]any // of the driver, by its own names: see DriverArguments
	Restart       Restart
	Logs          Logs       // default: the machine's
	Resources     *Resources // nil: its share of what the machine has left
	KillAt        hcl.Range  // of KillTimeout
	Range         hcl.Range
}

// Ready is how the service's readiness is checked over HTTP.
type Ready struct {
	Path     string
	Interval time.Duration
	Timeout  time.Duration
	Range    hcl.Range
}

// Worker is a worker block: claim loops of one connector.
type Worker struct {
	Name        string
	Connector   string // the name of one of spec.Connectors that is implemented
	Service     string // name of a service of this machine; one worker per instance
	Concurrency int    // jobs at the same time per worker, default 1
	Count       int    // workers, where there is no service; default 1
	// Offer is what it offers according to the profile; Offer.Type is the connector.
	Offer    capability.Offer
	Settings map[string]string
	Range    hcl.Range
}

// Pool is a pool block: which machine, how many, where, and how they are scaled.
type Pool struct {
	Name       string
	Machine    *Machine
	Min, Max   int
	Scale      Scale
	Placement  Placement
	NomadBlock *NomadBlock // nil if there is none; merged after the machine's
	Priority   int         // Nomad priority, 1–100, default 50
	Range      hcl.Range
}

// Scale is how the pool's size follows demand.
type Scale struct {
	TargetWait   time.Duration
	UpCooldown   time.Duration
	DownCooldown time.Duration
	IdleAfter    time.Duration
	Range        hcl.Range
}

// Placement is where the pool's machines may run.
type Placement struct {
	Region      string
	Namespace   string
	NodePool    string
	Datacenters []string // default ["*"]
	Constraints []Constraint
	Affinities  []Affinity
	Spread      string   // attribute to spread over, "${node.unique.id}"; empty: none
	Spreads     []Spread // with weights and targets, beside Spread
	Range       hcl.Range
}

// Constraint is a Nomad constraint in Nomad's syntax.
type Constraint struct {
	Attribute string
	Operator  string // "=", "!=", ">=", "regexp", "version", …
	Value     string
}
