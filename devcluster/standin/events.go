package standin

import "github.com/hashicorp/nomad/api"

// eventBuffer is how many changes the stream can replay, the same as in Nomad.
const eventBuffer = 100

// eventLog keeps the last changes for the event stream. The store's lock guards it.
type eventLog struct {
	batches []api.Events
}

func newEventLog() *eventLog { return &eventLog{} }

func (l *eventLog) add(index uint64, events []api.Event) {
	if len(events) == 0 {
		return
	}
	l.batches = append(l.batches, api.Events{Index: index, Events: events})
	if over := len(l.batches) - eventBuffer; over > 0 {
		l.batches = append([]api.Events(nil), l.batches[over:]...)
	}
}

// since returns the batches with an index above the given one.
func (l *eventLog) since(index uint64) []api.Events {
	for i, b := range l.batches {
		if b.Index > index {
			return append([]api.Events(nil), l.batches[i:]...)
		}
	}
	return nil
}

// topicFilter is one ?topic=Name:key parameter.
type topicFilter struct{ topic, key string }

// selects reports whether a filter matches an event. Without filters every event matches.
func selects(filters []topicFilter, e api.Event) bool {
	if len(filters) == 0 {
		return true
	}
	for _, f := range filters {
		if f.topic != "*" && f.topic != string(e.Topic) {
			continue
		}
		if f.key == "*" || f.key == e.Key {
			return true
		}
		for _, k := range e.FilterKeys {
			if k == f.key {
				return true
			}
		}
	}
	return false
}
