package agent

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

// gate lets a worker claim or holds it back, with reasons. It starts open.
type gate struct {
	changed func() // called after each change, outside the lock

	mu      sync.Mutex
	reasons map[string]string // by who holds it back
	open    chan struct{}     // closed while nothing does
}

func newGate(changed func()) *gate {
	g := &gate{changed: changed, reasons: map[string]string{}, open: make(chan struct{})}
	close(g.open)
	return g
}

// set makes who hold the worker back for a reason; an empty reason lets it go.
func (g *gate) set(who, reason string) {
	if g.swap(who, reason) {
		g.changed()
	}
}

func (g *gate) swap(who, reason string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reasons[who] == reason {
		return false
	}
	wasOpen := len(g.reasons) == 0
	if reason == "" {
		delete(g.reasons, who)
	} else {
		g.reasons[who] = reason
	}
	switch isOpen := len(g.reasons) == 0; {
	case wasOpen && !isOpen:
		g.open = make(chan struct{})
	case !wasOpen && isOpen:
		close(g.open)
	}
	return true
}

// reason says why the gate is shut, or is empty.
func (g *gate) reason() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	keys := slices.Sorted(maps.Keys(g.reasons))
	said := make([]string, 0, len(keys))
	for _, k := range keys {
		said = append(said, g.reasons[k])
	}
	return strings.Join(said, "; ")
}

// held says that who holds the worker back.
func (g *gate) held(who string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reasons[who] != ""
}

// wait returns when the gate is open, or with ctx's error.
func (g *gate) wait(ctx context.Context) error {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
