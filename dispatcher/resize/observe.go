package resize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/rollout"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

// observation is everything that one pass has read.
type observation struct {
	pools   []*pool
	unread  []fleet.Unread
	classes []scaler.Class
	unknown string // why Redis could not be read
}

// pool is a Nomad pool together with what its machines report.
type pool struct {
	fleet.Pool
	reports map[string]queue.Machine // by allocation
	idle    map[string]time.Time     // the loop's
	unknown string
	now     time.Time
	short   *shortage                  // the loop's; nil if nothing is known to keep the pool from growing
	overdue time.Duration              // beyond three times the start time
	paused  []PausedType               // those that it serves
	kept    string                     // why a group isn't made smaller: an operator drained one of its machines
	foreign string                     // why no machine is stopped: none of them reports
	orders  map[string]queue.PoolOrder // in force, by kind
}

// full returns the pool's full name.
func (p *pool) full() string { return p.String() }

// observe reads Nomad and Redis. It fails only if nothing of Nomad can be read: without Redis the pools are still known.
func (l *Loop) observe(ctx context.Context) (*observation, error) {
	reading, err := l.o.Fleet.Read(ctx)
	if err != nil {
		return nil, err
	}
	o := &observation{unread: reading.Unread}
	l.warnUnread(reading.Unread)
	reports := map[string]queue.Machine{}
	machines, redisErr := l.o.Queue.Machines(ctx)
	if redisErr != nil {
		o.unknown = fmt.Sprintf("machine reports could not be read (%s)", redisErr)
	}
	for _, m := range machines {
		reports[m.ID] = m
	}
	demand, demandErr := l.o.Queue.Demand(ctx)
	if demandErr != nil {
		o.unknown = fmt.Sprintf("the demand could not be read (%s)", demandErr)
	}
	for _, d := range demand {
		o.classes = append(o.classes, scaler.Class{
			ID: d.Class, Requirements: d.Requirements, Waiting: d.Waiting, Running: d.Running,
			ArrivalRate: d.ArrivalRate, ServiceMean: d.ServiceMean, Paused: d.Paused,
		})
	}
	types, typesErr := l.o.Queue.Types(ctx)
	if typesErr != nil {
		o.unknown = fmt.Sprintf("the paused types could not be read (%s)", typesErr)
	}
	orders, ordersErr := l.o.Queue.PoolOrders(ctx)
	if ordersErr != nil {
		o.unknown = fmt.Sprintf("operators' orders could not be read (%s)", ordersErr)
	}
	l.warn("cannot read Redis, no pool shrinks", errors.Join(redisErr, demandErr, typesErr, ordersErr))
	now := l.o.Now()
	for _, p := range reading.Pools {
		o.pools = append(o.pools, &pool{
			Pool: p, reports: reports, idle: l.idle, unknown: o.unknown, now: now, overdue: l.o.ReadyWithin, paused: pausedOf(p, types),
		})
		last := o.pools[len(o.pools)-1]
		last.orders = inForce(orders[p.String()], now)
		if l.o.Reported && o.unknown == "" {
			last.foreign = last.silent()
		}
	}
	l.trackScarce(o.pools)
	if o.unknown == "" {
		l.trackIdle(o.pools)
	}
	return o, nil
}

// warnUnread logs when places can't be read any more, and when they can again.
func (l *Loop) warnUnread(now []fleet.Unread) {
	why := map[string]string{}
	for _, u := range now {
		at := u.Region + "/" + u.Namespace
		if why[at] = u.Why; l.unread[at] != u.Why {
			l.log.Warn("cannot read a namespace, its pools stay as they are", "region", u.Region, "namespace", u.Namespace, "pools", u.Pools, "error", u.Why)
		}
	}
	for at := range l.unread {
		if why[at] == "" {
			l.log.Info("recovered", "from", "cannot read a namespace", "namespace", at)
		}
	}
	l.unread = why
}

