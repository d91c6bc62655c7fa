package resize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/emprops/machinectl/dispatcher/fleet"
)

const (
	// publishEvery is the least time between two publications while nothing changes.
	publishEvery = time.Second
	// publishedFor is how long a publication stands. It outlives a change of the leader.
	publishedFor = time.Minute
)

// published is what the leader observes, for the dispatchers that don't lead.
type published struct {
	At     time.Time      `json:"at"`
	Pools  []PoolView     `json:"pools"`
	Unread []fleet.Unread `json:"unread,omitempty"`
}

// publish makes the pass's observation visible to the API, and forgets drains of machines that are gone. The leader's is
// also visible to the other dispatchers.
func (l *Loop) publish(ctx context.Context, o *observation, views []PoolView, lead, changed bool) error {
	machines := map[string]string{}
	for _, p := range o.pools {
		for _, g := range p.Groups {
			for _, m := range g.Machines {
				machines[m.ID] = p.full()
			}
		}
	}
	for id := range l.drained {
		if machines[id] == "" {
			delete(l.drained, id)
		}
	}
	now := l.o.Now()
	l.mu.Lock()
	l.own = published{At: now, Pools: append([]PoolView{}, views...), Unread: o.unread}
	l.offers, l.machines = o.snapshot().Pools, machines
	l.mu.Unlock()
	if !lead || !changed && now.Sub(l.publishedAt) < publishEvery {
		return nil
	}
	doc, err := json.Marshal(l.own)
	if err != nil {
		return fmt.Errorf("the pools' state: %w", err)
	}
	l.publishedAt = now
	return l.o.Queue.PublishPools(ctx, doc, publishedFor)
}

// markUnknown marks the views as stale.
func (l *Loop) markUnknown(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.own.Pools = slices.Clone(l.own.Pools)
	for i := range l.own.Pools {
		l.own.Pools[i].Status, l.own.Pools[i].Reason = Unknown, "Nomad can't be read: "+err.Error()
	}
}

// shown returns what the leader observed last: this dispatcher if it leads, else what the leader published. Without either it
// is this dispatcher's own observation.
func (l *Loop) shown(ctx context.Context) published {
	l.mu.Lock()
	own, leads := l.own, l.leads
	l.mu.Unlock()
	if leads {
		return own
	}
	var theirs published
	doc, err := l.o.Queue.PublishedPools(ctx)
	if err != nil || doc == nil || json.Unmarshal(doc, &theirs) != nil {
		return own
	}
	return theirs
}

// Pools returns all pools as the leader last observed them, by full name.
func (l *Loop) Pools(ctx context.Context) []PoolView { return l.shown(ctx).Pools }

// Unread returns the places in Nomad that the leader could not read last.
func (l *Loop) Unread(ctx context.Context) []fleet.Unread { return l.shown(ctx).Unread }

// Pool returns one pool with its decisions, newest first. The name may be shortened as far as it fits only one pool; the
// error is a [*fleet.UnknownError] or a [*fleet.AmbiguousError].
func (l *Loop) Pool(ctx context.Context, name string) (PoolView, error) {
	views := l.Pools(ctx)
	full := make([]string, len(views))
	for i, v := range views {
		full[i] = v.Pool
	}
	name, err := fleet.Named(name, full)
	if err != nil {
		return PoolView{}, err
	}
	v := views[slices.Index(full, name)]
	if v.Decisions, err = l.Decisions(ctx, name); err != nil {
		v.DecisionsUnknown = "the earlier decisions can't be read: " + err.Error()
	}
	return v, nil
}

// PoolOf returns the full name of the pool whose machine this is, or "" if it isn't known.
func (l *Loop) PoolOf(machine string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.machines[machine]
}

// Named returns the full name of the pool that a user means; see [Loop.Pool].
func (l *Loop) Named(ctx context.Context, name string) (string, error) {
	var full []string
	for _, v := range l.Pools(ctx) {
		full = append(full, v.Pool)
	}
	return fleet.Named(name, full)
}

var errNotRead = errors.New("pools have not been read from Nomad yet")
