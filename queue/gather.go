package queue

import (
	"context"
	"slices"
	"sync"
)

// gatherer makes one call to Redis of the requests that come while others are on their way: a dispatcher takes in many jobs
// at once, an agent of a hosted API runs dozens of short ones. A request that finds few on their way goes by itself, at once:
// gathering costs nobody any waiting.
type gatherer[Q, A any] struct {
	// most bounds what one call carries: a number of requests, each as much as weight says.
	most   int
	weight func(Q) int
	// carry makes one call and returns an answer for each request. Its context is the caller's own where it has one request,
	// else one of its own.
	carry func(ctx context.Context, key string, requests []Q) []A

	mu    sync.Mutex
	lanes map[string]*lane[Q, A]
}

// lane has the requests that may go together.
type lane[Q, A any] struct {
	calls   int // on their way
	waiting []*gathered[Q, A]
}

// gathered is a request that goes with others.
type gathered[Q, A any] struct {
	request Q
	answer  chan A // of capacity 1
}

// laneCalls is how many calls of a lane are on their way before requests are gathered.
const laneCalls = 2

func newGatherer[Q, A any](most int, weight func(Q) int, carry func(context.Context, string, []Q) []A) *gatherer[Q, A] {
	return &gatherer[Q, A]{most: most, weight: weight, carry: carry, lanes: map[string]*lane[Q, A]{}}
}

// do carries a request out, alone or with others of the same key. The error is the end of ctx; the request was then not sent,
// or it was and nobody knows with what success.
func (g *gatherer[Q, A]) do(ctx context.Context, key string, request Q) (A, error) {
	g.mu.Lock()
	l := g.lanes[key]
	if l == nil {
		l = &lane[Q, A]{}
		g.lanes[key] = l
	}
	if l.calls < laneCalls {
		l.calls++
		g.mu.Unlock()
		defer g.goOn(key, l)
		return g.carry(ctx, key, []Q{request})[0], nil
	}
	r := &gathered[Q, A]{request: request, answer: make(chan A, 1)}
	l.waiting = append(l.waiting, r)
	g.mu.Unlock()
	select {
	case a := <-r.answer:
		return a, nil
	case <-ctx.Done():
		g.mu.Lock()
		defer g.mu.Unlock()
		l.waiting = slices.DeleteFunc(l.waiting, func(other *gathered[Q, A]) bool { return other == r })
		var none A
		return none, endOf(ctx)
	}
}

// goOn hands a call that ended to what waits by now; it ends when nothing does.
func (g *gatherer[Q, A]) goOn(key string, l *lane[Q, A]) {
	batch := g.next(key, l)
	if len(batch) == 0 {
		return
	}
	go func() {
		for ; len(batch) > 0; batch = g.next(key, l) {
			g.carryAll(key, batch)
		}
	}()
}

// carryAll makes a call for several, none of whom may end it for the others.
func (g *gatherer[Q, A]) carryAll(key string, batch []*gathered[Q, A]) {
	ctx, cancel := context.WithTimeoutCause(context.Background(), turnTimeout, errNoAnswer)
	defer cancel()
	requests := make([]Q, len(batch))
	for i, r := range batch {
		requests[i] = r.request
	}
	for i, a := range g.carry(ctx, key, requests) {
		batch[i].answer <- a
	}
}

// next takes what one call carries. Where nothing waits it ends the call, and the lane with its last.
func (g *gatherer[Q, A]) next(key string, l *lane[Q, A]) []*gathered[Q, A] {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, sum := 0, 0
	for n < len(l.waiting) && (n == 0 || sum+g.weight(l.waiting[n].request) <= g.most) {
		sum += g.weight(l.waiting[n].request)
		n++
	}
	batch := slices.Clone(l.waiting[:n])
	l.waiting = slices.Delete(l.waiting, 0, n) // which lets go of them
	if n == 0 {
		l.calls--
		if l.calls == 0 {
			delete(g.lanes, key)
		}
	}
	return batch
}
