package queue

import (
	"context"

	"github.com/emprops/machinectl/queue/internal/gather"
)

// newGatherer makes a gatherer whose calls are bounded like any other turn.
func newGatherer[Q, A any](capacity int, weight func(Q) int, call func(context.Context, string, []Q) []A) *gather.Gatherer[Q, A] {
	return gather.New(gather.Config[Q, A]{Capacity: capacity, Weight: weight, Call: call, Timeout: turnTimeout, Cause: errNoAnswer})
}

// gathered carries a request out through a gatherer. The error is [errNoAnswer] if ctx ended because this package bounds it.
func gathered[Q, A any](ctx context.Context, g *gather.Gatherer[Q, A], key string, request Q) (A, error) {
	answer, err := g.Do(ctx, key, request)
	if err != nil {
		err = endOf(ctx)
	}
	return answer, err
}
