package api

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/queue"
)

//go:embed openapi.json
var openapiDocument []byte

func (s *Server) openapi(c echo.Context) error {
	return c.Blob(http.StatusOK, echo.MIMEApplicationJSON, openapiDocument)
}

// health is the answer to /healthz: the process serves requests.
type health struct {
	Status string `json:"status"`
}

func (s *Server) healthz(c echo.Context) error {
	return c.JSON(http.StatusOK, health{Status: "ok"})
}

// readiness is the answer to /readyz. Ready means that jobs are accepted. Without Nomad they still are, but no pool is resized.
type readiness struct {
	Ready bool  `json:"ready"`
	Redis check `json:"redis"`
	Nomad check `json:"nomad"`
	Leads bool  `json:"leads"` // this dispatcher is the one of several that resizes pools
}

type check struct {
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"`
}

func checkOf(err error) check {
	if err != nil {
		return check{Reason: err.Error()}
	}
	return check{OK: true}
}

func (s *Server) readyz(c echo.Context) error {
	r := readiness{Redis: checkOf(s.o.Queue.Ping(c.Request().Context())), Nomad: checkOf(s.o.Pools.Health()), Leads: s.o.Pools.Leads()}
	r.Ready = r.Redis.OK
	status := http.StatusOK
	if !r.Ready {
		status = http.StatusServiceUnavailable
		c.Response().Header().Set("Retry-After", "2")
	}
	return c.JSON(status, r)
}

func (s *Server) listPools(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	pools := s.o.Pools.Pools()
	if pools == nil {
		pools = []resize.PoolView{}
	}
	return c.JSON(http.StatusOK, map[string]any{"pools": pools})
}

func (s *Server) getPool(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	name := c.Param("pool")
	pool, ok := s.o.Pools.Pool(name)
	if !ok {
		if err := s.o.Pools.Health(); err != nil {
			return refuse(http.StatusServiceUnavailable, codeUnavailable, "", "pools can't be read from Nomad: %s", err)
		}
		return refuse(http.StatusNotFound, codeNotFound, "pool", "no pool %q: GET /v1/pools lists them", name)
	}
	return c.JSON(http.StatusOK, pool)
}

func (s *Server) listMachines(c echo.Context) error {
	q, err := query(c.Request(), "pool")
	if err != nil {
		return err
	}
	all, err := s.o.Queue.Machines(c.Request().Context())
	if err != nil {
		return err
	}
	machines := []queue.Machine{}
	for _, m := range all {
		if q.Get("pool") == "" || m.Pool == q.Get("pool") {
			machines = append(machines, m)
		}
	}
	return c.JSON(http.StatusOK, map[string]any{"machines": machines})
}
