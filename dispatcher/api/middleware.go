package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"
)

const headerRequestID = "X-Request-ID"

var requestID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// identify gives each request an id, the client's if it is well-formed, and repeats it in the answer.
func (s *Server) identify(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		id := c.Request().Header.Get(headerRequestID)
		if !requestID.MatchString(id) {
			id = rand.Text()
		}
		c.Response().Header().Set(headerRequestID, id)
		return next(c)
	}
}

// observe counts and logs each request. It writes the error answer itself, so that the status is known.
func (s *Server) observe(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := time.Now()
		if err := next(c); err != nil {
			c.Error(err)
		}
		route, took, status := c.Path(), time.Since(start), c.Response().Status
		if route == "" || status == http.StatusNotFound && c.Handler() == nil {
			route = "other"
		}
		s.metrics.request(c.Request().Method, route, status, took)
		level := slog.LevelDebug
		if status >= http.StatusInternalServerError {
			level = slog.LevelWarn
		}
		s.log.Log(c.Request().Context(), level, "request", "method", c.Request().Method, "route", route,
			"status", status, "took", took, "request_id", c.Response().Header().Get(headerRequestID))
		return nil
	}
}

// recoverPanics turns a panic into an error answer and a log entry with the stack.
func (s *Server) recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch r := recover(); r {
			case nil:
			case http.ErrAbortHandler:
				panic(r)
			default:
				s.log.Error("request panicked", "route", c.Path(), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
				err = fmt.Errorf("panic: %v", r)
			}
		}()
		return next(c)
	}
}

// bound limits the body's size and, except for streams and files, the time.
func (s *Server) bound(op *operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			r.Body = http.MaxBytesReader(c.Response(), r.Body, s.o.MaxBody)
			ctx := context.WithValue(r.Context(), requestKey{}, r)
			if !op.streams() {
				var cancel context.CancelFunc
				limit := s.o.Timeout
				if wait, err := waitOf(r.URL.Query().Get("wait")); err == nil && op.waits() {
					limit += wait // validate refuses a wrong one
				}
				ctx, cancel = context.WithTimeout(ctx, limit)
				defer cancel()
				deadline := time.Now().Add(limit + s.o.WriteTimeout)
				if err := http.NewResponseController(c.Response()).SetWriteDeadline(deadline); err != nil {
					return err
				}
			}
			c.SetRequest(r.WithContext(ctx))
			return next(c)
		}
	}
}

// requestKey is the context key of the request, for the handlers that serve more than the generated types can say.
type requestKey struct{}

func requestOf(ctx context.Context) *http.Request {
	r, _ := ctx.Value(requestKey{}).(*http.Request)
	return r
}
