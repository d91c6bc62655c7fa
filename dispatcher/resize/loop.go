package resize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

// Queue is what the loop needs of the queue.
type Queue interface {
	Demand(ctx context.Context) ([]queue.ClassDemand, error)
	Machines(ctx context.Context) ([]queue.Machine, error)
	Types(ctx context.Context) ([]queue.TypeState, error)
	Drain(ctx context.Context, machine, reason string, ttl time.Duration) error
	Undrain(ctx context.Context, machine string) error
	InFlight(ctx context.Context, machine string) (int, error)
	// What dispatchers share: decisions by pool, and what the leader observes.
	AddDecisions(ctx context.Context, pool string, docs ...[]byte) error
	Decisions(ctx context.Context, pool string, most int) ([][]byte, error)
	PublishPools(ctx context.Context, doc []byte, ttl time.Duration) error
	PublishedPools(ctx context.Context) ([]byte, error)
	// PoolOrders returns operators' orders, by pool and kind.
	PoolOrders(ctx context.Context) (map[string]map[string]queue.PoolOrder, error)
}

// Fleet is what the loop needs of Nomad; package fleet has it.
type Fleet interface {
	Read(ctx context.Context) (fleet.Reading, error)
	Scale(ctx context.Context, p fleet.Pool, c fleet.Change) error
	RemoveGroup(ctx context.Context, p fleet.Pool, group string) error
}

// Options configure a [Loop]. Queue and Fleet are required.
type Options struct {
	Queue Queue
	Fleet Fleet
	// Lead reports whether this dispatcher is the one that acts; the others only observe. If nil, it always is.
	Lead   func(ctx context.Context) (bool, error)
	Logger *slog.Logger
	// Interval is the time between two passes, default 5 s. After a kick or a change the next pass comes sooner, but not
	// before Gap has passed, default 250 ms.
	Interval, Gap time.Duration
	// Deadline bounds one pass, default 30 s.
	Deadline time.Duration
	// DrainTTL is how long a drain holds without being renewed, default 60 s. What relies on a drain must be done within
	// half of it.
	DrainTTL time.Duration
	// ReadyWithin is how long, beyond three times its start time, a machine may take to be ready before a rollout stops;
	// default 1 min.
	ReadyWithin time.Duration
	// Reported keeps this dispatcher from stopping machines of a pool none of whose machines report to its Redis: they may be
	// another installation's on the same Nomad.
	Reported bool
	Now      func() time.Time // default time.Now
	// Decided is called with every decision that differs from the one before, for metrics. May be nil.
	Decided func(scaler.Decision)
}

func (o Options) withDefaults() (Options, error) {
	if o.Queue == nil || o.Fleet == nil {
		return o, errors.New("resize: Queue and Fleet are required")
	}
	for d, v := range map[*time.Duration]time.Duration{
		&o.Interval: 5 * time.Second, &o.Gap: 250 * time.Millisecond, &o.Deadline: 30 * time.Second,
		&o.DrainTTL: time.Minute, &o.ReadyWithin: time.Minute,
	} {
		if *d <= 0 {
			*d = v
		}
	}
	if o.Lead == nil {
		o.Lead = func(context.Context) (bool, error) { return true, nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Decided == nil {
		o.Decided = func(scaler.Decision) {}
	}
	return o, nil
}

// Loop is the running loop. Run has one caller; the other methods may be called at any time.
type Loop struct {
	o    Options
	log  *slog.Logger
	kick chan struct{}

	// Used by Run's goroutine only.
	idle    map[string]time.Time // machine → when it was first observed to be idle
	drained map[string]string    // machine → pool, where the drain is this dispatcher's
	records bool                 // this dispatcher records decisions
	short   map[string]*shortage // by pool
	warned  map[string]bool      // warnings that are in force
	unread  map[string]string    // why places can't be read
	// publishedAt is when this dispatcher last published what it observes.
	publishedAt time.Time

	mu       sync.Mutex
	journal  journal // only Run's goroutine writes to it
	own      published
	offers   []scaler.Pool
	machines map[string]string // machine → full name of its pool
	health   error
	leads    bool
}

// New returns a loop that has not started. It fails if a required option is missing.
func New(o Options) (*Loop, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Loop{
		o: o, log: o.Logger, kick: make(chan struct{}, 1), idle: map[string]time.Time{}, drained: map[string]string{},
		short: map[string]*shortage{}, warned: map[string]bool{}, journal: newJournal(), health: errNotRead,
	}, nil
}

// Kick asks for a pass soon.
func (l *Loop) Kick() {
	select {
	case l.kick <- struct{}{}:
	default: // one is due already
	}
}

// Run makes passes until ctx ends. Drains that are in force then lapse by themselves.
func (l *Loop) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-l.kick:
		}
		began := time.Now()
		changed := l.pass(ctx)
		next := l.o.Interval
		if changed {
			next = l.o.Gap
		}
		timer.Reset(next)
		// A kick right after a pass waits for the gap, so that a flood of submissions isn't a flood of passes.
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(l.o.Gap-time.Since(began), 0)):
		}
	}
}

