package decompile

import (
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
	"github.com/emprops/machinectl/hcl/timetext"
)

func (s *sketch) restart(b *body, t *nomad.Task) {
	p := t.RestartPolicy
	if p == nil || !s.ours() && sameAny(withoutRender(p), withoutRender(nomadsRestart(s.job))) {
		return
	}
	if attempts, interval := deref(p.Attempts), deref(p.Interval); interval < 5*time.Second || time.Duration(attempts)*deref(p.Delay) > interval {
		s.notef("the restart block of task %s (its interval is too short for Nomad)", t.Name)
		return
	}
	r := b.section("restart")
	// A delay of 0 can't be written: the profile has the default.
	if usual := profile.Default[time.Duration](r.path + ".delay"); deref(p.Delay) == 0 && time.Duration(deref(p.Attempts))*usual > deref(p.Interval) {
		s.notef("the restart block of task %s (with the default delay of %s, its attempts take longer than its interval)", t.Name, timetext.Exact(usual))
		return
	}
	unusual(r, "attempts", deref(p.Attempts))
	unusual(r, "interval", deref(p.Interval))
	unusual(r, "delay", deref(p.Delay))
	unusual(r, "mode", deref(p.Mode))
	b.optional("restart", r)
}

// nomadsRestart returns Nomad's default restart policy for a task.
func nomadsRestart(job *nomad.Job) *nomad.RestartPolicy {
	g := nomad.NewTaskGroup("g", 1).AddTask(nomad.NewTask("t", "exec"))
	g.Canonicalize(&nomad.Job{Type: job.Type, ID: job.ID, Name: job.Name})
	return g.Tasks[0].RestartPolicy
}

func withoutRender(p *nomad.RestartPolicy) nomad.RestartPolicy {
	c := *p
	c.RenderTemplates = nil
	return c
}

// logs writes how output is kept. If anyhow is set, it also writes defaults, because the machine's values differ from
// them.
func (s *sketch) logs(b *body, l *nomad.LogConfig, anyhow bool) {
	if l == nil {
		return
	}
	r := b.section("logs")
	if n := deref(l.MaxFiles); n > 0 && n <= 100 {
		unusual(r, "files", n)
	}
	unusual(r, "file_size", mib(l.MaxFileSizeMB))
	unusual(r, "disabled", deref(l.Disabled))
	if r.empty() && anyhow {
		r.num("files", profile.Default[int](r.path+".files"))
	}
	b.optional("logs", r)
}

func sameLogs(a, b *nomad.LogConfig) bool {
	return a != nil && deref(a.MaxFiles) == deref(b.MaxFiles) && deref(a.MaxFileSizeMB) == deref(b.MaxFileSizeMB) && deref(a.Disabled) == deref(b.Disabled)
}

// failures writes how failures of the machine or its client are handled, and how output is kept.
func (s *sketch) failures(m *body) {
	if p := s.group.ReschedulePolicy; p != nil && (s.ours() || !sameAny(p, nomad.NewDefaultReschedulePolicy(nomad.JobTypeService))) {
		r := m.section("reschedule")
		if !deref(p.Unlimited) && deref(p.Attempts) > 0 && deref(p.Interval) >= 15*time.Second {
			r.num("attempts", deref(p.Attempts))
			r.duration("interval", deref(p.Interval), 0)
		} else if !deref(p.Unlimited) {
			s.notef("the limit on placing a failed machine again (there is none here)")
		}
		if d := deref(p.Delay); d >= 5*time.Second {
			unusual(r, "delay", d)
		}
		unusual(r, "delay_kind", deref(p.DelayFunction))
		if d := deref(p.MaxDelay); d >= max(5*time.Second, deref(p.Delay)) && (s.ours() || d != time.Hour) {
			r.duration("max_delay", d, max(profile.Default[time.Duration](r.path+".max_delay"), deref(p.Delay)))
		}
		m.optional("reschedule", r)
	}
	if d := s.group.Disconnect; d != nil {
		r := m.section("disconnect")
		switch {
		case d.StopOnClientAfter != nil:
			r.duration("stop_after", *d.StopOnClientAfter, 0)
		case d.LostAfter != nil:
			unusual(r, "lost_after", *d.LostAfter)
		}
		unusual(r, "replace", deref(d.Replace))
		if c := deref(d.Reconcile); c != "" {
			unusual(r, "reconcile", c)
		}
		m.optional("disconnect", r)
	}
	if s.agent != nil {
		s.logs(m, s.agent.LogConfig, false)
		return
	}
	if len(s.services) > 0 && !sameLogs(s.services[0].task().LogConfig, nomad.DefaultLogConfig()) {
		s.logs(m, s.services[0].task().LogConfig, false)
	}
}
