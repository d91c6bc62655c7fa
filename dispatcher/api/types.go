package api

import (
	"context"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
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
	before, err := s.pausing(ctx, r.Type)
	if err != nil {
		return nil, err
	}
	if err := s.o.Queue.Pause(ctx, r.Type, why); err != nil {
		return nil, err
	}
	after := client.Pausing{Type: r.Type, Paused: true, Reason: why}
	access.Change(ctx, before, after)
	return wire.PauseType200JSONResponse(after), nil
}

// ResumeType implements [wire.StrictServerInterface].
func (s *Server) ResumeType(ctx context.Context, r wire.ResumeTypeRequestObject) (wire.ResumeTypeResponseObject, error) {
	before, err := s.pausing(ctx, r.Type)
	if err != nil {
		return nil, err
	}
	if err := s.o.Queue.Resume(ctx, r.Type); err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	after := client.Pausing{Type: r.Type}
	access.Change(ctx, before, after)
	return wire.ResumeType200JSONResponse(after), nil
}

// pausing returns whether a type is paused, for the audit log.
func (s *Server) pausing(ctx context.Context, jobType string) (client.Pausing, error) {
	types, err := s.o.Queue.Types(ctx)
	for _, t := range types {
		if t.Type == jobType {
			return pausingView(&t), err
		}
	}
	return client.Pausing{Type: jobType}, err
}
