package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/queue"
)

// SubmitJob implements [wire.StrictServerInterface].
func (s *Server) SubmitJob(ctx context.Context, r wire.SubmitJobRequestObject) (wire.SubmitJobResponseObject, error) {
	job, err := s.o.Queue.Submit(ctx, submissionOf(r.Body))
	if errors.Is(err, queue.ErrNotDurable) && job != nil {
		s.log.Warn("job may not be on Redis' disk", "job", job.ID, "error", err)
		return nil, refuse(http.StatusGatewayTimeout, codeNotDurable, "durable", "job %s was accepted, but Redis has not confirmed that it is on disk: "+
			"submit it again only under the same idempotency_key, which returns this job and waits for the disk", job.ID)
	}
	if err != nil {
		return nil, err
	}
	answer := client.Submitted{ID: job.ID, State: client.State(job.State), Class: job.Class}
	if job.State == queue.Waiting || job.State == queue.Delayed {
		s.whyWaiting(ctx, job, &answer)
	}
	location := "/v1/jobs/" + job.ID
	if job.Repeated {
		return wire.SubmitJob200JSONResponse{Body: answer, Headers: wire.SubmitJob200ResponseHeaders{Location: location}}, nil
	}
	return wire.SubmitJob201JSONResponse{Body: answer, Headers: wire.SubmitJob201ResponseHeaders{Location: location}}, nil
}

// whyWaiting adds to the answer why no worker can serve the job now, if that is so. It never fails: the job is in the queue.
func (s *Server) whyWaiting(ctx context.Context, job *queue.Job, answer *client.Submitted) {
	why, err := s.o.Queue.Explain(ctx, job.ID)
	if err != nil {
		s.log.Warn("cannot explain a submitted job", "job", job.ID, "error", err)
		return
	}
	if why.Able > 0 || why.State.Final() || why.State == queue.Running {
		return
	}
	s.o.Pools.Kick()
	answer.Pools, answer.Refusals = s.o.Pools.Able(job.Requirements), views(why.Refusals, refusalView)
	answer.Reason = why.Summary
	if len(answer.Pools) > 0 {
		answer.Reason = fmt.Sprintf("%s; %s could serve it with one more machine", strings.TrimSuffix(why.Summary, "."), named(answer.Pools))
	}
}

// GetJob implements [wire.StrictServerInterface].
func (s *Server) GetJob(ctx context.Context, r wire.GetJobRequestObject) (wire.GetJobResponseObject, error) {
	job, err := s.o.Queue.Get(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	return wire.GetJob200JSONResponse(jobView(job)), nil
}

// ListJobs implements [wire.StrictServerInterface].
func (s *Server) ListJobs(ctx context.Context, r wire.ListJobsRequestObject) (wire.ListJobsResponseObject, error) {
	f := queue.ListFilter{
		Type: r.Params.Type, State: queue.State(r.Params.State), Tenant: r.Params.Tenant, Limit: given(r.Params.Limit), Cursor: r.Params.Cursor,
	}
	jobs, next, err := s.o.Queue.List(ctx, f)
	if err != nil {
		return nil, err
	}
	return wire.ListJobs200JSONResponse{Jobs: some(views(jobs, jobView)), Next: next}, nil
}

// ExplainJob implements [wire.StrictServerInterface].
func (s *Server) ExplainJob(ctx context.Context, r wire.ExplainJobRequestObject) (wire.ExplainJobResponseObject, error) {
	why, err := s.o.Queue.Explain(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	answer := explanationView(why)
	if why.Able == 0 && !why.State.Final() {
		job, err := s.o.Queue.Get(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		answer.Pools = s.o.Pools.Able(job.Requirements)
	}
	return wire.ExplainJob200JSONResponse(answer), nil
}

// CancelJob implements [wire.StrictServerInterface].
func (s *Server) CancelJob(ctx context.Context, r wire.CancelJobRequestObject) (wire.CancelJobResponseObject, error) {
	job, err := s.o.Queue.Cancel(ctx, r.ID, reason(r.Body, "cancelled over the API"))
	if err != nil {
		return nil, err
	}
	return wire.CancelJob200JSONResponse(jobView(job)), nil
}

// given is an optional parameter, zero if it is absent.
func given[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// reason returns the reason in an optional body, or otherwise if there is none.
func reason(body *client.Because, otherwise string) string {
	if body == nil || body.Reason == "" {
		return otherwise
	}
	return body.Reason
}

// RequeueJob implements [wire.StrictServerInterface]. It makes an ended job wait again. A job in another state is a conflict: the
// request itself is valid.
func (s *Server) RequeueJob(ctx context.Context, r wire.RequeueJobRequestObject) (wire.RequeueJobResponseObject, error) {
	job, err := s.o.Queue.Requeue(ctx, r.ID)
	var state *queue.InvalidError
	if errors.As(err, &state) && state.Field == "id" {
		return nil, refuse(http.StatusConflict, codeConflict, "", "%s", state.Problem)
	}
	if err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	return wire.RequeueJob200JSONResponse(jobView(job)), nil
}

// named is "pool a" or "pools a, b".
func named(pools []string) string {
	word := "pool "
	if len(pools) > 1 {
		word = "pools "
	}
	return word + strings.Join(pools, ", ")
}
