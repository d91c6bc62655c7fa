package resize

import (
	"cmp"
	"slices"
	"time"

	"github.com/emprops/machinectl/dispatcher/rollout"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

// view returns the pool as the API shows it.
func (p *pool) view(d scaler.Decision, plan rollout.Plan, drained map[string]string, now time.Time) PoolView {
	v := PoolView{Pool: p.full(), Region: p.Region, Namespace: p.Namespace, Name: p.Name, Paused: p.paused, Asked: p.Asked(), Groups: []GroupView{}, Decision: &d, ReadAt: now}
	if w := p.Wanted(); w != nil {
		v.Project, v.Machine, v.Min, v.Max = w.Policy.Project, w.Policy.Machine, w.Policy.Min, w.Policy.Max
	}
	for _, g := range p.Groups {
		gv := GroupView{Group: g.Name, Revision: g.Policy.Revision, Wanted: g.Policy.Wanted, Asked: g.Count, Target: plan.Targets[g.Name], Ready: p.readyIn(g)}
		for _, m := range g.Machines {
			switch _, ours := drained[m.ID]; {
			case m.Dead:
				v.Failed++
			case p.keeps(m):
				v.Draining++
				gv.Kept = append(gv.Kept, m.ID)
			case ours:
				v.Draining++
				gv.Draining = append(gv.Draining, m.ID)
			case p.ready(m):
				v.Ready++
			default:
				v.Starting++
			}
			if busyJobs(p.reports[m.ID]) > 0 {
				v.Busy++
			}
		}
		v.Groups = append(v.Groups, gv)
	}
	v.Manual, v.Held = p.order(queue.OrderCount), p.order(queue.OrderPause)
	v.Status, v.Reason = p.status(d, plan)
	return v
}

func (p *pool) status(d scaler.Decision, plan rollout.Plan) (status, reason string) {
	load := p.load()
	switch {
	case p.Problem != "":
		return Unknown, p.Problem
	case p.unknown != "":
		return Unknown, p.unknown
	case p.held() != "":
		return Held, "an operator paused the pool: " + p.held()
	case plan.Stalled != "":
		return Stalled, plan.Reason
	case load.Crashing != "":
		return Crashing, load.Crashing
	case load.Blocked != "":
		return Blocked, "Nomad can't place more: " + load.Blocked
	case plan.Moving:
		return Rolling, cmp.Or(p.kept, plan.Reason)
	case d.Count < d.From && p.foreign != "":
		return Steady, p.foreign
	case d.Count != d.From:
		return Resizing, cmp.Or(p.kept, d.Reasons[len(d.Reasons)-1].Text, "resizing")
	case d.Has(scaler.Drained):
		return Steady, d.Reasons[slices.IndexFunc(d.Reasons, func(r scaler.Reason) bool { return r.Code == scaler.Drained })].Text
	default:
		return Steady, ""
	}
}