// pass observes, decides and acts once. It reports whether it changed something, in which case the next pass should be soon.
func (l *Loop) pass(ctx context.Context) (changed bool) {
	ctx, cancel := context.WithTimeout(ctx, l.o.Deadline)
	defer cancel()
	observed, err := l.observe(ctx)
	l.setHealth(err)
	l.warn("cannot read pools from Nomad, nothing is resized", err)
	if err != nil {
		l.markUnknown(err)
		return false
	}
	lead, err := l.o.Lead(ctx)
	l.warn("cannot determine the leader, nothing is resized", err)
	lead = lead && err == nil
	records := lead || err != nil && l.records // without Redis the last leader's decisions are kept for later
	if l.records = records; !records {
		clear(l.journal.last) // another dispatcher decides
	}
	l.setLeads(lead)
	now := l.o.Now()
	decisions := scaler.Decide(observed.snapshot(), now)
	views := make([]PoolView, len(observed.pools))
	for i, p := range observed.pools {
		plan := p.plan(decisions[i].Count)
		views[i] = p.view(decisions[i], plan, l.drained, now)
		if records {
			l.record(ctx, decisions[i])
		}
		if !lead || p.Problem != "" {
			continue
		}
		did, err := l.act(ctx, p, plan, decisions[i])
		changed = changed || did
		if err != nil {
			level := slog.LevelWarn
			if errors.Is(err, fleet.ErrConflict) {
				level, changed = slog.LevelInfo, true
			}
			l.log.Log(ctx, level, "pool not resized", "pool", p.full(), "error", err)
			views[i].Reason = fmt.Sprintf("%s; last attempt: %s", views[i].Reason, err)
		}
	}
	l.forget(observed.pools)
	l.warn("cannot keep decisions in Redis", errors.Join(l.keep(ctx), l.publish(ctx, observed, views, lead, changed)))
	return changed
}

// warn logs a problem when it begins and when it has ended, not in each pass between.
func (l *Loop) warn(problem string, err error) {
	switch bad := err != nil; {
	case bad == l.warned[problem]:
	case bad:
		l.log.Warn(problem, "error", err)
	default:
		l.log.Info("recovered", "from", problem)
	}
	l.warned[problem] = err != nil
}

func (l *Loop) setHealth(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.health = err
}

func (l *Loop) setLeads(leads bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if leads != l.leads {
		l.log.Info("leadership changed", "leads", leads)
	}
	l.leads = leads
}

// Leads reports whether this dispatcher was the leader in its last pass.
func (l *Loop) Leads() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leads
}

// Health returns why Nomad could not be read in the last pass, or nil if it could.
func (l *Loop) Health() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.health
}

// Able returns the full names of the pools whose machines could serve such a job, sorted.
func (l *Loop) Able(r capability.Requirements) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, p := range l.offers {
		if p.Policy.Max > 0 && p.Serves(r) {
			names = append(names, p.Name)
		}
	}
	return names
}

// TargetWait returns the shortest target wait of the pools whose machines could serve such a job, and whether there is one.
func (l *Loop) TargetWait(r capability.Requirements) (shortest time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.offers {
		if target := p.Policy.TargetWait.D(); p.Policy.Max > 0 && p.Serves(r) && (!ok || target < shortest) {
			shortest, ok = target, true
		}
	}
	return shortest, ok
}
