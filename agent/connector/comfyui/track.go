package comfyui

import (
	"fmt"

	"github.com/emprops/machinectl/queue"
)

// track turns the server's messages into one progress: finished nodes out of all, plus the fraction of the one that runs.
type track struct {
	w       *workflow
	done    map[string]bool
	current string
	best    float64 // progress never goes back
}

func newTrack(w *workflow) *track {
	return &track{w: w, done: map[string]bool{}}
}

// see takes a message about the prompt and returns the progress, or false where it tells nothing new.
func (t *track) see(e event) (queue.Progress, bool) {
	switch e.Type {
	case "execution_start":
		return t.at("started", 0), true
	case "execution_cached":
		for _, id := range e.Data.Nodes {
			t.finish(id)
		}
		if len(e.Data.Nodes) == 0 {
			return queue.Progress{}, false
		}
		return t.at(fmt.Sprintf("%d of %d nodes cached", len(t.done), len(t.w.nodes)), 0), true
	case "executing":
		if e.Data.Node == nil {
			return queue.Progress{}, false
		}
		if t.current != "" && t.current != *e.Data.Node {
			t.finish(t.current)
		}
		t.current = *e.Data.Node
		return t.at(t.w.name(t.current), 0), true
	case "executed":
		if e.Data.Node != nil {
			t.finish(*e.Data.Node)
		}
		return queue.Progress{}, false
	case "progress":
		if e.Data.Max <= 0 {
			return queue.Progress{}, false
		}
		id := t.current
		if e.Data.Node != nil {
			id = *e.Data.Node
		}
		return t.at(fmt.Sprintf("%s: %g of %g", t.w.name(id), e.Data.Value, e.Data.Max), e.Data.Value/e.Data.Max), true
	default:
		return queue.Progress{}, false
	}
}

// finish counts a node of the workflow; those that nodes make at run time are not counted.
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
