package resize

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/queue"
)

// journal is the leader's record of decisions. They are kept in Redis; here are only those that Redis doesn't have yet.
type journal struct {
	last    map[string]scaler.Decision   // the last one of each pool, of any leader
	pending map[string][]scaler.Decision // oldest first
}

func newJournal() journal {
	return journal{last: map[string]scaler.Decision{}, pending: map[string][]scaler.Decision{}}
}

// same reports whether two decisions differ in nothing but time and the figures of the demand.
func same(a, b scaler.Decision) bool {
	return a.Count == b.Count && a.From == b.From &&
		slices.EqualFunc(a.Reasons, b.Reasons, func(x, y scaler.Reason) bool { return x.Code == y.Code })
}

// record takes down a decision, unless it repeats the one before.
func (l *Loop) record(ctx context.Context, d scaler.Decision) {
	last, known := l.journal.last[d.Pool]
	if !known { // this dispatcher has just become the leader, or the pool is new
		if former, err := l.kept(ctx, d.Pool, 1); err == nil && len(former) > 0 {
			last, known = former[0], true
		}
	}
	l.journal.last[d.Pool] = d
	if known && same(last, d) {
		l.journal.last[d.Pool] = last
		return
	}
	l.o.Decided(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	list := l.journal.pending[d.Pool]
	l.journal.pending[d.Pool] = append(list[max(len(list)+1-queue.MaxDecisions, 0):], d)
}

// forget drops the last decisions about pools that are gone.
func (l *Loop) forget(pools []*pool) {
	present := map[string]bool{}
	for _, p := range pools {
		present[p.full()] = true
	}
	maps.DeleteFunc(l.journal.last, func(name string, _ scaler.Decision) bool { return !present[name] })
}

// keep writes to Redis what it doesn't have yet.
func (l *Loop) keep(ctx context.Context) error {
	for pool, list := range l.waiting() {
		docs := make([][]byte, len(list))
		for i, d := range list {
			doc, err := json.Marshal(d)
			if err != nil {
				return fmt.Errorf("a decision about pool %s: %w", pool, err)
			}
			docs[i] = doc
		}
		if err := l.o.Queue.AddDecisions(ctx, pool, docs...); err != nil {
			return err
		}
		l.mu.Lock()
		delete(l.journal.pending, pool) // only this goroutine adds to it
		l.mu.Unlock()
	}
	return nil
}

func (l *Loop) waiting() map[string][]scaler.Decision {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string][]scaler.Decision{}
	for pool, list := range l.journal.pending {
		out[pool] = slices.Clone(list)
	}
	return out
}

// kept returns a pool's decisions in Redis, newest first.
func (l *Loop) kept(ctx context.Context, pool string, most int) ([]scaler.Decision, error) {
	docs, err := l.o.Queue.Decisions(ctx, pool, most)
	if err != nil {
		return nil, err
	}
	list := make([]scaler.Decision, 0, len(docs))
	for _, doc := range docs {
		var d scaler.Decision
		if json.Unmarshal(doc, &d) == nil { // one of a later release may be of another form
			list = append(list, d)
		}
	}
	return list, nil
}

// Decisions returns a pool's last decisions, newest first: those in Redis and those that are still to be written there. With
// an error the former are missing.
func (l *Loop) Decisions(ctx context.Context, pool string) ([]scaler.Decision, error) {
	l.mu.Lock()
	list := slices.Clone(l.journal.pending[pool])
	l.mu.Unlock()
	kept, err := l.kept(ctx, pool, queue.MaxDecisions)
	list = append(list, kept...)
	slices.SortStableFunc(list, func(a, b scaler.Decision) int { return b.At.Compare(a.At) })
	// One that was written without an answer is written again.
	return slices.CompactFunc(list, func(a, b scaler.Decision) bool { return a.At.Equal(b.At) }), err
}
