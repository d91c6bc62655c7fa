package alert

import (
	"maps"
	"slices"
	"time"

	"github.com/emprops/machinectl/hcl/alertfile"
)

const (
	// keepResolved is how long a resolved alert is shown.
	keepResolved = 24 * time.Hour
	// maxAlerts bounds the alerts that are kept; further ones are counted only.
	maxAlerts = 1000
)

// Engine judges facts by rules. It is a pure state machine: it knows no clock, no network and no Redis. It is for one
// goroutine.
type Engine struct {
	config     alertfile.Config
	conditions map[string]condition
	machines   census
	alerts     map[string]*Alert // by key
	dropped    int
}

// NewEngine returns an engine that goes on from the alerts that a former one kept.
func NewEngine(config alertfile.Config, kept []Alert) *Engine {
	e := &Engine{config: config, conditions: conditions(), alerts: map[string]*Alert{}}
	for _, a := range kept {
		e.alerts[a.key()] = &a
	}
	return e
}

// Judge updates the alerts by new facts.
func (e *Engine) Judge(f Facts) {
	e.dropped = 0
	on := map[string]bool{}
	for _, setting := range e.config.Rules {
		on[setting.Name] = true
		found, known := e.conditions[setting.Name](f, setting, e)
		if known {
			e.apply(f.At, setting, found)
		}
	}
	for key, a := range e.alerts {
		if a.State != Resolved && !on[a.Rule] { // switched off since
			e.end(key, a, f.At)
		}
		if a.State == Resolved && f.At.Sub(*a.ResolvedAt) > keepResolved {
			delete(e.alerts, key)
		}
	}
}

// apply updates the alerts of one rule by what it found.
func (e *Engine) apply(now time.Time, s alertfile.Setting, found []finding) {
	holds := map[string]bool{}
	for _, one := range found {
		a := &Alert{Rule: s.Name, Subject: one.subject}
		key := a.key()
		holds[key] = true
		if before := e.alerts[key]; before != nil && before.State != Resolved {
			a = before
		} else if before == nil && len(e.alerts) >= maxAlerts {
			e.dropped++
			continue
		} else {
			a.State, a.Since = Pending, now
			e.alerts[key] = a
		}
		a.Text, a.Value, a.Severity = one.text, one.value, s.Severity
		if a.State == Pending && now.Sub(a.Since) >= s.For {
			a.State, a.FiredAt = Firing, &now
		}
	}
	for key, a := range e.alerts {
		if a.Rule == s.Name && a.State != Resolved && !holds[key] {
			e.end(key, a, now)
		}
	}
}

// end resolves an alert that fired, and forgets one that never did.
func (e *Engine) end(key string, a *Alert, now time.Time) {
	if a.State == Pending {
		delete(e.alerts, key)
		return
	}
	a.State, a.ResolvedAt = Resolved, &now
}

// Alerts returns the alerts, sorted, and how many more there would be.
func (e *Engine) Alerts() (list []Alert, dropped int) {
	for _, a := range e.alerts {
		one := *a
		one.Told = maps.Clone(a.Told)
		list = append(list, one)
	}
	Sort(list, alertfile.Severities())
	return list, e.dropped
}

// A message is what a receiver is to be told of an alert now.
type message struct {
	receiver alertfile.Receiver
	alert    Alert
}

// due returns what receivers are to be told: an alert that has begun to fire, one that still fires after the time to repeat
// it, and the end of one that they were told of. A receiver that failed is tried again in growing intervals.
func (e *Engine) due(now time.Time) (list []message) {
	settings := map[string]alertfile.Setting{}
	for _, s := range e.config.Rules {
		settings[s.Name] = s
	}
	all, _ := e.Alerts()
	for _, a := range all {
		if a.State == Pending {
			continue
		}
		s := settings[a.Rule]
		for _, r := range e.config.Receivers {
			if a.Told[r.Name].wants(a, slices.Contains(s.Receivers, r.Name), s.Repeat, now) {
				list = append(list, message{r, a})
			}
		}
	}
	return list
}

// wants reports whether a receiver that was told this is to be told of the alert now.
func (t Telling) wants(a Alert, listed bool, repeat time.Duration, now time.Time) bool {
	switch {
	case a.State == Resolved && t.State != Firing:
		return false // it is told, or there is nothing to take back
	case a.State == Firing && !listed:
		return false
	case a.State == t.State && t.Tries == 0:
		return repeat > 0 && now.Sub(t.At) >= repeat
	}
	return t.Tries == 0 || now.Sub(t.At) >= retryAfter(t.Tries)
}

// retryAfter returns how long to wait after that many failed tries: 10 s, doubled up to 10 min.
func retryAfter(tries int) time.Duration {
	return min(10*time.Second<<min(tries-1, 10), 10*time.Minute)
}

// told notes what a receiver was told, or why it could not be.
func (e *Engine) told(m message, now time.Time, err error) {
	a := e.alerts[m.alert.key()]
	if a == nil {
		return
	}
	if a.Told == nil {
		a.Told = map[string]Telling{}
	}
	t := Telling{State: m.alert.State, At: now}
	if err != nil {
		before := a.Told[m.receiver.Name]
		t.State, t.Tries, t.Error = before.State, before.Tries+1, err.Error()
	}
	a.Told[m.receiver.Name] = t
}
