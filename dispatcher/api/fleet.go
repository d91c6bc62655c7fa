package api

import (
	"context"
	"net/http"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/api/wire"
)

// ListPools implements [wire.StrictServerInterface].
func (s *Server) ListPools(context.Context, wire.ListPoolsRequestObject) (wire.ListPoolsResponseObject, error) {
	return wire.ListPools200JSONResponse{Pools: some(views(s.o.Pools.Pools(), poolView))}, nil
}

// GetPool implements [wire.StrictServerInterface].
func (s *Server) GetPool(_ context.Context, r wire.GetPoolRequestObject) (wire.GetPoolResponseObject, error) {
	pool, ok := s.o.Pools.Pool(r.Pool)
	if !ok {
		if err := s.o.Pools.Health(); err != nil {
			return nil, refuse(http.StatusServiceUnavailable, codeUnavailable, "", "pools can't be read from Nomad: %s", err)
		}
		return nil, refuse(http.StatusNotFound, codeNotFound, "pool", "no pool %q: GET /v1/pools lists them", r.Pool)
	}
	return wire.GetPool200JSONResponse(poolView(&pool)), nil
}

// ListMachines implements [wire.StrictServerInterface].
func (s *Server) ListMachines(ctx context.Context, r wire.ListMachinesRequestObject) (wire.ListMachinesResponseObject, error) {
	all, err := s.o.Queue.Machines(ctx)
	if err != nil {
		return nil, err
	}
	machines := []client.Machine{}
	for i := range all {
		if r.Params.Pool == "" || all[i].Pool == r.Params.Pool {
			machines = append(machines, machineView(&all[i]))
		}
	}
	return wire.ListMachines200JSONResponse{Machines: machines}, nil
}
