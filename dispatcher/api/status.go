package api

import (
	"context"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/dispatcher/fleet"
)

// Situation is which dispatcher resizes which pools, and which pools none does.
type Situation struct {
	Dispatcher client.Identity // the one that answers
	// Leader resizes the pools; nil while no dispatcher does or it isn't known.
	Leader *client.Identity
	// Conflict is set if the leader's pools are elsewhere, so that no dispatcher resizes the pools of this one.
	Conflict string
	// Unwatched are the namespaces with pools that no dispatcher resizes. UnwatchedUnknown explains why that isn't known.
	Unwatched        []fleet.NamespacePools
	UnwatchedUnknown string
}

// Status implements [wire.StrictServerInterface].
func (s *Server) Status(ctx context.Context, _ wire.StatusRequestObject) (wire.StatusResponseObject, error) {
	situation := s.o.Situation()
	out := statusView(&situation)
	out.Unread = views(s.o.Pools.Unread(ctx), func(u *fleet.Unread) client.UnreadPlace {
		return client.UnreadPlace{Region: u.Region, Namespace: u.Namespace, Pools: u.Pools, Why: u.Why}
	})
	out.Leads, out.Redis, out.Nomad = s.o.Pools.Leads(), checkOf(s.o.Queue.Ping(ctx)), checkOf(s.o.Pools.Health())
	out.Access = accessView(s.o.Access.State(ctx))
	return wire.Status200JSONResponse(out), nil
}
