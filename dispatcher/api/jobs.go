package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/queue"
)

// submitted is the answer to POST /v1/jobs.
type submitted struct {
	ID    string      `json:"id"`
	State queue.State `json:"state"`
	Class string      `json:"class"`
	// Reason is set if no live worker can serve the job: it explains why not, and what happens next.
	Reason   string          `json:"reason,omitempty"`
	Refusals []queue.Refusal `json:"refusals,omitempty"`
	// Pools are the names of the pools that could serve it with one more machine.
	Pools []string `json:"pools,omitempty"`
}

func (s *Server) submit(c echo.Context) error {
	ctx := c.Request().Context()
	if _, err := query(c.Request()); err != nil {
		return err
	}
	var sub queue.Submission
	if err := readJSON(c.Request(), &sub, false); err != nil {
		return err
	}
	job, err := s.o.Queue.Submit(ctx, sub)
	if errors.Is(err, queue.ErrNotDurable) && job != nil {
		s.log.Warn("job may not be on Redis' disk", "job", job.ID, "error", err)
		return refuse(http.StatusGatewayTimeout, codeNotDurable, "durable", "job %s was accepted, but Redis has not confirmed that it is on disk: "+
			"submit it again only under the same idempotency_key, which returns this job and waits for the disk", job.ID)
	}
	if err != nil {
		return err
	}
	answer := submitted{ID: job.ID, State: job.State, Class: job.Class}
	if job.State == queue.Waiting || job.State == queue.Delayed {
		s.whyWaiting(c, job, &answer)
	}
	c.Response().Header().Set(echo.HeaderLocation, "/v1/jobs/"+job.ID)
	if job.Repeated {
		return c.JSON(http.StatusOK, answer)
	}
	return c.JSON(http.StatusCreated, answer)
}

// whyWaiting adds to the answer why no worker can serve the job now, if that is so. It never fails: the job is in the queue.
func (s *Server) whyWaiting(c echo.Context, job *queue.Job, answer *submitted) {
	why, err := s.o.Queue.Explain(c.Request().Context(), job.ID)
	if err != nil {
		s.log.Warn("cannot explain a submitted job", "job", job.ID, "error", err)
		return
	}
	if why.Able > 0 || why.State.Final() || why.State == queue.Running {
		return
	}
	s.o.Pools.Kick()
	answer.Pools, answer.Refusals = s.o.Pools.Able(job.Requirements), why.Refusals
	answer.Reason = why.Summary
	if len(answer.Pools) > 0 {
		answer.Reason = fmt.Sprintf("%s; pool %s could serve it with one more machine", strings.TrimSuffix(why.Summary, "."), strings.Join(answer.Pools, ", "))
	}
}

func (s *Server) get(c echo.Context) error {
	if _, err := query(c.Request()); err != nil {
		return err
	}
	job, err := s.o.Queue.Get(c.Request().Context(), c.Param("id"))
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, job)
}

// page is the answer to GET /v1/jobs.
type page struct {
	Jobs []queue.Job `json:"jobs"`
	Next string      `json:"next,omitempty"` // cursor of the next page; absent on the last
}

var states = []queue.State{
	queue.Waiting, queue.Delayed, queue.Running, queue.Completed, queue.Failed, queue.Dead, queue.Cancelled,
}

func (s *Server) list(c echo.Context) error {
	q, err := query(c.Request(), "type", "state", "tenant", "limit", "cursor")
	if err != nil {
		return err
	}
	f := queue.ListFilter{Type: q.Get("type"), State: queue.State(q.Get("state")), Tenant: q.Get("tenant"), Cursor: q.Get("cursor")}
	if f.State != "" && !slices.Contains(states, f.State) {
		return invalid("state", "%q is not a state; the states are %s", f.State, strings.Trim(fmt.Sprint(states), "[]"))
	}
	if text := q.Get("limit"); text != "" {
		if f.Limit, err = strconv.Atoi(text); err != nil || f.Limit < 1 || f.Limit > 500 {
			return invalid("limit", "%q is not a whole number from 1 to 500", text)
		}
	}
	jobs, next, err := s.o.Queue.List(c.Request().Context(), f)
	if err != nil {
		return err
	}
	if jobs == nil {
		jobs = []queue.Job{}
	}
	return c.JSON(http.StatusOK, page{Jobs: jobs, Next: next})
}

// explanation is the answer to GET /v1/jobs/{id}/explain.
type explanation struct {
	queue.Explanation
	Pools []string `json:"pools,omitempty"` // those that could serve it with one more machine
}

func (s *Server) explain(c echo.Context) error {
	ctx := c.Request().Context()
	if _, err := query(c.Request()); err != nil {
		return err
	}
	why, err := s.o.Queue.Explain(ctx, c.Param("id"))
	if err != nil {
		return err
	}
	answer := explanation{Explanation: *why}
	if why.Able == 0 && !why.State.Final() {
		job, err := s.o.Queue.Get(ctx, c.Param("id"))
		if err != nil {
			return err
		}
		answer.Pools = s.o.Pools.Able(job.Requirements)
	}
	return c.JSON(http.StatusOK, answer)
}
