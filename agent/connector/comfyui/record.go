package comfyui

import (
	"encoding/json"

	"github.com/emprops/machinectl/agent/foreign"
)

// How many bytes of a server's texts are kept.
const (
	maxID      = 1 << 10
	maxMessage = 16 << 10 // of an exception, a validation error
)

// room is how many bytes are kept of one output value, and of all outputs of a prompt.
type room struct{ value, record int }

// queueItem is an array [number, prompt id, prompt, extra data, outputs]. Fields of an item of another form stay empty.
type queueItem struct{ promptID, clientID string }

func readQueueItem(s *foreign.Scanner) (q queueItem) {
	for i := range s.Items() {
		switch i {
		case 1:
			q.promptID, _ = s.Text(maxID)
		case 3:
			for name := range s.Fields() {
				if name == "client_id" {
					q.clientID, _ = s.Text(maxID)
				}
			}
		}
	}
	return q
}

// record is a prompt's entry in the history: it has ended.
type record struct {
	// wanted are the ids of the output nodes to execute; nil if the server doesn't list them.
	wanted []string
	left   map[string][]value // by node id
	cached map[string]bool    // nodes that were not computed for this prompt
	status string             // success or error; empty on very old servers, where a record means success
	done   bool               // the status has "completed"
	ending *ending            // the last message about the prompt's end, or nil
}

// value is one output value of a node.
type value struct {
	key string
	raw json.RawMessage // nil if it was too large to keep
}

// ending is the message execution_success, execution_interrupted or execution_error.
type ending struct {
	event                          string
	nodeID, exception, explanation string
}

func readRecord(s *foreign.Scanner, most room) *record {
	r := &record{left: map[string][]value{}, cached: map[string]bool{}}
	for name := range s.Fields() {
		switch name {
		case "prompt":
			for i := range s.Items() {
				if i == 4 {
					r.wanted = readIDs(s)
				}
			}
		case "outputs":
			for id := range s.Fields() {
				r.left[id] = append(r.left[id], readLeft(s, &most)...)
			}
		case "status":
			r.readStatus(s)
		}
	}
	return r
}

// readLeft reads the outputs of one node: usually an object of lists.
func readLeft(s *foreign.Scanner, most *room) (all []value) {
	take := func(key string) {
		raw, ok := s.Value(min(most.value, most.record))
		switch {
		case !ok:
			all = append(all, value{key: key})
		case !isNothing(raw):
			most.record -= len(raw)
			all = append(all, value{key, raw})
		}
	}
	if s.Peek() != foreign.Object {
		take("")
		return all
	}
	for key := range s.Fields() {
		take(key)
	}
	return all
}

// isNothing reports whether a value has no content.
func isNothing(raw json.RawMessage) bool {
	switch string(raw) {
	case "null", "[]", "{}", `""`:
		return true
	default:
		return false
	}
}

func (r *record) readStatus(s *foreign.Scanner) {
	for name := range s.Fields() {
		switch name {
		case "status_str":
			r.status, _ = s.Text(maxID)
		case "completed":
			r.done = s.Bool()
		case "messages":
			for range s.Items() {
				r.readMessage(s)
			}
		}
	}
}

// readMessage reads an array [event, data].
func (r *record) readMessage(s *foreign.Scanner) {
	event := ""
	for i := range s.Items() {
		switch {
		case i == 0:
			event, _ = s.Text(maxID)
		case i == 1 && event == "execution_cached":
			for name := range s.Fields() {
				if name == "nodes" {
					for _, id := range readIDs(s) {
						r.cached[id] = true
					}
				}
			}
		case i == 1 && (event == "execution_success" || event == "execution_interrupted" || event == "execution_error"):
			r.ending = readEnding(s, event)
		}
	}
}

func readEnding(s *foreign.Scanner, event string) *ending {
	e := &ending{event: event}
	for name := range s.Fields() {
		switch name {
		case "node_id":
			e.nodeID, _ = s.Text(maxID)
		case "exception_type":
			e.exception, _ = s.Text(maxID)
		case "exception_message":
			e.explanation, _ = s.Text(maxMessage)
		}
	}
	return e
}

// readIDs reads a list of node ids; other values are left out.
func readIDs(s *foreign.Scanner) []string {
	ids := []string{}
	for range s.Items() {
		if id, ok := s.Text(maxID); ok {
			ids = append(ids, id)
		}
	}
	return ids
}
