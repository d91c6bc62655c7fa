package api

import (
	"cmp"
	"context"
	"slices"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
)

// ListClasses implements [wire.StrictServerInterface].
func (s *Server) ListClasses(ctx context.Context, _ wire.ListClassesRequestObject) (wire.ListClassesResponseObject, error) {
	demand, err := s.o.Queue.Demand(ctx)
	if err != nil {
		return nil, err
	}
	machines, err := s.o.Queue.Machines(ctx)
	if err != nil {
		return nil, err
	}
	classes := views(demand, classView)
	for i := range demand {
		classes[i].Pools = some(s.o.Pools.Able(demand[i].Requirements))
		for _, m := range machines {
			for _, w := range m.Workers {
				if demand[i].Requirements.Match(w.Offer) == nil {
					classes[i].Workers++
				}
			}
		}
	}
	slices.SortFunc(classes, func(a, b client.Class) int {
		return cmp.Or(cmp.Compare(b.OldestWait, a.OldestWait), cmp.Compare(a.Type, b.Type), cmp.Compare(a.Class, b.Class))
	})
	return wire.ListClasses200JSONResponse{Classes: some(classes)}, nil
}

func classView(d *queue.ClassDemand) client.Class {
	return client.Class{
		Class: d.Class, Type: d.Type, Requirements: requirementsView(d.Requirements), Waiting: d.Waiting, Held: d.Held, Delayed: d.Delayed,
		Running: d.Running, OldestWait: wiretime.Duration(d.OldestAge), ArrivalRate: d.ArrivalRate, ServiceMean: wiretime.Duration(d.ServiceMean),
		Paused: d.Paused,
	}
}
