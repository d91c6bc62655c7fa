package api

import (
	"cmp"
	"context"
	"time"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

const (
	// defaultCount is how long a manual count lasts if the request doesn't state it, longestOrder the maximum for any order: a
	// forgotten one ends by itself.
	defaultCount = time.Hour
	longestOrder = 7 * 24 * time.Hour
)

// SetPoolCount implements [wire.StrictServerInterface].
func (s *Server) SetPoolCount(ctx context.Context, r wire.SetPoolCountRequestObject) (wire.SetPoolCountResponseObject, error) {
	pool, err := s.o.Pools.Pool(ctx, r.Pool)
	if err != nil {
		return nil, s.noPool(err)
	}
	if r.Body.Count > pool.Max {
		return nil, invalid("count", "is %d, and pool %s may have at most %d machines: raise its max in the profile", r.Body.Count, pool.Pool, pool.Max)
	}
	lasts := defaultCount
	if r.Body.For != nil {
		lasts = r.Body.For.D()
	}
	until, err := orderUntil(lasts)
	if err != nil {
		return nil, err
	}
	o := queue.PoolOrder{Count: r.Body.Count, Reason: cmp.Or(r.Body.Reason, "ordered over the API"), At: time.Now().UTC(), Until: until}
	view, err := s.order(ctx, pool.Pool, queue.OrderCount, &o)
	return wire.SetPoolCount200JSONResponse(view), err
}

// EndPoolCount implements [wire.StrictServerInterface].
func (s *Server) EndPoolCount(ctx context.Context, r wire.EndPoolCountRequestObject) (wire.EndPoolCountResponseObject, error) {
	view, err := s.withdraw(ctx, r.Pool, queue.OrderCount)
	return wire.EndPoolCount200JSONResponse(view), err
}

// PausePool implements [wire.StrictServerInterface].
func (s *Server) PausePool(ctx context.Context, r wire.PausePoolRequestObject) (wire.PausePoolResponseObject, error) {
	pool, err := s.o.Pools.Pool(ctx, r.Pool)
	if err != nil {
		return nil, s.noPool(err)
	}
	o := queue.PoolOrder{Reason: "paused over the API", At: time.Now().UTC()}
	if r.Body != nil {
		o.Reason = cmp.Or(r.Body.Reason, o.Reason)
		if r.Body.For != nil {
			if o.Until, err = orderUntil(r.Body.For.D()); err != nil {
				return nil, err
			}
		}
	}
	view, err := s.order(ctx, pool.Pool, queue.OrderPause, &o)
	return wire.PausePool200JSONResponse(view), err
}

// ResumePool implements [wire.StrictServerInterface].
func (s *Server) ResumePool(ctx context.Context, r wire.ResumePoolRequestObject) (wire.ResumePoolResponseObject, error) {
	view, err := s.withdraw(ctx, r.Pool, queue.OrderPause)
	return wire.ResumePool200JSONResponse(view), err
}

// orderUntil returns when an order that lasts so long ends.
func orderUntil(lasts time.Duration) (*time.Time, error) {
	if lasts < time.Second || lasts > longestOrder {
		return nil, invalid("for", "is %s, want 1s to %s: an order ends by itself; repeat the request to make it last longer", timetext.Duration(lasts), timetext.Duration(longestOrder))
	}
	until := time.Now().UTC().Add(lasts)
	return &until, nil
}

func (s *Server) order(ctx context.Context, pool, kind string, o *queue.PoolOrder) (client.PoolOrders, error) {
	before, err := s.standing(ctx, pool)
	if err != nil {
		return before, err
	}
	if err := s.o.Queue.OrderPool(ctx, pool, kind, *o); err != nil {
		return client.PoolOrders{}, err
	}
	return s.orders(ctx, pool, before)
}

// withdraw ends an order. Ending one that doesn't stand is not an error: repeating a request that got no answer is safe.
func (s *Server) withdraw(ctx context.Context, name, kind string) (client.PoolOrders, error) {
	pool, err := s.o.Pools.Pool(ctx, name)
	if err != nil {
		return client.PoolOrders{}, s.noPool(err)
	}
	before, err := s.standing(ctx, pool.Pool)
	if err != nil {
		return before, err
	}
	if _, err := s.o.Queue.WithdrawOrder(ctx, pool.Pool, kind); err != nil {
		return client.PoolOrders{}, err
	}
	return s.orders(ctx, pool.Pool, before)
}

// orders returns the orders that stand after a change, and asks for a decision soon.
func (s *Server) orders(ctx context.Context, pool string, before client.PoolOrders) (client.PoolOrders, error) {
	s.o.Pools.Kick()
	now, err := s.standing(ctx, pool)
	access.Change(ctx, before, now)
	return now, err
}

// standing returns the orders that stand.
func (s *Server) standing(ctx context.Context, pool string) (client.PoolOrders, error) {
	all, err := s.o.Queue.PoolOrders(ctx)
	if err != nil {
		return client.PoolOrders{}, err
	}
	view := func(kind string) *client.PoolOrder {
		o, ok := all[pool][kind]
		if !ok || o.Until != nil && !time.Now().Before(*o.Until) {
			return nil
		}
		return &client.PoolOrder{Count: o.Count, Reason: o.Reason, Until: o.Until}
	}
	return client.PoolOrders{Pool: pool, Manual: view(queue.OrderCount), Held: view(queue.OrderPause)}, nil
}
