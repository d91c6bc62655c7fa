package plan

import "time"

// Failure says why waiting for a pool's machines any longer would be in vain.
type Failure struct {
	// Machine is the first that failed; its Failing is not nil.
	Machine Machine `json:"machine"`
	// Log is the end of what the task wrote, Stream where to: stderr or stdout. Empty where it wrote nothing.
	Log    []string `json:"log,omitempty"`
	Stream string   `json:"stream,omitempty"`
}

// tooOften is how many machines may fail for good in one place, one after the other, while others of the revision work.
const tooOften = 3

// history is what was already so of a pool's machines when it began to be waited for: that they failed long ago says nothing
// about the revision now.
type history struct {
	restarts map[string]int // by machine
	failed   map[string]bool
	replaces map[slot]int
	settling map[string]settling
}

// settling is a machine that was ready again after a restart when it was first seen so.
type settling struct {
	restarts int
	since    time.Time
}

// settleTime is how long a machine whose tasks were restarted has to stay ready: between two crashes it looks ready too.
const settleTime = 10 * time.Second

// slot is where in a group a machine stands.
type slot struct {
	group string
	index int
}

func newHistory(machines []Machine) *history {
	h := &history{restarts: map[string]int{}, failed: map[string]bool{}, replaces: map[slot]int{}, settling: map[string]settling{}}
	for _, m := range machines {
		if m.Failing != nil {
			h.restarts[m.ID], h.failed[m.ID] = m.Failing.Restarts, m.Failing.Final
		}
		h.replaces[slot{m.Group, m.Index}] = m.Replaces
	}
	return h
}

// failure decides whether a group's machines can still become ready. They can't where
//
//   - a machine has failed: a task has used up its restarts, at once or over a longer time, and
//   - no other one is ready or on its way for the first time.
//
// Nomad goes on trying in growing pauses, but has tried everything that is different by then: what fails is the revision. A
// machine that fails while others are ready is its node's matter; only where its successors fail too is it given up.
// Machines that Nomad finds no place for, and slow ones, are no failure.
func (h *history) failure(group string, machines []Machine) *Failure {
	var first *Failure
	hope, often := false, false
	for _, m := range machines {
		if m.Group != group {
			continue
		}
		again := m.Replaces - h.replaces[slot{m.Group, m.Index}]
		if !h.isFailed(m) {
			hope = hope || m.State == Ready || again <= 0 && m.State != Stopping
			continue
		}
		often = often || again+1 >= tooOften
		if first == nil {
			first = &Failure{Machine: m}
		}
	}
	if hope && !often {
		return nil
	}
	return first
}

// isFailed: a task has used up its restarts since the waiting began.
func (h *history) isFailed(m Machine) bool {
	f := m.Failing
	switch {
	case f == nil || m.State == Ready || h.failed[m.ID]:
		return false
	case f.Final:
		return true
	default:
		return f.Restarts-h.restarts[m.ID] > f.Attempts
	}
}

// isSettled: the machine is ready, and it wasn't just restarted.
func (h *history) isSettled(m Machine, now time.Time) bool {
	f := m.Failing
	if m.State != Ready || f == nil || f.Restarts <= h.restarts[m.ID] {
		return m.State == Ready
	}
	was, seen := h.settling[m.ID]
	if !seen || was.restarts != f.Restarts {
		was = settling{f.Restarts, now}
		h.settling[m.ID] = was
	}
	return now.Sub(was.since) >= settleTime
}
