package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/dispatcher/fleet"
)

// Identity identifies a dispatcher, its API, and the place of its pools in Nomad. Fields that a leader of another release
// doesn't publish are empty.
type Identity struct {
	ID        string `json:"id"`
	Addr      string `json:"addr,omitempty"` // host:port that it listens on
	Host      string `json:"host,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Region    string `json:"region,omitempty"`
}

// Situation is which dispatcher resizes which pools, and which pools none does.
type Situation struct {
	Dispatcher Identity `json:"dispatcher"` // the one that answers
	// Leader resizes the pools; nil while no dispatcher does or it isn't known.
	Leader *Identity `json:"leader,omitempty"`
	// Conflict is set if the leader's pools are elsewhere, so that no dispatcher resizes the pools of this one.
	Conflict string `json:"conflict,omitempty"`
	// Unwatched are the namespaces with pools that no dispatcher resizes. UnwatchedUnknown explains why that isn't known.
	Unwatched        []fleet.NamespacePools `json:"unwatched"`
	UnwatchedUnknown string                 `json:"unwatched_unknown,omitempty"`
}

// status is the answer to GET /v1/status.
type status struct {
	Situation
	Leads bool  `json:"leads"`
	Redis check `json:"redis"`
	Nomad check `json:"nomad"`
}

func (s *Server) status(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	out := status{
		Situation: s.o.Situation(), Leads: s.o.Pools.Leads(),
		Redis: checkOf(s.o.Queue.Ping(c.Request().Context())), Nomad: checkOf(s.o.Pools.Health()),
	}
	if out.Unwatched == nil {
		out.Unwatched = []fleet.NamespacePools{}
	}
	return c.JSON(http.StatusOK, out)
}
