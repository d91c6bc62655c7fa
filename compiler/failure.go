package compiler

import (
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/profile"
)

func (m *machine) reschedule() *nomad.ReschedulePolicy {
	r := m.Reschedule
	p := &nomad.ReschedulePolicy{
		Delay: new(r.Delay), DelayFunction: new(r.DelayKind), MaxDelay: new(r.MaxDelay), Unlimited: new(r.Attempts == 0),
	}
	if r.Attempts > 0 {
		p.Attempts, p.Interval = new(r.Attempts), new(r.Interval)
	}
	return p
}

// disconnect returns what Nomad does when it can't reach a client. The jobs of the client's machines go back to the queue
// much earlier, when their leases end. A machine that comes back in time continues.
func (m *machine) disconnect() *nomad.DisconnectStrategy {
	d := m.Disconnect
	out := &nomad.DisconnectStrategy{Replace: new(d.Replace), Reconcile: new(d.Reconcile)}
	if d.StopAfter > 0 {
		out.StopOnClientAfter = new(d.StopAfter)
	} else {
		out.LostAfter = new(d.LostAfter)
	}
	return out
}

func restart(r profile.Restart) *nomad.RestartPolicy {
	return &nomad.RestartPolicy{Attempts: new(r.Attempts), Interval: new(r.Interval), Delay: new(r.Delay), Mode: new(r.Mode)}
}

// logs returns how each task's output is rotated. Nomad keeps stdout and stderr apart, so a task takes up to twice this.
func logs(l profile.Logs) *nomad.LogConfig {
	out := &nomad.LogConfig{MaxFiles: new(l.Files), MaxFileSizeMB: new(mebibytes(l.FileSize))}
	if l.Disabled {
		out.Disabled = new(true)
	}
	return out
}
