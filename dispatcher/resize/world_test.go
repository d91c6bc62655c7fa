package resize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
)

// world plays Nomad (for one pool), Redis and the machines. It implements [Fleet] and [Queue]. A tick may happen inside
// any call, so that claims race with drains as in production.
type world struct {
	clock   time.Time
	room    int // machines that fit on the nodes
	pool    fleet.Pool
	next    int // of allocation ids
	agents  map[string]*agent
	waiting int64
	paused  string      // why the jobs' type is paused
	during  func()      // called in each call
	fault   func() bool // the next call fails

	done        int
	interrupted []string
	ending      []ending
	shared      string          // what took a place that an ending machine still held
	broken      map[string]bool // groups whose machines never become ready
	shelf
}

// shelf is what dispatchers share in Redis.
type shelf struct {
	decisions map[string][][]byte // newest first
	published []byte
	orders    map[string]queue.PoolOrder // of the pool p
}

func (s *shelf) PoolOrders(context.Context) (map[string]map[string]queue.PoolOrder, error) {
	return map[string]map[string]queue.PoolOrder{"global/default/p": s.orders}, nil
}

func (s *shelf) AddDecisions(_ context.Context, pool string, docs ...[]byte) error {
	if s.decisions == nil {
		s.decisions = map[string][][]byte{}
	}
	for _, d := range docs {
		list := slices.Insert(s.decisions[pool], 0, d)
		s.decisions[pool] = list[:min(len(list), queue.MaxDecisions)]
	}
	return nil
}

func (s *shelf) Decisions(_ context.Context, pool string, most int) ([][]byte, error) {
	list := s.decisions[pool]
	return list[:min(len(list), most)], nil
}

func (s *shelf) PublishPools(_ context.Context, doc []byte, _ time.Duration) error {
	s.published = doc
	return nil
}

func (s *shelf) PublishedPools(context.Context) ([]byte, error) { return s.published, nil }

type agent struct {
	id, group string
	index     int
	placed    time.Time
	readyAt   time.Time // zero: not yet
	drained   time.Time // until
	kept      time.Time // until when an operator drained it
	busyUntil time.Time // zero: idle
	lastJobs  int       // as last reported
}

// ending is a machine that has been told to stop and still holds its GPU.
type ending struct {
	group string
	until time.Time
}

const (
	startTime = 20 * time.Second
	jobTime   = 15 * time.Second
	killTime  = 3 * time.Second
)

var errFault = fmt.Errorf("%w: fault", queue.ErrUnavailable)

func newWorld(room int, groups ...fleet.Group) *world {
	w := &world{
		clock: time.Unix(1_800_000_000, 0), room: room, agents: map[string]*agent{}, broken: map[string]bool{},
		pool: fleet.Pool{ID: fleet.ID{Region: "global", Namespace: "default", Name: "p"}, Index: 1, Groups: groups}, during: func() {}, fault: func() bool { return false },
	}
	w.evaluate()
	return w
}

func testPolicy(revision string, wanted bool, least, most int) manifest.Policy {
	return manifest.Policy{
		Pool: "p", Machine: "m", Revision: revision, Wanted: wanted, Min: least, Max: most,
		TargetWait: wiretime.Duration(10 * time.Second), UpCooldown: wiretime.Duration(5 * time.Second), DownCooldown: wiretime.Duration(10 * time.Second),
		IdleAfter: wiretime.Duration(20 * time.Second), StartTime: wiretime.Duration(startTime),
		Workers: []manifest.Worker{{Name: "w", Connector: "simulation", Concurrency: 1, Offer: capability.Offer{Type: "simulation"}}},
	}
}

