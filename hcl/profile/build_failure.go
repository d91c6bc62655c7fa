package profile

import (
	"fmt"
	"time"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/timetext"
)

// failures builds what is to happen when something fails.
func (l *loader) failures(m *Machine, o *object) {
	m.Reschedule = l.reschedule(o.section("reschedule"))
	m.Disconnect = l.disconnect(o.section("disconnect"))
}

func (l *loader) disconnect(b *object) Disconnect {
	d := Disconnect{StopAfter: b.dur("stop_after"), Replace: b.flag("replace"), Reconcile: b.str("reconcile"), Range: b.header}
	if b.both("lost_after", "stop_after") {
		l.report(diag.Error(b.at("stop_after"), "Both lost_after and stop_after", "Either the servers give the machine up, or its client stops it.", "Remove one of them; null removes an inherited one."))
	}
	if !b.has("stop_after") {
		d.LostAfter = b.dur("lost_after")
	}
	return d
}

func (l *loader) reschedule(b *object) Reschedule {
	r := Reschedule{
		Attempts: b.num("attempts"), Interval: b.dur("interval"), Delay: b.dur("delay"), DelayKind: b.str("delay_kind"),
		MaxDelay: b.dur("max_delay"), Range: b.header,
	}
	l.atLeast(b, "delay", 5*time.Second)
	l.atLeast(b, "interval", 15*time.Second)
	l.atLeast(b, "max_delay", 5*time.Second)
	switch {
	case b.has("attempts") && b.lacks("interval"):
		l.report(diag.Error(b.at("attempts"), "Attempts without an interval", "Attempts are counted within a time.", "Write, for example, interval = \"1h\"."))
	case b.has("interval") && b.lacks("attempts"):
		l.report(diag.Error(b.at("interval"), "An interval without attempts", "Without attempts there is no limit, and nothing is counted.", "Write attempts = 5, or remove interval."))
	}
	if _, ok := b.get("max_delay"); ok && r.MaxDelay < r.Delay {
		l.report(diag.Error(b.at("max_delay"), "The longest delay is shorter than the first", fmt.Sprintf("delay is %s and max_delay is %s.", timetext.Duration(r.Delay), timetext.Duration(r.MaxDelay)), ""))
	}
	r.MaxDelay = max(r.MaxDelay, r.Delay)
	return r
}

func (l *loader) logs(b *object) Logs {
	return Logs{Files: b.num("files"), FileSize: b.size("file_size"), Disabled: b.flag("disabled"), Range: b.header}
}

func (l *loader) restart(o *object) Restart {
	b := o.section("restart")
	r := Restart{Attempts: b.num("attempts"), Interval: b.dur("interval"), Delay: b.dur("delay"), Mode: b.str("mode"), Range: b.header}
	if l.atLeast(b, "interval", 5*time.Second) && r.Attempts > 0 && time.Duration(r.Attempts)*r.Delay > r.Interval {
		l.report(diag.Error(b.at("interval"), "The interval is too short for the attempts", fmt.Sprintf("%d attempts with %s between them take longer than %s.", r.Attempts, timetext.Duration(r.Delay), timetext.Duration(r.Interval)), "Make it longer, or the delay shorter."))
	}
	return r
}

// atLeast reports whether a time is as long as Nomad takes at least, and it is an error if it isn't.
func (l *loader) atLeast(o *object, name string, least time.Duration) bool {
	long := o.dur(name) >= least
	if v, ok := o.get(name); ok && !long {
		l.report(diag.Error(v.at, fmt.Sprintf("%q is too short", name), fmt.Sprintf("It is %s, and Nomad takes %s at least.", timetext.Duration(o.dur(name)), timetext.Duration(least)), fmt.Sprintf("Write %s = %q or more.", name, timetext.Duration(least))))
	}
	return long
}