// pausedOf selects the paused types that a worker of the pool serves.
func pausedOf(p fleet.Pool, types []queue.TypeState) []PausedType {
	var out []PausedType
	for _, t := range types {
		serves := slices.ContainsFunc(p.Groups, func(g fleet.Group) bool {
			return slices.ContainsFunc(g.Policy.Workers, func(w manifest.Worker) bool { return w.Offer.Type == t.Type })
		})
		if t.Paused != "" && serves {
			out = append(out, PausedType{t.Type, t.Paused})
		}
	}
	return out
}

// trackIdle records when machines became idle, and forgets those that are gone.
func (l *Loop) trackIdle(pools []*pool) {
	present := map[string]bool{}
	for _, p := range pools {
		for _, g := range p.Groups {
			for _, m := range g.Live() {
				present[m.ID] = true
				if !p.resting(m, g) {
					delete(l.idle, m.ID)
				} else if _, known := l.idle[m.ID]; !known {
					l.idle[m.ID] = p.now
				}
			}
		}
	}
	for id := range l.idle {
		if !present[id] {
			delete(l.idle, id)
		}
	}
}

// resting reports whether a machine is idle: it reports so, or it is overdue and has no report at all.
func (p *pool) resting(m fleet.Machine, g fleet.Group) bool {
	r, ok := p.reports[m.ID]
	if !ok {
		return p.late(m, g)
	}
	return !p.keeps(m) && r.ReadyAt != nil && busyJobs(r) == 0
}

