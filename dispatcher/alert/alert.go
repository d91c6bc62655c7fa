package alert

import (
	"slices"
	"strings"
	"time"
)

// The states of an alert.
const (
	Pending  = "pending"
	Firing   = "firing"
	Resolved = "resolved"
)

// Alert is a rule's condition that holds, or held, for a subject.
type Alert struct {
	Rule     string  `json:"rule"`
	Subject  string  `json:"subject"`
	Severity string  `json:"severity"`
	State    string  `json:"state"` // pending, firing or resolved
	Text     string  `json:"text"`  // what is wrong, one sentence
	Value    float64 `json:"value,omitempty"`
	// Since is when the condition began to hold, FiredAt when it had held for the rule's time, ResolvedAt when it ended.
	Since      time.Time  `json:"since"`
	FiredAt    *time.Time `json:"fired_at,omitempty"`
	ResolvedAt *time.Time `json:"resolved_at,omitempty"`
	// Told is what each receiver was told last.
	Told map[string]Telling `json:"told,omitempty"`
}

// Telling is what a receiver was told of an alert.
type Telling struct {
	State string    `json:"state,omitempty"` // that it knows: firing, resolved, or none yet
	At    time.Time `json:"at"`              // of the last try
	Tries int       `json:"tries,omitempty"` // that have failed since it was told
	Error string    `json:"error,omitempty"` // of the last try
}

func (a Alert) key() string { return a.Rule + "\t" + a.Subject }

// Sort orders alerts for people: firing before pending before resolved, then by severity, the newest first.
func Sort(list []Alert, severities []string) {
	states := []string{Firing, Pending, Resolved}
	slices.SortFunc(list, func(a, b Alert) int {
		if d := slices.Index(states, a.State) - slices.Index(states, b.State); d != 0 {
			return d
		}
		if d := slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity); d != 0 {
			return d
		}
		if d := b.Since.Compare(a.Since); d != 0 {
			return d
		}
		return strings.Compare(a.key(), b.key())
	})
}
