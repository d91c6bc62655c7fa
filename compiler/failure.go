package compiler

import (
	"time"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

// How a machine that fails is treated, where the profile says nothing.
const (
	// rescheduleDelay and rescheduleLimit bound the growing pause before a dead machine is placed again.
	rescheduleDelay = 10 * time.Second
	rescheduleLimit = 10 * time.Minute
	// lostAfter is how long a client may be out of reach before its machines are given up. Their jobs go back to the queue
	// much earlier, when their leases end; a machine that comes back in time goes on.
	lostAfter = 5 * time.Minute
)

func (m *machine) reschedule() *nomad.ReschedulePolicy {
	p := &nomad.ReschedulePolicy{
		Delay: new(rescheduleDelay), DelayFunction: new("exponential"), MaxDelay: new(rescheduleLimit), Unlimited: new(true),
	}
	r := m.Reschedule
	if r == nil {
		return p
	}
	if r.Attempts > 0 {
		p.Attempts, p.Interval, p.Unlimited = new(r.Attempts), new(r.Interval), new(false)
	}
	p.Delay = new(orDefault(r.Delay, rescheduleDelay))
	p.MaxDelay = new(max(orDefault(r.MaxDelay, rescheduleLimit), *p.Delay))
	if r.DelayKind != "" {
		p.DelayFunction = new(r.DelayKind)
	}
	return p
}

func (m *machine) disconnect() *nomad.DisconnectStrategy {
	d := m.Disconnect
	if d == nil {
		return &nomad.DisconnectStrategy{LostAfter: new(lostAfter), Replace: new(false), Reconcile: new(nomad.ReconcileOptionKeepOriginal)}
	}
	out := &nomad.DisconnectStrategy{Replace: new(d.Replace), Reconcile: new(d.Reconcile)}
	if d.StopAfter > 0 {
		out.StopOnClientAfter = new(d.StopAfter)
	} else {
		out.LostAfter = new(orDefault(d.LostAfter, lostAfter))
	}
	return out
}

// restart puts what the profile says over a task's usual policy.
func restart(usual *nomad.RestartPolicy, said *profile.Restart) *nomad.RestartPolicy {
	if said == nil {
		return usual
	}
	if said.Attempts >= 0 {
		usual.Attempts = new(said.Attempts)
	}
	usual.Interval = new(orDefault(said.Interval, *usual.Interval))
	usual.Delay = new(orDefault(said.Delay, *usual.Delay))
	if said.Mode != "" {
		usual.Mode = new(said.Mode)
	}
	return usual
}

// logs rotates each task's output; Nomad keeps stdout and stderr apart, so a task takes twice this at most.
func logs(l *profile.Logs) *nomad.LogConfig {
	if l == nil {
		return &nomad.LogConfig{MaxFiles: new(3), MaxFileSizeMB: new(10)}
	}
	out := &nomad.LogConfig{MaxFiles: new(l.Files), MaxFileSizeMB: new(mebibytes(l.FileSize))}
	if l.Disabled {
		out.Disabled = new(true)
	}
	return out
}