// silent explains why machines of the pool may belong to another installation: none of them reports to this Redis. It returns
// "" if one does, or if there are none.
func (p *pool) silent() string {
	n := 0
	for _, g := range p.Groups {
		for _, m := range g.Live() {
			if _, ok := p.reports[m.ID]; ok {
				return ""
			}
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("none of its %d machines reports to this dispatcher's Redis, so none is stopped: if that is meant, name the namespace %s in -namespaces", n, p.Namespace)
}

// keeps reports whether an operator drained the machine: it takes no jobs, and isn't removed until the drain ends.
func (p *pool) keeps(m fleet.Machine) bool { return p.reports[m.ID].Drain != nil && !m.Dead }

func busyJobs(r queue.Machine) int {
	n := 0
	for _, w := range r.Workers {
		n += len(w.Jobs)
	}
	return n
}

// ready reports whether a machine has become ready, even if it drains now.
func (p *pool) ready(m fleet.Machine) bool {
	r, ok := p.reports[m.ID]
	return ok && (r.State == queue.MachineReady || r.State == queue.MachineDraining)
}

// late reports whether a machine should have been ready long ago.
func (p *pool) late(m fleet.Machine, g fleet.Group) bool {
	return !p.ready(m) && p.now.Sub(m.Since) > 3*g.Policy.StartTime.D()+p.overdue
}

// trouble explains why a group's new machines don't become ready: one of them crashes or is late.
func (p *pool) trouble(g fleet.Group) string {
	for _, m := range g.Machines {
		switch {
		case p.ready(m) && !m.Dead:
		case m.Trouble != "":
			return fmt.Sprintf("machine %.8s: %s", m.ID, m.Trouble)
		case p.unknown == "" && !m.Dead && p.late(m, g):
			return fmt.Sprintf("machine %.8s is not ready after %s%s", m.ID, timetext.Duration(p.now.Sub(m.Since).Round(time.Second)), p.because(m))
		}
	}
	return ""
}

func (p *pool) because(m fleet.Machine) string {
	r, ok := p.reports[m.ID]
	switch {
	case !ok:
		return ": its agent has not reported to Redis"
	case r.Reason != "":
		return ": " + r.Reason
	default:
		return ""
	}
}

func (p *pool) readyIn(g fleet.Group) int {
	n := 0
	for _, m := range g.Live() {
		if p.ready(m) {
			n++
		}
	}
	return n
}

// missing reports whether Nomad has yet to place some of the group's machines.
func missing(g fleet.Group) bool { return g.Count > len(g.Machines) }

func (o *observation) snapshot() scaler.Snapshot {
	snapshot := scaler.Snapshot{Classes: o.classes, Unknown: o.unknown}
	for _, p := range o.pools {
		snapshot.Pools = append(snapshot.Pools, p.load())
	}
	return snapshot
}

// load returns the pool as the scaler's input.
func (p *pool) load() scaler.Pool {
	out := scaler.Pool{Name: p.full(), Count: p.Total(), Unknown: p.Problem}
	out.LastUp, out.LastDown = p.Resized()
	wanted := p.Wanted()
	if wanted == nil {
		return out
	}
	out.Policy = wanted.Policy
	out.Manual, out.Held = p.manual(), p.held()
	out.Scarce = p.scarce()
	out.Workers = p.workers(*wanted)
	out.ColdStart = p.coldStart(*wanted)
	for _, g := range p.Groups {
		for _, m := range g.Live() {
			out.Machines = append(out.Machines, scaler.Machine{ID: m.ID, Ready: p.ready(m), Since: m.Since, IdleSince: p.idle[m.ID], Drained: p.keeps(m)})
		}
		if missing(g) && g.Blocked != "" && (!p.Rolling() || !g.Policy.Wanted) {
			out.Blocked = g.Blocked
		}
	}
	if n := p.Fits(); n > 0 && n <= out.Count {
		out.Blocked = fmt.Sprintf("nodes are full, %d machines fit, and their revision is being changed", n)
	}
	if why := p.trouble(*wanted); why != "" && !p.Rolling() && p.readyIn(*wanted) == 0 {
		out.Crashing = why
	}
	return out
}

// workers returns what one more machine would add: as measured on the first ready machine of the group, else as the
// policy promises.
func (p *pool) workers(g fleet.Group) []manifest.Worker {
	for _, m := range g.Live() {
		if !p.ready(m) {
			continue
		}
		var list []manifest.Worker
		for _, w := range p.reports[m.ID].Workers {
			list = append(list, manifest.Worker{Name: w.Name, Connector: w.Offer.Type, Concurrency: w.Concurrency, Offer: w.Offer})
		}
		if len(list) > 0 {
			return list
		}
	}
	return g.Policy.Workers
}

// coldStart returns the mean time from placement to ready over the present machines, or 0 if none is ready.
func (p *pool) coldStart(g fleet.Group) time.Duration {
	var sum time.Duration
	n := 0
	for _, m := range g.Live() {
		if r, ok := p.reports[m.ID]; ok && r.ReadyAt != nil && r.ReadyAt.After(m.Since) {
			sum += r.ReadyAt.Sub(m.Since)
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / time.Duration(n)
}

// plan asks package rollout how to spread a total over the groups.
func (p *pool) plan(total int) rollout.Plan {
	if p.Problem != "" {
		return rollout.Plan{}
	}
	var groups []rollout.Group
	for _, g := range p.Groups {
		v := rollout.Group{
			Name: g.Name, Wanted: g.Policy.Wanted, Count: g.Count, Missing: max(g.Count-len(g.Machines), 0), Live: len(g.Live()),
			Ready: p.readyIn(g), Stopping: g.Stopping, Trouble: p.trouble(g),
		}
		if missing(g) {
			v.Blocked, v.Full = g.Blocked, g.Full
		}
		groups = append(groups, v)
	}
	plan := rollout.Next(groups, total, p.Fits())
	for _, g := range p.Groups {
		if target, ok := plan.Targets[g.Name]; ok {
			plan.Targets[g.Name] = p.spare(g, target)
		}
	}
	return plan
}

// spare returns the least count, at least target, at which Nomad stops no machine drained by an operator. Nomad stops the
// highest index first, so the machines with lower indexes stay as well.
func (p *pool) spare(g fleet.Group, target int) int {
	for target < g.Count {
		victims, err := g.Victims(target)
		i := slices.IndexFunc(victims, p.keeps)
		if err != nil || i < 0 {
			return target
		}
		r := p.reports[victims[i].ID]
		p.kept = fmt.Sprintf("machine %.8s is drained by hand until %s and stays: %s", r.ID, timetext.Moment(r.Drain.Until), r.Drain.Reason)
		target++
	}
	return target
}
