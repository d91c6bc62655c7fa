package api

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/dispatcher/fleet"
)

// Identity is a dispatcher: who it is, where its API is, and where in Nomad its pools are. What a leader of another release
// doesn't tell is empty.
type Identity struct {
	ID        string `json:"id"`
	Addr      string `json:"addr,omitempty"` // host:port that it listens on
	Host      string `json:"host,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Region    string `json:"region,omitempty"`
}

// Situation is who resizes which pools, and which nobody does.
type Situation struct {
	Dispatcher Identity `json:"dispatcher"` // the one that answers
	// Leader resizes the pools; nil while nobody does or it isn't known.
	Leader *Identity `json:"leader,omitempty"`
	// Conflict says that another dispatcher leads, whose pools are elsewhere: nobody resizes those of this one.
	Conflict string `json:"conflict,omitempty"`
	// Unwatched are the namespaces with pools that nobody resizes, UnwatchedUnknown why that can't be found out.
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
