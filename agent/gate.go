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
	reasons map[string]string // by holder
	open    chan struct{}     // closed while there are no reasons
}

func newGate(changed func()) *gate {
	g := &gate{changed: changed, reasons: map[string]string{}, open: make(chan struct{})}
	close(g.open)
	return g
}

// set makes the holder hold the worker back for a reason. An empty reason ends that.
func (g *gate) set(holder, reason string) {
	if g.swap(holder, reason) {
		g.changed()
	}
}

func (g *gate) swap(holder, reason string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.reasons[holder] == reason {
		return false
	}
	wasOpen := len(g.reasons) == 0
	if reason == "" {
		delete(g.reasons, holder)
	} else {
		g.reasons[holder] = reason
	}
	switch isOpen := len(g.reasons) == 0; {
	case wasOpen && !isOpen:
		g.open = make(chan struct{})
	case !wasOpen && isOpen:
		close(g.open)
	}
	return true
}

// reason explains why the gate is closed. It returns "" if it is open.
func (g *gate) reason() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	keys := slices.Sorted(maps.Keys(g.reasons))
	reasons := make([]string, 0, len(keys))
	for _, k := range keys {
		reasons = append(reasons, g.reasons[k])
	}
	return strings.Join(reasons, "; ")
}

// held reports whether the holder holds the worker back.
func (g *gate) held(holder string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.reasons[holder] != ""
}

// wait waits until the gate is open. It returns ctx's error if ctx ends first.
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
