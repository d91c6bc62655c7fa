// Package gather combines requests that arrive while others are in flight into one call.
//
// A dispatcher accepts many jobs concurrently, and an agent of a hosted API runs dozens of short ones: one call to Redis for
// each costs more than the work itself. A request that finds few calls in flight goes by itself and immediately, so
// gathering adds no latency. The package knows neither Redis nor jobs.
package gather

import (
	"context"
	"slices"
	"sync"
	"time"
)

// maxCalls is how many calls of a key are in flight before requests are gathered.
const maxCalls = 2

// Config describes the calls that a [Gatherer] makes.
type Config[Q, A any] struct {
	// Capacity bounds what one call carries: the sum of its requests' weights. A heavier request goes by itself.
	Capacity int
	Weight   func(Q) int
	// Call carries requests out and returns one answer for each. The context is the caller's own if there is one request.
	Call func(ctx context.Context, key string, requests []Q) []A
	// Timeout bounds a call for several requests, which no single caller may cancel, and Cause is its context's cause.
	Timeout time.Duration
	Cause   error
}

// Gatherer makes one call of several requests. It is safe for concurrent use.
type Gatherer[Q, A any] struct {
	config Config[Q, A]

	mu    sync.Mutex
	lanes map[string]*lane[Q, A]
}

// lane holds the requests of one key, which may share a call.
type lane[Q, A any] struct {
	calls   int // in flight
	waiting []*pending[Q, A]
}

// pending is a request that waits to share a call.
type pending[Q, A any] struct {
	request Q
	answer  chan A // of capacity 1
}

// New returns a Gatherer without requests.
func New[Q, A any](config Config[Q, A]) *Gatherer[Q, A] {
	return &Gatherer[Q, A]{config: config, lanes: map[string]*lane[Q, A]{}}
}

// Do carries a request out, by itself or together with others of the same key. It returns ctx's error if ctx ends first;
// the request may or may not have been carried out.
func (g *Gatherer[Q, A]) Do(ctx context.Context, key string, request Q) (A, error) {
	g.mu.Lock()
	l := g.lanes[key]
	if l == nil {
		l = &lane[Q, A]{}
		g.lanes[key] = l
	}
	if l.calls < maxCalls {
		l.calls++
		g.mu.Unlock()
		defer g.finish(key, l)
		return g.config.Call(ctx, key, []Q{request})[0], nil
	}
	r := &pending[Q, A]{request: request, answer: make(chan A, 1)}
	l.waiting = append(l.waiting, r)
	g.mu.Unlock()
	select {
	case a := <-r.answer:
		return a, nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		l.waiting = slices.DeleteFunc(l.waiting, func(other *pending[Q, A]) bool { return other == r })
		var none A
		return none, ctx.Err()
	}
}

// finish passes a call's place in the lane on to the requests that wait by now, or gives it up if there are none.
func (g *Gatherer[Q, A]) finish(key string, l *lane[Q, A]) {
	batch := g.next(key, l)
	if len(batch) == 0 {
		return
	}
	go func() {
		for ; len(batch) > 0; batch = g.next(key, l) {
			g.callTogether(key, batch)
		}
	}()
}

// callTogether makes one call for several requests.
func (g *Gatherer[Q, A]) callTogether(key string, batch []*pending[Q, A]) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), g.config.Timeout, g.config.Cause)
	defer cancel()
	requests := make([]Q, len(batch))
	for i, r := range batch {
		requests[i] = r.request
	}
	for i, a := range g.config.Call(ctx, key, requests) {
		batch[i].answer <- a
	}
}

// next removes the requests of the next call from the lane. If none wait, it ends the call, and with the last call the lane.
func (g *Gatherer[Q, A]) next(key string, l *lane[Q, A]) []*pending[Q, A] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, sum := 0, 0
	for n < len(l.waiting) && (n == 0 || sum+g.config.Weight(l.waiting[n].request) <= g.config.Capacity) {
		sum += g.config.Weight(l.waiting[n].request)
		n++
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n) // clears the removed elements, so that they can be freed
	if n == 0 {
		l.calls--
		if l.calls == 0 {
			delete(g.lanes, key)
		}
	}
	return batch
}
