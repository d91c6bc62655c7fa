package scaler

import (
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/spec"
)

// Snapshot is everything the decision depends on, read at one moment.
type Snapshot struct {
	Classes []Class `json:"classes"`
	// Unknown says why the demand could not be read; empty when Classes is complete.
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
	ServiceMean  time.Duration           `json:"service_mean"` // 0 while unknown: DefaultService is assumed
	// Paused says why nobody starts the waiting jobs; empty where they are started. They ask for no machine then.
	Paused string `json:"paused,omitempty"`
}

// DefaultService is the service time assumed of a class of which no job has ended yet.
const DefaultService = time.Minute

// Pool is one pool as Nomad and its machines' own reports show it.
type Pool struct {
	Name   string      `json:"name"`
	Policy spec.Policy `json:"policy"` // of the wanted group
	// Count is how many machines Nomad has been asked for, over all groups, a rollout's surge not counted.
	Count int `json:"count"`
	// Machines are those that Nomad has placed and that have not ended.
	Machines []Machine `json:"machines"`
	// Workers are what one machine more would bring: measured where a machine of the wanted group is ready, else the
	// policy's promise.
	Workers []spec.Worker `json:"workers"`
	// ColdStart is the measured time from placement to ready; 0 while unknown: the policy's guess is used.
	ColdStart time.Duration `json:"cold_start"`
	// Unknown says why the pool's machines could not be read; empty when they could.
	Unknown string `json:"unknown,omitempty"`
	// Blocked says why Nomad can't place another machine, Crashing why new machines do not come up; empty when they do.
	Blocked  string `json:"blocked,omitempty"`
	Crashing string `json:"crashing,omitempty"`
	// Scarce says why Nomad could not place another machine when it was last asked to; empty once it is time to ask again.
	// Jobs that another pool may grow for are not given to this one then.
	Scarce string `json:"scarce,omitempty"`
	// LastUp and LastDown are the times of the last resize in each direction; zero if there is none on record.
	LastUp   time.Time `json:"last_up"`
	LastDown time.Time `json:"last_down"`
}

// Machine is one placed machine.
type Machine struct {
	ID    string `json:"id"`
	Ready bool   `json:"ready"` // else it is starting
	// Since is when it was placed.
	Since time.Time `json:"since"`
	// IdleSince is when it was last seen to begin running nothing; zero while it runs a job, starts, or isn't known to be idle.
	IdleSince time.Time `json:"idle_since"`
	// Drained says that a person asked that it take no more jobs: it serves nothing, and stays.
	Drained bool `json:"drained,omitempty"`
}

// Decision is how many machines one pool should have, and why.
type Decision struct {
	Pool string    `json:"pool"`
	At   time.Time `json:"at"`
	From int       `json:"from"` // machines asked for until now
	Need int       `json:"need"` // machines that the demand alone calls for, beside those that a person drained
	// Count is the answer: machines to have. Count = From means: leave it.
	Count   int      `json:"count"`
	Reasons []Reason `json:"reasons"`
	Loads   []Load   `json:"loads,omitempty"` // the pool's share of each class
}

// Reason is one step of a decision, in the order taken.
type Reason struct {
	Code Code   `json:"code"`
	Text string `json:"text"`
}

// Code names a rule for programs. The set is fixed; it is a metrics label.
type Code string

// The rules that a decision can name.
const (
	Unknown      Code = "unknown"       // data is missing: nothing shrinks
	Demand       Code = "demand"        // what the jobs call for
	Minimum      Code = "minimum"       // raised to the policy's minimum
	Maximum      Code = "maximum"       // held at the policy's maximum
	Blocked      Code = "blocked"       // Nomad can't place more
	Paused       Code = "paused"        // jobs wait for their type to be resumed, not for a machine
	Scarce       Code = "scarce"        // Nomad could not place more lately: jobs go to other pools first
	Crashing     Code = "crashing"      // new machines do not come up
	UpCooldown   Code = "up_cooldown"   // grown too recently
	DownCooldown Code = "down_cooldown" // shrunk too recently
	Idle         Code = "idle"          // shrinks: machines have been idle long enough
	NotIdle      Code = "not_idle"      // would shrink, but machines have not been idle long enough
	Drained      Code = "drained"       // a person drained machines: they serve nothing, and stay
)

// Load is a pool's share of one class.
type Load struct {
	Class string  `json:"class"`
	Jobs  float64 `json:"jobs"`  // of the class's waiting and running jobs, those that this pool is asked to serve
	Slots float64 `json:"slots"` // worker slots that they need
}

// Serves says that one machine of the pool could run such a job.
func (p *Pool) Serves(r capability.Requirements) bool {
	return p.setOf(func(i int) bool { return r.Match(p.Workers[i].Offer) == nil }) != 0
}
