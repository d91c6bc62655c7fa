package alert

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/emprops/machinectl/hcl/alertfile"
)

// atOnce bounds the receivers that are told at the same time.
const atOnce = 8

// Options configure a [Runner]. All but Every are required.
type Options struct {
	Config alertfile.Config
	Store  *Store
	Facts  func(context.Context) Facts
	// Lead takes or renews the right to judge for at least three times Every, and reports whether this dispatcher has it. It is
	// not the right to resize pools: nobody has that while Nomad can't be read, which is itself a reason for an alert.
	Lead   func(context.Context) (bool, error)
	Every  time.Duration
	Logger *slog.Logger
}

// Runner judges again and again while this dispatcher leads.
type Runner struct {
	o      Options
	send   *sender
	engine *Engine // nil while this dispatcher doesn't lead
	failed string  // why the last access to Redis failed, as logged
}

// NewRunner returns a runner. The default of Every is 10 s.
func NewRunner(o Options) *Runner {
	if o.Every <= 0 {
		o.Every = 10 * time.Second
	}
	return &Runner{o: o, send: newSender(o.Logger)}
}

// Run judges until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	defer r.send.close()
	tick := time.NewTicker(r.o.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.step(ctx)
		}
	}
}

// step judges once, tells the receivers, and keeps the outcome.
func (r *Runner) step(ctx context.Context) {
	lead, err := r.o.Lead(ctx)
	if r.logFailure(err); err != nil || !lead {
		r.engine = nil // another one may have judged in the meantime
		return
	}
	if r.engine == nil {
		doc, err := r.o.Store.Read(ctx)
		if r.logFailure(err); err != nil {
			return // alerts that were told already must not be told again
		}
		r.engine = NewEngine(r.o.Config, doc.Alerts)
	}
	facts := r.o.Facts(ctx)
	r.engine.Judge(facts)
	r.tell(ctx, facts.At)
	if ctx.Err() != nil {
		return
	}
	list, dropped := r.engine.Alerts()
	r.logFailure(r.o.Store.write(ctx, Document{list, dropped, facts.At}))
}

// tell sends what is due.
func (r *Runner) tell(ctx context.Context, now time.Time) {
	due := r.engine.due(now)
	failures := make([]error, len(due))
	var group errgroup.Group
	group.SetLimit(atOnce)
	for i, m := range due {
		group.Go(func() error { failures[i] = r.send.send(ctx, m); return nil })
	}
	_ = group.Wait() // what failed is in failures
	for i, m := range due {
		if ctx.Err() != nil && failures[i] != nil {
			continue // stopped in between: another dispatcher tells it
		}
		r.engine.told(m, now, failures[i])
		if failures[i] != nil {
			r.o.Logger.Warn("alert not delivered", "receiver", m.receiver.Name, "rule", m.alert.Rule, "subject", m.alert.Subject, "error", failures[i])
		}
	}
}

// logFailure logs why Redis can't be used, once per reason.
func (r *Runner) logFailure(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != "" && text != r.failed {
		r.o.Logger.Warn("alerts cannot be kept", "error", err)
	}
	r.failed = text
}
