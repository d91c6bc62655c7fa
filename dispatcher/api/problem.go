package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/queue"
)

// The codes of problems, as the document lists them.
const (
	codeInvalid         = client.ProblemCodeInvalid
	codeUnauthorized    = client.ProblemCodeUnauthorized
	codeForbidden       = client.ProblemCodeForbidden
	codeTooManyRequests = client.ProblemCodeTooManyRequests
	codeNotFound        = client.ProblemCodeNotFound
	codeConflict        = client.ProblemCodeConflict
	codeTooLarge        = client.ProblemCodeTooLarge
	codeMediaType       = client.ProblemCodeUnsupportedMediaType
	codeMethod          = client.ProblemCodeMethodNotAllowed
	codeBusy            = client.ProblemCodeTooManyStreams
	codeUnavailable     = client.ProblemCodeUnavailable
	codeTimeout         = client.ProblemCodeTimeout
	codeNotDurable      = client.ProblemCodeNotDurable
	codeInternal        = client.ProblemCodeInternal
)

// problemType is the media type of problems.
const problemType = "application/problem+json"

// requestError is an error that this package creates: a problem.
type requestError struct{ client.Problem }

func (e *requestError) Error() string { return e.Detail }

func refuse(status int, code client.ProblemCode, field, format string, args ...any) error {
	return &requestError{problem(status, code, field, fmt.Sprintf(format, args...))}
}

// problem is the body of an error answer (RFC 9457).
func problem(status int, code client.ProblemCode, field, detail string) client.Problem {
	words := strings.ReplaceAll(string(code), "_", " ")
	return client.Problem{
		Type: "urn:machinectl:problem:" + string(code), Title: strings.ToUpper(words[:1]) + words[1:],
		Status: status, Detail: detail, Code: code, Field: field,
	}
}

func invalid(field, format string, args ...any) error {
	return refuse(http.StatusBadRequest, codeInvalid, field, format, args...)
}

// problemOf maps an error to its answer. It is the only place that does.
func problemOf(err error) client.Problem {
	var (
		own     *requestError
		field   *queue.InvalidError
		twice   *queue.ConflictError
		named   *access.ConflictError
		tooBig  *http.MaxBytesError
		routing *echo.HTTPError
	)
	switch {
	case errors.As(err, &own):
		return own.Problem
	case errors.As(err, &field):
		return problem(http.StatusBadRequest, codeInvalid, field.Field, field.Problem)
	case errors.As(err, &twice):
		return problem(http.StatusConflict, codeConflict, twice.Field(), twice.Error())
	case errors.As(err, &named):
		return problem(http.StatusConflict, codeConflict, "name", named.Error())
	case errors.As(err, &tooBig):
		return problem(http.StatusRequestEntityTooLarge, codeTooLarge, "", fmt.Sprintf(
			"the body is larger than %d bytes: put large inputs where the worker can fetch them, and send the URL", tooBig.Limit))
	case errors.Is(err, queue.ErrNotFound):
		return problem(http.StatusNotFound, codeNotFound, "", queue.ErrNotFound.Error())
	case errors.Is(err, queue.ErrFinal), errors.Is(err, queue.ErrStale):
		return problem(http.StatusConflict, codeConflict, "", err.Error())
	case errors.Is(err, queue.ErrUnavailable):
		return problem(http.StatusServiceUnavailable, codeUnavailable, "", "Redis can't be reached: try again shortly")
	case errors.Is(err, context.DeadlineExceeded):
		return problem(http.StatusGatewayTimeout, codeTimeout, "", "the request took too long: try again")
	case errors.Is(err, context.Canceled):
		return problem(http.StatusServiceUnavailable, codeUnavailable, "", "the dispatcher is stopping: try again shortly")
	case errors.As(err, &routing) && routing.Code == http.StatusNotFound:
		return problem(http.StatusNotFound, codeNotFound, "", "no such path: /v1/openapi.json lists them")
	case errors.As(err, &routing) && routing.Code == http.StatusMethodNotAllowed:
		return problem(http.StatusMethodNotAllowed, codeMethod, "", "this path does not take that method: see the Allow header")
	case errors.As(err, &routing):
		return problem(routing.Code, codeInvalid, "", "the request can't be read: /v1/openapi.json describes it")
	default:
		return problem(http.StatusInternalServerError, codeInternal, "", "an error inside the dispatcher; its log has it under this request's X-Request-ID")
	}
}

func (s *Server) writeError(err error, c echo.Context) {
	p := problemOf(err)
	h := c.Response().Header()
	p.RequestID = h.Get(headerRequestID)
	if p.Status == http.StatusInternalServerError {
		s.log.Error("request failed", "route", c.Path(), "error", err, "request_id", p.RequestID)
	}
	if c.Response().Committed {
		return // part of the answer has been sent
	}
	if p.Status == http.StatusServiceUnavailable && h.Get(echo.HeaderRetryAfter) == "" {
		h.Set(echo.HeaderRetryAfter, "2")
	}
	if strings.EqualFold(c.Request().Method, http.MethodHead) {
		err = c.NoContent(p.Status)
	} else {
		h.Set(echo.HeaderContentType, problemType)
		c.Response().WriteHeader(p.Status)
		err = json.NewEncoder(c.Response()).Encode(p)
	}
	if err != nil {
		s.log.Debug("answer not written", "error", err)
	}
}
