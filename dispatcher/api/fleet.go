package api

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/queue"
)

// ListPools implements [wire.StrictServerInterface].
func (s *Server) ListPools(ctx context.Context, _ wire.ListPoolsRequestObject) (wire.ListPoolsResponseObject, error) {
	return wire.ListPools200JSONResponse{Pools: some(views(s.o.Pools.Pools(ctx), poolView))}, nil
}

// GetPool implements [wire.StrictServerInterface].
func (s *Server) GetPool(ctx context.Context, r wire.GetPoolRequestObject) (wire.GetPoolResponseObject, error) {
	pool, err := s.o.Pools.Pool(ctx, r.Pool)
	if err != nil {
		return nil, s.noPool(err)
	}
	return wire.GetPool200JSONResponse(poolView(&pool)), nil
}

// noPool explains why a name is not that of one pool.
func (s *Server) noPool(err error) error {
	var several *fleet.AmbiguousError
	if errors.As(err, &several) {
		return refuse(http.StatusConflict, codeConflict, "pool", "%s", several)
	}
	if health := s.o.Pools.Health(); health != nil {
		return refuse(http.StatusServiceUnavailable, codeUnavailable, "", "pools can't be read from Nomad: %s", health)
	}
	return refuse(http.StatusNotFound, codeNotFound, "pool", "%s: GET /v1/pools lists them", err)
}

// ListMachines implements [wire.StrictServerInterface].
func (s *Server) ListMachines(ctx context.Context, r wire.ListMachinesRequestObject) (wire.ListMachinesResponseObject, error) {
	all, err := s.o.Queue.Machines(ctx)
	if err != nil {
		return nil, err
	}
	for i := range all {
		// The agent's report has the pool's name as far as the agent knows it; Nomad has the machine's allocation.
		all[i].Pool = cmp.Or(s.o.Pools.PoolOf(all[i].ID), all[i].FullPool())
	}
	if r.Params.Pool != "" {
		if all, err = ofPool(all, r.Params.Pool); err != nil {
			return nil, err
		}
	}
	return wire.ListMachines200JSONResponse{Machines: some(views(all, machineView))}, nil
}

// ofPool returns the machines of one pool, whose name may be shortened.
func ofPool(machines []queue.Machine, name string) ([]queue.Machine, error) {
	var pools []string
	for _, m := range machines {
		if !slices.Contains(pools, m.Pool) {
			pools = append(pools, m.Pool)
		}
	}
	full, err := fleet.Named(name, pools)
	var several *fleet.AmbiguousError
	if errors.As(err, &several) {
		return nil, refuse(http.StatusConflict, codeConflict, "pool", "%s", several)
	}
	return slices.DeleteFunc(machines, func(m queue.Machine) bool { return m.Pool != full }), nil
}
