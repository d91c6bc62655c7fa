package resize

import (
	"cmp"
	"slices"
	"time"

	"github.com/emprops/machinectl/dispatcher/rollout"
	"github.com/emprops/machinectl/dispatcher/scaler"
)

// ring keeps a pool's last decisions, without those that repeat the one before.
type ring struct {
	size int
	list []scaler.Decision // oldest first
}

func (r *ring) add(d scaler.Decision) (news bool) {
	if n := len(r.list); n > 0 && same(r.list[n-1], d) {
		return false
	}
	r.list = append(r.list, d)
	r.list = r.list[max(len(r.list)-r.size, 0):]
	return true
}

// same reports whether two decisions differ in nothing but time and the figures of the demand.
func same(a, b scaler.Decision) bool {
	return a.Count == b.Count && a.From == b.From &&
		slices.EqualFunc(a.Reasons, b.Reasons, func(x, y scaler.Reason) bool { return x.Code == y.Code })
}

func (l *Loop) record(d scaler.Decision) {
	l.mu.Lock()
	r := l.history[d.Pool]
	if r == nil {
		r = &ring{size: l.o.History}
		l.history[d.Pool] = r
	}
	news := r.add(d)
	l.mu.Unlock()
	if news {
		l.o.Decided(d)
	}
}

// publish makes the pass's observation visible to the API, and forgets pools and drains that are gone.
func (l *Loop) publish(o *observation, views []PoolView) {
	present, machines := map[string]bool{}, map[string]bool{}
	for _, p := range o.pools {
		present[p.Name] = true
		for _, g := range p.Groups {
			for _, m := range g.Machines {
				machines[m.ID] = true
			}
		}
	}
	for id := range l.drained {
		if !machines[id] {
			delete(l.drained, id)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.views, l.offers = append([]PoolView{}, views...), o.snapshot().Pools
	for name := range l.history {
		if !present[name] {
			delete(l.history, name)
		}
	}
}

// markUnknown marks the views as stale.
func (l *Loop) markUnknown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.views = slices.Clone(l.views)
	for i := range l.views {
		l.views[i].Status, l.views[i].Reason = Unknown, "Nomad can't be read: "+err.Error()
	}
}

// Pools returns all pools as last observed, by name.
func (l *Loop) Pools() []PoolView {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.views
}

// Pool returns one pool with its decisions, newest first.
func (l *Loop) Pool(name string) (PoolView, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.IndexFunc(l.views, func(v PoolView) bool { return v.Pool == name })
	if i < 0 {
		return PoolView{}, false
	}
	v := l.views[i]
	if r := l.history[name]; r != nil {
		v.Decisions = slices.Clone(r.list)
		slices.Reverse(v.Decisions)
	}
	return v, true
}

// view returns the pool as the API shows it.
func (p *pool) view(d scaler.Decision, plan rollout.Plan, drained map[string]string, now time.Time) PoolView {
	v := PoolView{Pool: p.Name, Namespace: p.Namespace, Paused: p.paused, Asked: p.Asked(), Groups: []GroupView{}, Decision: &d, ReadAt: now}
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
	case plan.Stalled != "":
		return Stalled, plan.Reason
	case load.Crashing != "":
		return Crashing, load.Crashing
	case load.Blocked != "":
		return Blocked, "Nomad can't place more: " + load.Blocked
	case plan.Moving:
		return Rolling, cmp.Or(p.kept, plan.Reason)
	case d.Count != d.From:
		return Resizing, cmp.Or(p.kept, d.Reasons[len(d.Reasons)-1].Text, "resizing")
	case d.Has(scaler.Drained):
		return Steady, d.Reasons[slices.IndexFunc(d.Reasons, func(r scaler.Reason) bool { return r.Code == scaler.Drained })].Text
	default:
		return Steady, ""
	}
}
