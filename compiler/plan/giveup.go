package plan

import "time"

// Failure describes why it is useless to wait for a pool's machines any longer.
type Failure struct {
	// Machine is the first that failed; its Failing is not nil.
	Machine Machine `json:"machine"`
	// Log is the end of the task's output, and Stream is the stream it is from: stderr or stdout. Both are empty if the
	// task wrote nothing.
	Log    []string `json:"log,omitempty"`
	Stream string   `json:"stream,omitempty"`
}

// tooOften is the number of machines that may fail for good in one slot, one after the other, while other machines of the
// revision work.
const tooOften = 3

// history is the state of a pool's machines when waiting began. Failures before that say nothing about the revision.
type history struct {
	restarts map[string]int // by machine
	failed   map[string]bool
	replaces map[slot]int
	settling map[string]settling
}

// settling records when a machine was first observed to be ready again after a restart.
type settling struct {
	restarts int
	since    time.Time
}

// settleTime is how long a machine must stay ready after a restart of a task. Between two crashes it looks ready, too.
const settleTime = 10 * time.Second

// slot is a machine's position in its group.
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

// failure returns why a group's machines can't become ready, or nil if they still can. They can't if
//
//   - a machine has failed, that is, a task has used up its restarts, and
//   - no other machine is ready or starting for the first time.
//
// Nomad continues to try in growing intervals, but by then the cause is the revision. If a machine fails while others are
// ready, the cause is its node; it is a failure only if its successors fail, too. Machines that Nomad can't place, and
// slow ones, are not failures.
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

// isFailed reports whether a task of the machine has used up its restarts since waiting began.
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

// isSettled reports whether the machine is ready and wasn't just restarted.
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
