package profile

import (
	"fmt"
	"time"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/timetext"
)

// failures builds what is to happen when something fails, and how output is kept.
func (l *loader) failures(m *Machine, o *object) {
	if b := o.child("reschedule"); b != nil {
		m.Reschedule = &Reschedule{
			Attempts: b.num("attempts", 0), Interval: b.dur("interval", 0), Delay: b.dur("delay", 0), DelayKind: b.str("delay_kind", ""),
			MaxDelay: b.dur("max_delay", 0), Range: b.header,
		}
		l.reschedule(m.Reschedule, b)
	}
	if b := o.child("disconnect"); b != nil {
		m.Disconnect = &Disconnect{
			LostAfter: b.dur("lost_after", 0), StopAfter: b.dur("stop_after", 0), Replace: b.flag("replace"), Reconcile: b.str("reconcile", DefaultReconcile), Range: b.header,
		}
		switch {
		case b.has("lost_after") && b.has("stop_after"):
			l.report(diag.Error(b.at("stop_after"), "Both lost_after and stop_after", "Either the servers give the machine up, or its client stops it.", "Take one of them out; null takes an inherited one away."))
		case b.lacks("stop_after") && b.lacks("lost_after"):
			m.Disconnect.LostAfter = DefaultLostAfter
		}
	}
	if b := o.child("logs"); b != nil {
		m.Logs = l.logs(b)
	}
}

func (l *loader) reschedule(r *Reschedule, b *object) {
	l.atLeast(b, "delay", 5*time.Second)
	l.atLeast(b, "interval", 15*time.Second)
	l.atLeast(b, "max_delay", 5*time.Second)
	switch {
	case b.has("attempts") && b.lacks("interval"):
		l.report(diag.Error(b.at("attempts"), "Attempts without an interval", "Attempts are counted within a time.", "Write, for example, interval = \"1h\"."))
	case b.has("interval") && b.lacks("attempts"):
		l.report(diag.Error(b.at("interval"), "An interval without attempts", "Without attempts there is no limit, and nothing is counted.", "Write attempts = 5, or take interval out."))
	}
	if _, ok := b.get("max_delay"); ok && r.MaxDelay < r.Delay {
		l.report(diag.Error(b.at("max_delay"), "The longest delay is shorter than the first", fmt.Sprintf("delay is %s and max_delay is %s.", timetext.Duration(r.Delay), timetext.Duration(r.MaxDelay)), ""))
	}
}

func (l *loader) logs(b *object) *Logs {
	out := &Logs{Files: b.num("files", DefaultLogFiles), FileSize: DefaultLogFileSize, Disabled: b.flag("disabled"), Range: b.header}
	if _, ok := b.get("file_size"); ok {
		out.FileSize = b.size("file_size")
	}
	return out
}

func (l *loader) restart(o *object) *Restart {
	b := o.child("restart")
	if b == nil {
		return nil
	}
	r := &Restart{Attempts: b.num("attempts", -1), Interval: b.dur("interval", 0), Delay: b.dur("delay", 0), Mode: b.str("mode", ""), Range: b.header}
	l.atLeast(b, "interval", 5*time.Second)
	if r.Attempts > 0 && r.Interval > 0 && time.Duration(r.Attempts)*r.Delay > r.Interval {
		l.report(diag.Error(b.at("interval"), "The interval is too short for the attempts", fmt.Sprintf("%d attempts with %s between them take longer than %s.", r.Attempts, timetext.Duration(r.Delay), timetext.Duration(r.Interval)), "Make it longer, or the delay shorter."))
	}
	return r
}

// atLeast reports a time that is shorter than Nomad takes.
func (l *loader) atLeast(o *object, name string, least time.Duration) {
	if v, ok := o.get(name); ok && o.dur(name, least) < least {
		l.report(diag.Error(v.at, fmt.Sprintf("%q is too short", name), fmt.Sprintf("It is %s, and Nomad takes %s at least.", timetext.Duration(o.dur(name, 0)), timetext.Duration(least)), fmt.Sprintf("Write %s = %q or more.", name, timetext.Duration(least))))
	}
}
