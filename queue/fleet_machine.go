package queue

import (
	"time"

	"github.com/emprops/machinectl/capability"
)

// Machine is what an agent reports about its machine: to Redis every 15 s and with each change, published on
// "machine:status". The report of a silent agent expires after MachineTTL.
type Machine struct {
	ID string `json:"id"` // the Nomad allocation's id
	// Pool is the pool's name in its Nomad namespace and region, which agents of former releases don't report.
	Pool      string `json:"pool"`
	Namespace string `json:"namespace,omitempty"`
	Region    string `json:"region,omitempty"`

	Group    string `json:"group"` // the Nomad task group: machine kind and revision
	Index    int    `json:"index"` // the allocation's index in its group
	Node     string `json:"node"`  // the Nomad client's name
	Kind     string `json:"kind"`
	Version  string `json:"version"` // the agent's
	Addr     string `json:"addr"`    // host:port of the agent's health server
	Revision int64  `json:"revision"`
	// State is starting (services not ready), ready, draining (takes no new jobs), or stopping.
	State     string          `json:"state"`
	Reason    string          `json:"reason,omitempty"` // why it isn't ready
	Workers   []WorkerStatus  `json:"workers"`
	Services  []ServiceStatus `json:"services,omitempty"`
	GPUs      []GPUStatus     `json:"gpus,omitempty"`
	GPUNote   string          `json:"gpu_note,omitempty"` // why GPU health is unknown, if it is
	RSS       int64           `json:"rss"`                // the agent's resident memory, bytes
	StartedAt time.Time       `json:"started_at"`
	ReadyAt   *time.Time      `json:"ready_at,omitempty"` // first time ready: ReadyAt − StartedAt is part of the cold start
	At        time.Time       `json:"at"`                 // when this report was written, Redis time
	// Drain is the operator drain in force, or nil. [Client.Machines] adds it to an agent's report.
	Drain *OperatorDrain `json:"drain,omitempty"`
}

// FullPool returns the full name of the machine's pool, region/namespace/name, as far as it is known.
func (m *Machine) FullPool() string {
	if m.Region == "" || m.Namespace == "" {
		return m.Pool
	}
	return m.Region + "/" + m.Namespace + "/" + m.Pool
}

// OperatorDrain keeps a machine from taking jobs until a time that an operator chose.
type OperatorDrain struct {
	Reason string    `json:"reason"`
	Until  time.Time `json:"until"`
}

// Machine states.
const (
	MachineStarting = "starting"
	MachineReady    = "ready"
	MachineDraining = "draining"
	MachineStopping = "stopping"
	MachineGone     = "gone" // published once when an agent shuts down; never stored
)

// MachineTTL is how long a machine's report is kept.
const MachineTTL = 50 * time.Second

// WorkerStatus is one claim loop's report.
type WorkerStatus struct {
	Name        string           `json:"name"`
	State       string           `json:"state"` // starting, idle, busy, draining, failed
	Reason      string           `json:"reason,omitempty"`
	Concurrency int              `json:"concurrency"`
	Jobs        []string         `json:"jobs,omitempty"` // ids it runs now
	Offer       capability.Offer `json:"offer"`
	Completed   int64            `json:"completed"`
	Failed      int64            `json:"failed"`
}

// ServiceStatus is one service instance's report.
type ServiceStatus struct {
	Name  string `json:"name"`
	Ready bool   `json:"ready"`
	Addr  string `json:"addr,omitempty"`
	Error string `json:"error,omitempty"` // of the last failed check
}

// GPUStatus is one GPU as NVML shows it. Sizes are bytes, temperatures degrees Celsius, power watts, use percent.
type GPUStatus struct {
	Index       int     `json:"index"`
	UUID        string  `json:"uuid"`
	Model       string  `json:"model"`
	Driver      string  `json:"driver"`
	MemoryTotal uint64  `json:"memory_total"`
	MemoryUsed  uint64  `json:"memory_used"`
	Use         int     `json:"use"`
	Temperature int     `json:"temperature"`
	Power       float64 `json:"power"`
	Healthy     bool    `json:"healthy"`
	Reason      string  `json:"reason,omitempty"`
}
