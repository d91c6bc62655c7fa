package scaler

import (
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/manifest"
)

// Snapshot is everything that a decision depends on, read at one moment.
type Snapshot struct {
	Classes []Class `json:"classes"`
	// Unknown explains why the demand could not be read; empty if Classes is complete.
	Unknown string `json:"unknown,omitempty"`
	Pools   []Pool `json:"pools"`
}

// Class is the load of all jobs with the same requirements.
type Class struct {
	ID           string                  `json:"id"`
	Requirements capability.Requirements `json:"requirements"`
	Waiting      int64                   `json:"waiting"`      // jobs
	Running      int64                   `json:"running"`      // jobs
	ArrivalRate  float64                 `json:"arrival_rate"` // jobs per second
	ServiceMean  time.Duration           `json:"service_mean"` // 0 while unknown, which means DefaultService
	// Paused explains why the waiting jobs are not started, in which case they need no machine; empty if they are.
	Paused string `json:"paused,omitempty"`
}

// DefaultService is the service time assumed for a class until its first job has ended.
const DefaultService = time.Minute

// Pool is one pool as seen in Nomad and in its machines' reports.
type Pool struct {
	Name   string          `json:"name"`
	Policy manifest.Policy `json:"policy"` // of the wanted group
	// Count is how many machines have been requested from Nomad, over all groups, without a rollout's surge.
	Count int `json:"count"`
	// Machines are the machines that Nomad has placed and that have not ended.
	Machines []Machine `json:"machines"`
	// Workers are what one more machine would add: as measured, if a machine of the wanted group is ready, else as the
	// policy promises.
	Workers []manifest.Worker `json:"workers"`
	// ColdStart is the measured time from placement to ready; 0 while unknown, which means the policy's estimate.
	ColdStart time.Duration `json:"cold_start"`
	// Unknown explains why the pool's machines could not be read; empty if they were.
	Unknown string `json:"unknown,omitempty"`
	// Blocked explains why Nomad can't place another machine, Crashing why new machines don't become ready; empty if
	// they do.
	Blocked  string `json:"blocked,omitempty"`
	Crashing string `json:"crashing,omitempty"`
	// Scarce explains why Nomad could not place the machine that was requested last; empty once it is time to try
	// again. Meanwhile jobs that another pool may grow for are not assigned to this one.
	Scarce string `json:"scarce,omitempty"`
	// Manual is the number of machines that an operator chose, nil if none did. Held explains why an operator has paused the
	// pool, empty if none has: then nothing changes.
	Manual *Manual `json:"manual,omitempty"`
	Held   string  `json:"held,omitempty"`
	// LastUp and LastDown are the times of the last resize in each direction; zero if none is recorded.
	LastUp   time.Time `json:"last_up"`
	LastDown time.Time `json:"last_down"`
}

// Manual is an operator's choice of a pool's size.
type Manual struct {
	Count int    `json:"count"`
	Text  string `json:"text"` // until when, and why
}

// Machine is one placed machine.
type Machine struct {
	ID    string `json:"id"`
	Ready bool   `json:"ready"` // if not, it is starting
	// Since is when the machine was placed.
	Since time.Time `json:"since"`
	// IdleSince is when the machine last became idle; zero while it runs a job, is starting, or isn't known to be idle.
	IdleSince time.Time `json:"idle_since"`
	// Drained reports whether an operator drained the machine: it takes no more jobs and stays.
	Drained bool `json:"drained,omitempty"`
}

// Decision is how many machines one pool should have, and why.
type Decision struct {
	Pool string    `json:"pool"`
	At   time.Time `json:"at"`
	From int       `json:"from"` // machines requested so far
	Need int       `json:"need"` // machines that the demand needs, plus those drained by an operator
	// Count is how many machines the pool should have. Count = From means no change.
	Count   int      `json:"count"`
	Reasons []Reason `json:"reasons"`
	Loads   []Load   `json:"loads,omitempty"` // the pool's share of each class
}

// Reason is one step of a decision. Reasons are in the order in which the steps were taken.
type Reason struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
}

// Code is a rule's name for programs. The set is fixed, because it is a metrics label.
type Code string

// The rules that a decision can name.
const (
	Unknown      Code = "unknown"       // data is missing: nothing shrinks
	Demand       Code = "demand"        // what the jobs need
	Minimum      Code = "minimum"       // raised to the policy's minimum
	Maximum      Code = "maximum"       // held at the policy's maximum
	Blocked      Code = "blocked"       // Nomad can't place more
	Paused       Code = "paused"        // jobs wait for their type to be resumed, not for a machine
	Scarce       Code = "scarce"        // Nomad recently could not place more: jobs go to other pools first
	Crashing     Code = "crashing"      // new machines don't become ready
	UpCooldown   Code = "up_cooldown"   // grown too recently
	DownCooldown Code = "down_cooldown" // shrunk too recently
	Idle         Code = "idle"          // shrinks: machines have been idle long enough
	NotIdle      Code = "not_idle"      // would shrink, but machines have not been idle long enough
	Manually     Code = "manual"        // an operator chose the number of machines
	Holding      Code = "held"          // an operator paused the pool
	Drained      Code = "drained"       // an operator drained machines: they serve nothing and stay
)

// Load is a pool's share of one class.
type Load struct {
	Class string  `json:"class"`
	Jobs  float64 `json:"jobs"`  // waiting and running jobs of the class that this pool should serve
	Slots float64 `json:"slots"` // worker slots that those jobs need
}

// Serves reports whether a machine of the pool could run such a job.
func (p *Pool) Serves(r capability.Requirements) bool {
	return p.setOf(func(i int) bool { return r.Match(p.Workers[i].Offer) == nil }) != 0
}
