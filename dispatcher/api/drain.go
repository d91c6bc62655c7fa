package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
)

const (
	// defaultDrain is how long a drain lasts if the request doesn't state it, longestDrain is the maximum: a forgotten
	// drain ends by itself.
	defaultDrain = 30 * time.Minute
	longestDrain = 7 * 24 * time.Hour
)

// drainOrder is the optional body of a drain.
type drainOrder struct {
	Reason string            `json:"reason"`
	For    wiretime.Duration `json:"for"`
}

// draining is the answer to requests about a machine's operator drain. While a drain is in force, Running can only fall.
type draining struct {
	Machine string     `json:"machine"`
	Drained bool       `json:"drained"`
	Reason  string     `json:"reason,omitempty"`
	Until   *time.Time `json:"until,omitempty"`
	Running int        `json:"running"`
}

func (s *Server) drain(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	order := drainOrder{Reason: "drained over the API", For: wiretime.Duration(defaultDrain)}
	if err := readJSON(c.Request(), &order, true); err != nil {
		return err
	}
	switch d := order.For.D(); {
	case len(order.Reason) > 500:
		return invalid("reason", "is %d bytes long, want at most 500", len(order.Reason))
	case d < time.Second || d > longestDrain:
		return invalid("for", "is %s, want 1s to %s: a drain ends by itself; repeat the request to make it last longer", timetext.Duration(d), timetext.Duration(longestDrain))
	}
	ctx := c.Request().Context()
	if _, err := s.operatorDrain(ctx, c.Param("id")); err != nil {
		return err
	}
	d, err := s.o.Queue.DrainFor(ctx, c.Param("id"), order.Reason, order.For.D())
	if err != nil {
		return err
	}
	s.o.Pools.Kick()
	return s.answerDrain(c, d)
}

func (s *Server) endDrain(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if _, err := s.operatorDrain(ctx, c.Param("id")); err != nil {
		return err
	}
	if err := s.o.Queue.EndDrain(ctx, c.Param("id")); err != nil {
		return err
	}
	s.o.Pools.Kick()
	return s.answerDrain(c, nil)
}

func (s *Server) getDrain(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	d, err := s.operatorDrain(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return s.answerDrain(c, d)
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

func (s *Server) answerDrain(c echo.Context, d *queue.OperatorDrain) error {
	running, err := s.o.Queue.InFlight(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	out := draining{Machine: c.Param("id"), Running: running}
	if d != nil {
		out.Drained, out.Reason, out.Until = true, d.Reason, &d.Until
	}
	return c.JSON(http.StatusOK, out)
}
