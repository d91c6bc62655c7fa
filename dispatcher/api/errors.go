package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/queue"
)

// errorBody is the form of every error answer.
type errorBody struct {
	Error errorDetail `json:"error"`
}

type errorDetail struct {
	Code    string `json:"code"`            // for programs, one of the words below
	Message string `json:"message"`         // for people: what is wrong and what to do instead
	Field   string `json:"field,omitempty"` // path of the offending field in the request, such as requires["gpu.memory"]
}

// The codes of error answers.
const (
	codeInvalid     = "invalid"
	codeNotFound    = "not_found"
	codeConflict    = "conflict"
	codeTooLarge    = "too_large"
	codeMediaType   = "unsupported_media_type"
	codeMethod      = "method_not_allowed"
	codeBusy        = "too_many_streams"
	codeUnavailable = "unavailable"
	codeTimeout     = "timeout"
	codeNotDurable  = "not_durable"
	codeInternal    = "internal"
)

// requestError is an error that this package creates, with its status and body.
type requestError struct {
	status int
	errorDetail
}

func (e *requestError) Error() string { return e.Message }

func refuse(status int, code, field, format string, args ...any) error {
	return &requestError{status: status, errorDetail: errorDetail{Code: code, Message: fmt.Sprintf(format, args...), Field: field}}
}

func invalid(field, format string, args ...any) error {
	return refuse(http.StatusBadRequest, codeInvalid, field, format, args...)
}

// statusOf maps an error to its HTTP status and body. It is the only place that does.
func statusOf(err error) (int, errorDetail) {
	var (
		own     *requestError
		field   *queue.InvalidError
		twice   *queue.ConflictError
		tooBig  *http.MaxBytesError
		routing *echo.HTTPError
	)
	switch {
	case errors.As(err, &own):
		return own.status, own.errorDetail
	case errors.As(err, &field):
		return http.StatusBadRequest, errorDetail{Code: codeInvalid, Message: field.Problem, Field: field.Field}
	case errors.As(err, &twice):
		return http.StatusConflict, errorDetail{Code: codeConflict, Message: twice.Error(), Field: twice.Field()}
	case errors.As(err, &tooBig):
		return http.StatusRequestEntityTooLarge, errorDetail{Code: codeTooLarge, Message: fmt.Sprintf(
			"the body is larger than %d bytes: put large inputs where the worker can fetch them, and send the URL", tooBig.Limit)}
	case errors.Is(err, queue.ErrNotFound):
		return http.StatusNotFound, errorDetail{Code: codeNotFound, Message: queue.ErrNotFound.Error()}
	case errors.Is(err, queue.ErrFinal), errors.Is(err, queue.ErrStale):
		return http.StatusConflict, errorDetail{Code: codeConflict, Message: err.Error()}
	case errors.Is(err, queue.ErrUnavailable):
		return http.StatusServiceUnavailable, errorDetail{Code: codeUnavailable, Message: "Redis can't be reached: try again shortly"}
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout, errorDetail{Code: codeTimeout, Message: "the request took too long: try again"}
	case errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, errorDetail{Code: codeUnavailable, Message: "the dispatcher is stopping: try again shortly"}
	case errors.As(err, &routing) && routing.Code == http.StatusNotFound:
		return http.StatusNotFound, errorDetail{Code: codeNotFound, Message: "no such path: /v1/openapi.json lists them"}
	case errors.As(err, &routing) && routing.Code == http.StatusMethodNotAllowed:
		return http.StatusMethodNotAllowed, errorDetail{Code: codeMethod, Message: "this path does not take that method: see the Allow header"}
	case errors.As(err, &routing):
		return routing.Code, errorDetail{Code: codeInvalid, Message: fmt.Sprint(routing.Message)}
	default:
		return http.StatusInternalServerError, errorDetail{Code: codeInternal, Message: "an error inside the dispatcher; its log has it under this request's X-Request-ID"}
	}
}

func (s *Server) writeError(err error, c echo.Context) {
	status, detail := statusOf(err)
	if status == http.StatusInternalServerError {
		s.log.Error("request failed", "route", c.Path(), "error", err, "request_id", c.Response().Header().Get(headerRequestID))
	}
	if c.Response().Committed {
		return // part of the answer has been sent
	}
	if status == http.StatusServiceUnavailable {
		c.Response().Header().Set("Retry-After", "2")
	}
	if strings.EqualFold(c.Request().Method, http.MethodHead) {
		err = c.NoContent(status)
	} else {
		err = c.JSON(status, errorBody{Error: detail})
	}
	if err != nil {
		s.log.Debug("answer not written", "error", err)
	}
}
