package resize

import (
	"time"

	"github.com/emprops/machinectl/dispatcher/scaler"
)

// PoolView is a pool as the API shows it.
type PoolView struct {
	Pool      string `json:"pool"` // its full name, region/namespace/name
	Region    string `json:"region"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Project   string `json:"project,omitempty"` // the owner
	Machine   string `json:"machine"`
	Min       int    `json:"min"`
	Max       int    `json:"max"`
	// Asked is how many machines have been requested from Nomad; the others count those that exist, by state.
	Asked    int `json:"asked"`
	Ready    int `json:"ready"`
	Starting int `json:"starting"`
	Draining int `json:"draining"`
	Busy     int `json:"busy"`
	Failed   int `json:"failed"`
	// Status is steady, resizing, rolling, stalled, blocked, crashing or unknown; Reason explains why it isn't steady.
	Status string      `json:"status"`
	Reason string      `json:"reason,omitempty"`
	Groups []GroupView `json:"groups"`
	// Paused are the paused types among those that the pool's machines serve: their waiting jobs need no machine.
	Paused []PausedType `json:"paused,omitempty"`
	// Manual is the count that an operator chose, Held why an operator paused the pool; nil if none did.
	Manual *OrderView `json:"manual,omitempty"`
	Held   *OrderView `json:"held,omitempty"`
	// Decision is the last one; Decisions, newest first, are shown for a single pool only.
	Decision  *scaler.Decision  `json:"decision,omitempty"`
	Decisions []scaler.Decision `json:"decisions,omitempty"`
	// DecisionsUnknown explains why earlier decisions are missing; empty if they aren't.
	DecisionsUnknown string    `json:"decisions_unknown,omitempty"`
	ReadAt           time.Time `json:"read_at"` // when Nomad and Redis were last read for this
}

// The values of [PoolView.Status].
const (
	Steady   = "steady"
	Resizing = "resizing"
	Rolling  = "rolling"
	Stalled  = "stalled"
	Blocked  = "blocked"
	Crashing = "crashing"
	Unknown  = "unknown"
	Held     = "paused" // by an operator
)

// PausedType is a job type whose jobs are not started, and why.
type PausedType struct {
	Type   string `json:"type"`
	Reason string `json:"reason"`
}

// GroupView is one revision of a pool's machine.
type GroupView struct {
	Group    string   `json:"group"`
	Revision string   `json:"revision"`
	Wanted   bool     `json:"wanted"` // the pool should end on this revision
	Asked    int      `json:"asked"`
	Target   int      `json:"target"` // what Asked is being moved to
	Ready    int      `json:"ready"`
	Draining []string `json:"draining,omitempty"` // machines that take no more jobs and will be stopped
	Kept     []string `json:"kept,omitempty"`     // machines drained by an operator: they take no jobs, and stay
}
