package api

import (
	"context"

	"github.com/emprops/machinectl/client"
)

// ListTypes implements [StrictServerInterface]: all types that were ever used, and whether they are paused.
func (s *Server) ListTypes(ctx context.Context, _ ListTypesRequestObject) (ListTypesResponseObject, error) {
	types, err := s.o.Queue.Types(ctx)
	if err != nil {
		return nil, err
	}
	return ListTypes200JSONResponse{Types: some(views(types, pausingView))}, nil
}

// PauseType implements [StrictServerInterface].
func (s *Server) PauseType(ctx context.Context, r PauseTypeRequestObject) (PauseTypeResponseObject, error) {
	why := reason(r.Body, "paused over the API")
	if err := s.o.Queue.Pause(ctx, r.Type, why); err != nil {
		return nil, err
	}
	return PauseType200JSONResponse(client.Pausing{Type: r.Type, Paused: true, Reason: why}), nil
}

// ResumeType implements [StrictServerInterface].
func (s *Server) ResumeType(ctx context.Context, r ResumeTypeRequestObject) (ResumeTypeResponseObject, error) {
	if err := s.o.Queue.Resume(ctx, r.Type); err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	return ResumeType200JSONResponse(client.Pausing{Type: r.Type}), nil
}
