package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/emprops/machinectl/dispatcher/access"
)

// recheckEvery is how often the token of an open stream is checked again.
const recheckEvery = 3 * time.Second

// guard lets a request through to its operation if its token's role and tenant allow that, and records what operators do. It is
// the only place that does. A path that doesn't exist needs a token too, so that nobody without one learns which do.
type guard struct {
	access  *access.Access
	hosts   *hosts
	byRoute map[string]*operation // by method and route
	refused *prometheus.CounterVec
	noted   rate.Sometimes // when a refusal is logged
	recheck time.Duration
}

func newGuard(o Options, operations []*operation) (*guard, error) {
	g := &guard{
		access: o.Access, hosts: newHosts(o), byRoute: make(map[string]*operation, len(operations)), noted: rate.Sometimes{Interval: time.Minute},
		recheck: recheckEvery,
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "machinectl_requests_refused_total", Help: "Requests that access control refused, by reason.",
		}, []string{"reason"}),
	}
	for _, op := range operations {
		g.byRoute[op.method+" "+op.route()] = op
	}
	return g, o.Registry.Register(g.refused)
}

// admission is middleware that admits requests.
func (s *Server) admission(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r := c.Request()
		op := s.guard.byRoute[r.Method+" "+c.Path()]
		if op.isOpen(s.o) {
			return next(c)
		}
		if err := s.guard.hosts.check(r); err != nil {
			return s.turnAway(c, "origin", err)
		}
		who, err := s.identity(r)
		var refused *access.RefusedError
		switch {
		case errors.As(err, &refused):
			c.Response().Header().Set(echo.HeaderWWWAuthenticate, "Bearer")
			return s.turnAway(c, refused.Reason, refuse(http.StatusUnauthorized, codeUnauthorized, "", "%s", refused))
		case err != nil:
			s.guard.noted.Do(func() { s.log.Warn("tokens can't be checked", "error", err) })
			return s.turnAway(c, "unavailable", err)
		}
		if wait, ok := s.guard.access.Allow(who); !ok {
			seconds := strconv.Itoa(int(math.Ceil(max(wait, time.Second).Seconds())))
			c.Response().Header().Set(echo.HeaderRetryAfter, seconds)
			return s.turnAway(c, "rate", refuse(http.StatusTooManyRequests, codeTooManyRequests, "", "the token %q makes too many requests: try again in %s s", who.Name, seconds))
		}
		if op == nil {
			return next(c) // which finds no such path or method
		}
		if err := op.admits(who); err != nil {
			return s.turnAway(c, "forbidden", err)
		}
		c.SetRequest(r.WithContext(access.NewContext(r.Context(), who)))
		if op.streams() {
			defer s.recheck(c)()
		}
		if op.isRecorded(who) {
			return s.recorded(c, op, who, next)
		}
		return next(c)
	}
}

// identity returns who makes a request.
func (s *Server) identity(r *http.Request) (access.Identity, error) {
	given := r.Header.Values(echo.HeaderAuthorization)
	// Several headers are joined, which makes no token.
	return s.guard.access.Check(r.Context(), strings.Join(given, ", "))
}

// turnAway counts a refusal, and logs one a minute: clients can cause any number of them.
func (s *Server) turnAway(c echo.Context, reason string, err error) error {
	s.guard.refused.WithLabelValues(reason).Inc()
	s.guard.noted.Do(func() {
		s.log.Info("request refused, others within a minute are only counted", "reason", reason, "from", c.RealIP(), "method", c.Request().Method, "route", c.Path())
	})
	return err
}

// recheck ends a stream's context when its token is no longer good. stop ends the checks.
func (s *Server) recheck(c echo.Context) (stop func()) {
	r := c.Request()
	ctx, cancel := context.WithCancel(r.Context())
	c.SetRequest(r.WithContext(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(s.guard.recheck)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			var refused *access.RefusedError
			if _, err := s.identity(r.WithContext(ctx)); errors.As(err, &refused) {
				cancel()
				return
			}
		}
	}()
	return func() { cancel(); <-done }
}

// recorded runs an operator action and writes its audit record.
func (s *Server) recorded(c echo.Context, op *operation, who access.Identity, next echo.HandlerFunc) error {
	r := c.Request()
	ctx, fill := access.WithChange(r.Context())
	c.SetRequest(r.WithContext(ctx))
	err := next(c)
	record := access.Record{
		Who: who.Name, Token: who.ID, From: c.RealIP(), Action: op.id, Target: strings.Join(c.ParamValues(), "/"),
		Status: c.Response().Status, RequestID: c.Response().Header().Get(headerRequestID),
	}
	if err != nil {
		record.Status = problemOf(err).Status
	}
	fill(&record)
	s.guard.access.Audit.Write(ctx, record)
	return err
}

// roleOpen marks operations that need no token.
const roleOpen = "open"

var pathParameter = regexp.MustCompile(`\{([^}]+)\}`)

// route is the path as echo writes it: /v1/jobs/:id.
func (o *operation) route() string { return pathParameter.ReplaceAllString(o.path, ":$1") }

// isOpen reports whether an operation needs no token; a path that doesn't exist does.
func (o *operation) isOpen(options Options) bool {
	return o != nil && (o.role == roleOpen || o.id == "metrics" && options.OpenMetrics)
}

// admits returns nil if an identity may use the operation. Operations of the role submit are those that know tenants. Those of
// them that only read are for every role.
func (o *operation) admits(who access.Identity) error {
	role := access.Role(o.role)
	if who.Tenant != "" && role != access.Submit {
		return refuse(http.StatusForbidden, codeForbidden, "", "the token %q is for tenant %q, and this reaches all tenants", who.Name, who.Tenant)
	}
	if who.May(role) || role == access.Submit && o.method == http.MethodGet && who.May(access.Read) {
		return nil
	}
	has := make([]string, len(who.Roles))
	for i, r := range who.Roles {
		has[i] = string(r)
	}
	return refuse(http.StatusForbidden, codeForbidden, "", "this needs a token with the role %s; the token %q has %s", role, who.Name, strings.Join(has, ", "))
}

// isRecorded reports whether a request is an operator action: it changes what isn't a client's own.
func (o *operation) isRecorded(who access.Identity) bool {
	if o.method == http.MethodGet {
		return false
	}
	role := access.Role(o.role)
	return slices.Contains([]access.Role{access.Operate, access.Admin}, role) || strings.HasPrefix(o.id, "cancel") && who.May(access.Operate)
}
