package api

import (
	"context"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/api/wire"
)

// ListTypes implements [wire.StrictServerInterface]: all types that were ever used, and whether they are paused.
func (s *Server) ListTypes(ctx context.Context, _ wire.ListTypesRequestObject) (wire.ListTypesResponseObject, error) {
	types, err := s.o.Queue.Types(ctx)
	if err != nil {
		return nil, err
	}
	return wire.ListTypes200JSONResponse{Types: some(views(types, pausingView))}, nil
}

// PauseType implements [wire.StrictServerInterface].
func (s *Server) PauseType(ctx context.Context, r wire.PauseTypeRequestObject) (wire.PauseTypeResponseObject, error) {
	why := reason(r.Body, "paused over the API")
	if err := s.o.Queue.Pause(ctx, r.Type, why); err != nil {
		return nil, err
	}
	return wire.PauseType200JSONResponse(client.Pausing{Type: r.Type, Paused: true, Reason: why}), nil
}

// ResumeType implements [wire.StrictServerInterface].
func (s *Server) ResumeType(ctx context.Context, r wire.ResumeTypeRequestObject) (wire.ResumeTypeResponseObject, error) {
	if err := s.o.Queue.Resume(ctx, r.Type); err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	return wire.ResumeType200JSONResponse(client.Pausing{Type: r.Type}), nil
}
