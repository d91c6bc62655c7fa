package api

import (
	"errors"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/queue"
)

// because is the optional body of requests that take a reason. The reason is shown to clients that ask why.
type because struct {
	Reason string `json:"reason"`
}

// reason returns the reason in the request's body, or otherwise if there is none.
func reason(c echo.Context, otherwise string) (string, error) {
	if _, err := query(c.Request()); err != nil {
		return "", err
	}
	body := because{Reason: otherwise}
	if err := readJSON(c.Request(), &body, true); err != nil {
		return "", err
	}
	if len(body.Reason) > 500 {
		return "", invalid("reason", "is %d bytes long, want at most 500", len(body.Reason))
	}
	return body.Reason, nil
}

func (s *Server) cancel(c echo.Context) error {
	why, err := reason(c, "cancelled over the API")
	if err != nil {
		return err
	}
	job, err := s.o.Queue.Cancel(c.Request().Context(), c.Param("id"), why)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, job)
}

// requeue makes an ended job wait again. A job in another state is a conflict: the request itself is valid.
func (s *Server) requeue(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	job, err := s.o.Queue.Requeue(c.Request().Context(), c.Param("id"))
	var state *queue.InvalidError
	if errors.As(err, &state) && state.Field == "id" {
		return refuse(http.StatusConflict, codeConflict, "", "%s", state.Problem)
	}
	if err != nil {
		return err
	}
	s.o.Pools.Kick()
	return c.JSON(http.StatusOK, job)
}

// pausing is the answer to pause and resume.
type pausing struct {
	Type   string `json:"type"`
	Paused bool   `json:"paused"`
	Reason string `json:"reason,omitempty"`
}

// listTypes answers with all types that were ever used, and whether they are paused.
func (s *Server) listTypes(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	types, err := s.o.Queue.Types(c.Request().Context())
	if err != nil {
		return err
	}
	out := make([]pausing, len(types))
	for i, t := range types {
		out[i] = pausing{Type: t.Type, Paused: t.Paused != "", Reason: t.Paused}
	}
	return c.JSON(http.StatusOK, map[string]any{"types": out})
}

func (s *Server) pause(c echo.Context) error {
	why, err := reason(c, "paused over the API")
	if err != nil {
		return err
	}
	if err := s.o.Queue.Pause(c.Request().Context(), c.Param("type"), why); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, pausing{Type: c.Param("type"), Paused: true, Reason: why})
}

func (s *Server) resume(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	if err := s.o.Queue.Resume(c.Request().Context(), c.Param("type")); err != nil {
		return err
	}
	s.o.Pools.Kick()
	return c.JSON(http.StatusOK, pausing{Type: c.Param("type")})
}