// evaluate stops and places allocations as Nomad does: a machine that it stops in this evaluation counts as
// gone, although it has not ended yet.
func (w *world) evaluate() {
	held := len(w.ending)
	for i := range w.pool.Groups {
		g := &w.pool.Groups[i]
		for len(g.Machines) > g.Count {
			last := g.Machines[len(g.Machines)-1]
			g.Machines = g.Machines[:len(g.Machines)-1]
			if a := w.agents[last.ID]; a.busyUntil.After(w.clock) {
				w.interrupted = append(w.interrupted, fmt.Sprintf("%s (%s[%d])", a.id, a.group, a.index))
			}
			if a := w.agents[last.ID]; a.kept.After(w.clock) {
				w.interrupted = append(w.interrupted, a.id+", which an operator drained")
			}
			delete(w.agents, last.ID)
			w.ending = append(w.ending, ending{g.Name, w.clock.Add(killTime)})
		}
	}
	for i := range w.pool.Groups {
		g := &w.pool.Groups[i]
		for index := 0; len(g.Machines) < g.Count && len(w.agents)+held < w.room; index++ {
			if slices.ContainsFunc(g.Machines, func(m fleet.Machine) bool { return m.Index == index }) {
				continue
			}
			w.next++
			m := fleet.Machine{ID: fmt.Sprintf("alloc%d", w.next), Index: index, Since: w.clock}
			w.agents[m.ID] = &agent{id: m.ID, group: g.Name, index: index, placed: w.clock}
			g.Machines = append(g.Machines, m)
			slices.SortFunc(g.Machines, func(a, b fleet.Machine) int { return a.Index - b.Index })
			if len(w.agents)+len(w.ending) > w.room {
				w.shared += fmt.Sprintf("%s (%s) took the place of %+v. ", m.ID, g.Name, w.ending)
			}
		}
		g.Blocked, g.Full = "", len(g.Machines) < g.Count
		if g.Full {
			g.Blocked = "full"
		}
	}
}

// tick lets time pass: machines become ready, finish and claim jobs, low indexes first.
func (w *world) tick(d time.Duration) {
	w.clock = w.clock.Add(d)
	before := len(w.ending)
	w.ending = slices.DeleteFunc(w.ending, func(e ending) bool { return !e.until.After(w.clock) })
	if len(w.ending) < before {
		w.evaluate()
	}
	list := make([]*agent, 0, len(w.agents))
	for _, a := range w.agents {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *agent) int { return a.index - b.index })
	for _, a := range list {
		if a.readyAt.IsZero() && !w.broken[a.group] && w.clock.Sub(a.placed) >= startTime {
			a.readyAt = w.clock
		}
		if !a.busyUntil.IsZero() && !a.busyUntil.After(w.clock) {
			a.busyUntil = time.Time{}
			w.done++
		}
		if !a.readyAt.IsZero() && a.busyUntil.IsZero() && w.waiting > 0 && !a.drained.After(w.clock) && !a.kept.After(w.clock) {
			w.waiting--
			a.busyUntil = w.clock.Add(jobTime)
		}
	}
}

func (a *agent) inFlight() int {
	if a.busyUntil.IsZero() {
		return 0
	}
	return 1
}

// report makes every machine report what it runs; until then Redis has what it reported before.
func (w *world) report() {
	for _, a := range w.agents {
		a.lastJobs = a.inFlight()
	}
}

func (w *world) call() error {
	w.during()
	if w.fault() {
		return errFault
	}
	return nil
}

func (w *world) Read(context.Context) (fleet.Reading, error) {
	if err := w.call(); err != nil {
		return fleet.Reading{}, err
	}
	p := w.pool
	p.Groups = slices.Clone(p.Groups)
	for i := range p.Groups {
		p.Groups[i].Machines = slices.Clone(p.Groups[i].Machines)
		for _, e := range w.ending {
			if e.group == p.Groups[i].Name {
				p.Groups[i].Stopping++
			}
		}
	}
	p.Events = slices.Clone(p.Events)
	return fleet.Reading{Pools: []fleet.Pool{p}}, nil
}

