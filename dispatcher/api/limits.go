package api

import (
	"context"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/queue"
)

// GetLimits implements [wire.StrictServerInterface].
func (s *Server) GetLimits(ctx context.Context, r wire.GetLimitsRequestObject) (wire.GetLimitsResponseObject, error) {
	l, err := s.o.Queue.Limits(ctx, r.Type)
	return wire.GetLimits200JSONResponse(limitsView(l)), err
}

// SetLimits implements [wire.StrictServerInterface].
func (s *Server) SetLimits(ctx context.Context, r wire.SetLimitsRequestObject) (wire.SetLimitsResponseObject, error) {
	l := queue.Limits{Type: limitOf(r.Body.Type), EachTenant: limitOf(r.Body.EachTenant), Fair: r.Body.Fair}
	for tenant, limit := range r.Body.Tenants {
		if l.Tenants == nil {
			l.Tenants = map[string]queue.Limit{}
		}
		l.Tenants[tenant] = limitOf(limit)
	}
	before, err := s.o.Queue.Limits(ctx, r.Type)
	if err != nil {
		return nil, err
	}
	if err := s.o.Queue.SetLimits(ctx, r.Type, l); err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	now, err := s.o.Queue.Limits(ctx, r.Type)
	access.Change(ctx, before, now)
	return wire.SetLimits200JSONResponse(limitsView(now)), err
}

func limitsView(l queue.Limits) client.Limits {
	v := client.Limits{Type: limitView(l.Type), EachTenant: limitView(l.EachTenant), Fair: l.Fair}
	for tenant, limit := range l.Tenants {
		if v.Tenants == nil {
			v.Tenants = map[string]client.Limit{}
		}
		v.Tenants[tenant] = limitView(limit)
	}
	return v
}

func limitView(l queue.Limit) client.Limit {
	return client.Limit{Running: l.Running, Rate: l.Rate, Burst: l.Burst}
}

func limitOf(l client.Limit) queue.Limit {
	return queue.Limit{Running: l.Running, Rate: l.Rate, Burst: l.Burst}
}
