package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/queue"
)

// SubmitJob implements [wire.StrictServerInterface].
func (s *Server) SubmitJob(ctx context.Context, r wire.SubmitJobRequestObject) (wire.SubmitJobResponseObject, error) {
	wait, err := waitOf(r.Params.Wait)
	if err != nil {
		return nil, err
	}
	if err := s.checkWebhook(ctx, "", r.Body); err != nil {
		return nil, err
	}
	if given(r.Params.DryRun) {
		return s.dryRun(ctx, submissionOf(r.Body))
	}
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
	if wait > 0 {
		now, err := s.await(ctx, job.ID, wait, ended)
		if err != nil {
			return nil, err
		}
		view := jobView(now)
		answer.State, answer.Job = view.State, &view
	}
	location := "/v1/jobs/" + job.ID
	if job.Repeated {
		return wire.SubmitJob200JSONResponse{Body: answer, Headers: wire.SubmitJob200ResponseHeaders{Location: location}}, nil
	}
	return wire.SubmitJob201JSONResponse{Body: answer, Headers: wire.SubmitJob201ResponseHeaders{Location: location}}, nil
}

// dryRun answers what would happen to a submission.
func (s *Server) dryRun(ctx context.Context, sub queue.Submission) (wire.SubmitJobResponseObject, error) {
	job, why, err := s.o.Queue.DryRun(ctx, sub)
	if err != nil {
		return nil, err
	}
	answer := client.Submitted{State: client.State(job.State), Class: job.Class}
	s.explain(job, why, &answer)
	answer.Reason = cmp.Or(answer.Reason, why.Summary)
	return wire.SubmitJob200JSONResponse{Body: answer}, nil
}

// whyWaiting adds to the answer why no worker can serve the job now, if that is so. It never fails: the job is in the queue.
func (s *Server) whyWaiting(ctx context.Context, job *queue.Job, answer *client.Submitted) {
	why, err := s.o.Queue.Explain(ctx, job.ID)
	if err != nil {
		s.log.Warn("cannot explain a submitted job", "job", job.ID, "error", err)
		return
	}
	if why.State.Final() || why.State == queue.Running {
		return
	}
	s.explain(job, why, answer)
	if why.Able == 0 {
		s.o.Pools.Kick()
	}
}

// explain adds to an answer who could run a job, and if no live worker can, why not and which pools could grow for it.
func (s *Server) explain(job *queue.Job, why *queue.Explanation, answer *client.Submitted) {
	answer.Able = &why.Able
	if why.Able > 0 {
		return
	}
	answer.Pools, answer.Refusals = s.o.Pools.Able(job.Requirements), views(why.Refusals, refusalView)
	answer.Reason = why.Summary
	if len(answer.Pools) > 0 {
		answer.Reason = fmt.Sprintf("%s; %s could serve it with one more machine", strings.TrimSuffix(why.Summary, "."), named(answer.Pools))
	}
}

// GetJob implements [wire.StrictServerInterface].
func (s *Server) GetJob(ctx context.Context, r wire.GetJobRequestObject) (wire.GetJobResponseObject, error) {
	wait, err := waitOf(r.Params.Wait)
	if err != nil {
		return nil, err
	}
	known := r.Params.IfNoneMatch
	wanted := ended
	if known != "" {
		wanted = func(j *queue.Job) bool { return etag(j) != known }
	}
	job, err := s.await(ctx, r.ID, wait, wanted)
	if err != nil {
		return nil, err
	}
	if etag(job) == known {
		return wire.GetJob304Response{}, nil
	}
	return wire.GetJob200JSONResponse{Body: jobView(job), Headers: wire.GetJob200ResponseHeaders{ETag: etag(job)}}, nil
}

// ListJobs implements [wire.StrictServerInterface].
func (s *Server) ListJobs(ctx context.Context, r wire.ListJobsRequestObject) (wire.ListJobsResponseObject, error) {
	f := queue.ListFilter{
		Type: r.Params.Type, State: queue.State(r.Params.State), Tenant: r.Params.Tenant, Limit: given(r.Params.Limit), Cursor: r.Params.Cursor,
		Class: r.Params.Class, Retrying: given(r.Params.Retrying), Since: given(r.Params.Since), Until: given(r.Params.Until),
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
	before := s.stateOf(ctx, r.ID)
	job, err := s.o.Queue.Cancel(ctx, r.ID, reason(r.Body, "cancelled over the API"))
	if err != nil {
		return nil, err
	}
	access.Change(ctx, before, jobState{job.State, job.Tenant})
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
	before := s.stateOf(ctx, r.ID)
	job, err := s.requeue(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	access.Change(ctx, before, jobState{job.State, job.Tenant})
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

// requeue makes an ended job wait again.
func (s *Server) requeue(ctx context.Context, id string) (*queue.Job, error) {
	job, err := s.o.Queue.Requeue(ctx, id)
	var state *queue.InvalidError
	if errors.As(err, &state) && state.Field == "id" {
		return nil, refuse(http.StatusConflict, codeConflict, "", "%s", state.Problem)
	}
	return job, err
}

// jobState is what the audit log shows of a job.
type jobState struct {
	State  queue.State `json:"state"`
	Tenant string      `json:"tenant,omitempty"`
}

// stateOf returns a job's state if the request is recorded. What can't be read is left out: the request will tell why.
func (s *Server) stateOf(ctx context.Context, id string) any {
	if !access.Recorded(ctx) {
		return nil
	}
	job, err := s.o.Queue.Get(ctx, id)
	if err != nil {
		return nil
	}
	return jobState{job.State, job.Tenant}
}
