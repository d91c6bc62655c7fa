package decompile

import (
	"fmt"
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

func (s *sketch) restart(b *body, t *nomad.Task, usual nomad.RestartPolicy) {
	p := t.RestartPolicy
	if p == nil || !s.ours() && sameAny(withoutRender(p), withoutRender(nomadsRestart(s.job))) {
		return
	}
	if attempts, interval := deref(p.Attempts), deref(p.Interval); interval < 5*time.Second || time.Duration(attempts)*deref(p.Delay) > interval {
		s.notef("the restart block of task %s, which Nomad would refuse: its interval is too short", t.Name)
		return
	}
	r := &body{}
	if deref(p.Attempts) != deref(usual.Attempts) {
		r.set("attempts", fmt.Sprint(deref(p.Attempts)))
	}
	r.duration("interval", deref(p.Interval), deref(usual.Interval))
	r.duration("delay", deref(p.Delay), deref(usual.Delay))
	if deref(p.Mode) != deref(usual.Mode) {
		r.str("mode", deref(p.Mode))
	}
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
	r := &body{}
	if n := deref(l.MaxFiles); n != profile.DefaultLogFiles && n > 0 && n <= 100 {
		r.num("files", n)
	}
	if n := mib(l.MaxFileSizeMB); n != profile.DefaultLogFileSize {
		r.size("file_size", n)
	}
	if deref(l.Disabled) {
		r.set("disabled", "true")
	}
	if r.empty() && anyhow {
		r.num("files", profile.DefaultLogFiles)
	}
	b.optional("logs", r)
}

func sameLogs(a, b *nomad.LogConfig) bool {
	return a != nil && deref(a.MaxFiles) == deref(b.MaxFiles) && deref(a.MaxFileSizeMB) == deref(b.MaxFileSizeMB) && deref(a.Disabled) == deref(b.Disabled)
}

// failures writes how failures of the machine or its client are handled, and how output is kept.
func (s *sketch) failures(m *body) {
	if p := s.group.ReschedulePolicy; p != nil && (s.ours() || !sameAny(p, nomad.NewDefaultReschedulePolicy(nomad.JobTypeService))) {
		r := &body{}
		if !deref(p.Unlimited) && deref(p.Attempts) > 0 && deref(p.Interval) >= 15*time.Second {
			r.num("attempts", deref(p.Attempts))
			r.duration("interval", deref(p.Interval), 0)
		} else if !deref(p.Unlimited) {
			s.notef("that a failed machine isn't placed again: here it is, without limit")
		}
		if d := deref(p.Delay); d >= 5*time.Second {
			r.duration("delay", d, 10*time.Second)
		}
		if f := deref(p.DelayFunction); f != "exponential" {
			r.str("delay_kind", f)
		}
		if d := deref(p.MaxDelay); d >= max(5*time.Second, deref(p.Delay)) && (s.ours() || d != time.Hour) {
			r.duration("max_delay", d, max(10*time.Minute, deref(p.Delay)))
		}
		m.optional("reschedule", r)
	}
	if d := s.group.Disconnect; d != nil {
		r := &body{}
		switch {
		case d.StopOnClientAfter != nil:
			r.duration("stop_after", *d.StopOnClientAfter, 0)
		case d.LostAfter != nil:
			r.duration("lost_after", *d.LostAfter, profile.DefaultLostAfter)
		}
		if deref(d.Replace) && (s.ours() || d.Replace != nil) {
			r.set("replace", "true")
		}
		if c := deref(d.Reconcile); c != "" && c != profile.DefaultReconcile {
			r.str("reconcile", c)
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
