package comfyui

import (
	"fmt"

	"github.com/emprops/machinectl/queue"
)

// track computes a job's progress from the server's messages: finished nodes out of all, plus the running node's fraction.
type track struct {
	w       *workflow
	done    map[string]bool
	current string
	best    float64 // progress never goes back
}

func newTrack(w *workflow) *track {
	return &track{w: w, done: map[string]bool{}}
}

// again starts over for another prompt of the same workflow.
func (t *track) again() { t.done, t.current = map[string]bool{}, "" }

// observe reads a message about the prompt and returns the progress, or false if the message changes nothing.
func (t *track) observe(e event) (queue.Progress, bool) {
	switch e.kind {
	case "execution_start":
		return t.at("started", 0), true
	case "execution_cached":
		for _, id := range e.nodes {
			t.finish(id)
		}
		if len(e.nodes) == 0 {
			return queue.Progress{}, false
		}
		return t.at(fmt.Sprintf("%d of %d nodes cached", len(t.done), len(t.w.nodes)), 0), true
	case "executing":
		if e.node == "" {
			return queue.Progress{}, false
		}
		if t.current != "" && t.current != e.node {
			t.finish(t.current)
		}
		t.current = e.node
		return t.at(t.w.name(t.current), 0), true
	case "executed":
		if e.node != "" {
			t.finish(e.node)
		}
		return queue.Progress{}, false
	case "progress":
		if e.max <= 0 {
			return queue.Progress{}, false
		}
		id := t.current
		if e.node != "" {
			id = e.node
		}
		return t.at(fmt.Sprintf("%s: %g of %g", t.w.name(id), e.value, e.max), e.value/e.max), true
	default:
		return queue.Progress{}, false
	}
}

// finish counts a node of the workflow. Nodes that are created at run time are not counted.
func (t *track) finish(id string) {
	if _, ok := t.w.nodes[id]; ok {
		t.done[id] = true
	}
	if t.current == id {
		t.current = ""
	}
}

func (t *track) at(message string, fraction float64) queue.Progress {
	total := float64(len(t.w.nodes))
	t.best = max(t.best, min(float64(len(t.done))+min(fraction, 1), total))
	return queue.Progress{Value: t.best, Max: total, Message: message}
}
