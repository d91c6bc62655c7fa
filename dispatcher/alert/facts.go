package alert

import (
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/queue"
)

// Facts are one reading of what the rules judge. A part that could not be read is nil: its alerts stay as they are.
type Facts struct {
	At        time.Time
	Pools     []resize.PoolView
	Machines  []queue.Machine // each with its pool's full name
	Classes   []queue.ClassDemand
	Dead      map[string]int64    // job type → dead letters
	Unwatched map[string][]string // namespace → pools that no dispatcher resizes
	// NomadDown is why Nomad can't be read, or empty. It is always known.
	NomadDown string
	// Target returns the shortest target wait of the pools that can serve a class, and whether there is such a pool.
	Target func(capability.Requirements) (time.Duration, bool)
}

// finding is a rule's condition that holds for a subject.
type finding struct {
	subject string  // what the alert is about: "pool standard", "machine 1a2b3c4d"
	text    string  // one sentence
	value   float64 // of rules with a threshold
}
