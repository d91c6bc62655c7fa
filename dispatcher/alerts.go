package dispatcher

import (
	"cmp"
	"context"
	"time"

	"github.com/emprops/machinectl/dispatcher/alert"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/queue"
)

// factsTimeout bounds one reading of what alerts judge.
const factsTimeout = 10 * time.Second

// alerting names the task that only one of the dispatchers does: judging the alerts' rules.
const alerting = "alerts"

// alertsEvery is the time between two judgements; another dispatcher takes over after alertsTerm.
const (
	alertsEvery = 10 * time.Second
	alertsTerm  = 3 * alertsEvery
)

// judges reports whether this dispatcher has the right to judge, which it takes or renews.
func (l *leader) judges(ctx context.Context) (bool, error) {
	holder, err := via(l.q, func(c *queue.Client) (string, error) { return c.Lead(ctx, alerting, l.me.ID, alertsTerm) })
	return holder == l.me.ID, err
}

// facts reads what the alerts' rules judge.
type facts struct {
	q     *link
	loop  *resize.Loop
	watch *survey
}

// read returns what could be read; the rest is unknown.
func (f *facts) read(ctx context.Context) alert.Facts {
	ctx, cancel := context.WithTimeout(ctx, factsTimeout)
	defer cancel()
	out := alert.Facts{At: time.Now(), Target: f.loop.TargetWait, Unwatched: f.unwatched()}
	if err := f.loop.Health(); err != nil {
		out.NomadDown = err.Error()
	} else {
		out.Pools = f.loop.Pools(ctx)
	}
	if machines, err := f.q.Machines(ctx); err == nil {
		for i := range machines {
			machines[i].Pool = cmp.Or(f.loop.PoolOf(machines[i].ID), machines[i].FullPool())
		}
		out.Machines = some(machines)
	}
	if classes, err := f.q.Demand(ctx); err == nil {
		out.Classes = some(classes)
	}
	if dead, err := f.q.DeadLetters(ctx); err == nil {
		out.Dead = dead
	}
	return out
}

// some makes an empty list of a nil one, which would mean that it isn't known.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func (f *facts) unwatched() map[string][]string {
	situation := f.watch.situation()
	if situation.UnwatchedUnknown != "" {
		return nil
	}
	out := map[string][]string{}
	for _, n := range situation.Unwatched {
		out[n.Namespace] = append(out[n.Namespace], n.Pools...)
	}
	return out
}
