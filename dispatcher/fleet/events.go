package fleet

import (
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/nomad/api"
)

// Event is one count change of a group.
type Event struct {
	At      time.Time
	Group   string
	Total   int // the pool's intended machines after it; −1 if another client made the change
	Message string
	Fitting Fitting
}

// Fitting is how many machines of a pool were found to fit the nodes while a group was wanted.
type Fitting struct {
	Group    string
	Nodes    string
	Machines int
}

func (f Fitting) String() string { return fmt.Sprintf("%d %s %s", f.Machines, f.Group, f.Nodes) }

// parseFitting parses what String formats. It returns the zero Fitting for text that can't be read.
func parseFitting(text string) (f Fitting) {
	if _, err := fmt.Sscanf(text, "%d %s %s", &f.Machines, &f.Group, &f.Nodes); err != nil {
		return Fitting{}
	}
	return f
}

// eventsOf reads the scaling events of all groups, newest first.
func eventsOf(status *api.JobScaleStatusResponse) []Event {
	var events []Event
	for group, s := range status.TaskGroups {
		for _, e := range s.Events {
			if e.Count == nil || e.Error {
				continue
			}
			total := -1
			if n, ok := e.Meta[metaTotal].(float64); ok {
				total = int(n)
			}
			text, _ := e.Meta[metaFits].(string)
			events = append(events, Event{At: time.Unix(0, int64(e.Time)), Group: group, Total: total, Message: e.Message, Fitting: parseFitting(text)})
		}
	}
	slices.SortFunc(events, func(a, b Event) int { return b.At.Compare(a.At) })
	return events
}