func (w *world) Scale(_ context.Context, p fleet.Pool, c fleet.Change) error {
	if err := w.call(); err != nil {
		return err
	}
	if p.Index != w.pool.Index {
		return fleet.ErrConflict
	}
	for i := range w.pool.Groups {
		if w.pool.Groups[i].Name == c.Group {
			w.pool.Groups[i].Count = c.Count
		}
	}
	w.pool.Index++
	w.pool.Events = slices.Insert(w.pool.Events, 0, fleet.Event{
		At: w.clock, Group: c.Group, Total: c.Total, Message: c.Message,
		Fitting: fleet.Fitting{Group: p.Wanted().Name, Nodes: p.Nodes, Machines: c.Fits},
	})
	w.evaluate()
	return nil
}

func (w *world) RemoveGroup(_ context.Context, p fleet.Pool, group string) error {
	if err := w.call(); err != nil {
		return err
	}
	if p.Index != w.pool.Index {
		return fleet.ErrConflict
	}
	w.pool.Index++
	w.pool.Groups = slices.DeleteFunc(slices.Clone(w.pool.Groups), func(g fleet.Group) bool { return g.Name == group && g.Count == 0 })
	return nil
}

func (w *world) Demand(context.Context) ([]queue.ClassDemand, error) {
	if err := w.call(); err != nil {
		return nil, err
	}
	running := int64(0)
	for _, a := range w.agents {
		running += int64(a.inFlight())
	}
	return []queue.ClassDemand{{
		Type: "simulation", Class: "c", Requirements: capability.Requirements{Type: "simulation"},
		Waiting: w.waiting, Running: running, ServiceMean: jobTime,
	}}, nil
}

func (w *world) Machines(context.Context) ([]queue.Machine, error) {
	if err := w.call(); err != nil {
		return nil, err
	}
	var list []queue.Machine
	for _, a := range w.agents {
		m := queue.Machine{ID: a.id, Pool: "p", Group: a.group, Index: a.index, State: queue.MachineStarting, StartedAt: a.placed}
		worker := queue.WorkerStatus{Name: "w", Concurrency: 1, Offer: capability.Offer{Type: "simulation"}}
		if !a.readyAt.IsZero() {
			m.State, m.ReadyAt = queue.MachineReady, &a.readyAt
			if a.drained.After(w.clock) {
				m.State = queue.MachineDraining
			}
		}
		if a.kept.After(w.clock) {
			m.Drain = &queue.OperatorDrain{Reason: "looking", Until: a.kept}
		}
		if a.lastJobs > 0 {
			worker.Jobs = []string{"simulation-1"}
		}
		m.Workers = []queue.WorkerStatus{worker}
		list = append(list, m)
	}
	return list, nil
}

func (w *world) Types(context.Context) ([]queue.TypeState, error) {
	if err := w.call(); err != nil {
		return nil, err
	}
	return []queue.TypeState{{Type: "other", Paused: "not ours"}, {Type: "simulation", Paused: w.paused}}, nil
}

func (w *world) Drain(_ context.Context, machine, _ string, ttl time.Duration) error {
	if err := w.call(); err != nil {
		return err
	}
	if a := w.agents[machine]; a != nil {
		a.drained = w.clock.Add(ttl)
	}
	return nil
}

func (w *world) Undrain(_ context.Context, machine string) error {
	if err := w.call(); err != nil {
		return err
	}
	if a := w.agents[machine]; a != nil {
		a.drained = time.Time{}
	}
	return nil
}

func (w *world) InFlight(_ context.Context, machine string) (int, error) {
	if err := w.call(); err != nil {
		return 0, err
	}
	if a := w.agents[machine]; a != nil {
		return a.inFlight(), nil
	}
	return 0, nil
}

// counts returns the groups' counts by name.
func (w *world) counts() map[string]int {
	m := map[string]int{}
	for _, g := range w.pool.Groups {
		m[g.Name] = g.Count
	}
	return m
}

var errNoLeader = errors.New("no leader is known")
