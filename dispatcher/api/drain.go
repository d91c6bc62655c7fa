package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

const (
	// defaultDrain is how long a drain lasts if the request doesn't state it, longestDrain is the maximum: a forgotten
	// drain ends by itself.
	defaultDrain = 30 * time.Minute
	longestDrain = 7 * 24 * time.Hour
)

// DrainMachine implements [wire.StrictServerInterface].
func (s *Server) DrainMachine(ctx context.Context, r wire.DrainMachineRequestObject) (wire.DrainMachineResponseObject, error) {
	why, lasts := "drained over the API", defaultDrain
	if r.Body != nil {
		why = cmp.Or(r.Body.Reason, why)
		if r.Body.For != nil {
			lasts = r.Body.For.D()
		}
	}
	if lasts < time.Second || lasts > longestDrain {
		return nil, invalid("for", "is %s, want 1s to %s: a drain ends by itself; repeat the request to make it last longer", timetext.Duration(lasts), timetext.Duration(longestDrain))
	}
	before, err := s.operatorDrain(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	d, err := s.o.Queue.DrainFor(ctx, r.ID, why, lasts)
	if err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	access.Change(ctx, before, d)
	view, err := s.drainView(ctx, r.ID, d)
	return wire.DrainMachine200JSONResponse(view), err
}

// EndDrain implements [wire.StrictServerInterface].
func (s *Server) EndDrain(ctx context.Context, r wire.EndDrainRequestObject) (wire.EndDrainResponseObject, error) {
	before, err := s.operatorDrain(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if err := s.o.Queue.EndDrain(ctx, r.ID); err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	access.Change(ctx, before, nil)
	view, err := s.drainView(ctx, r.ID, nil)
	return wire.EndDrain200JSONResponse(view), err
}

// GetDrain implements [wire.StrictServerInterface].
func (s *Server) GetDrain(ctx context.Context, r wire.GetDrainRequestObject) (wire.GetDrainResponseObject, error) {
	d, err := s.operatorDrain(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	view, err := s.drainView(ctx, r.ID, d)
	return wire.GetDrain200JSONResponse(view), err
}

// operatorDrain is the drain in force, nil if there is none. A machine that neither reports nor is drained isn't known.
func (s *Server) operatorDrain(ctx context.Context, id string) (*queue.OperatorDrain, error) {
	d, err := s.o.Queue.OperatorDrain(ctx, id)
	if err != nil || d != nil {
		return d, err
	}
	machines, err := s.o.Queue.Machines(ctx)
	if err == nil && !slices.ContainsFunc(machines, func(m queue.Machine) bool { return m.ID == id }) {
		err = refuse(http.StatusNotFound, codeNotFound, "id", "no machine %q reports: GET /v1/machines lists those that do, by their whole ids", id)
	}
	return nil, err
}

// drainView is a machine's operator drain, nil for none. While one is in force, Running can only fall.
func (s *Server) drainView(ctx context.Context, machine string, d *queue.OperatorDrain) (client.Drain, error) {
	running, err := s.o.Queue.InFlight(ctx, machine)
	view := client.Drain{Machine: machine, Running: running}
	if d != nil {
		view.Drained, view.Reason, view.Until = true, d.Reason, &d.Until
	}
	return view, err
}
