package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/queue"
)

// maxSelected bounds the jobs that one request changes.
const maxSelected = 500

// SubmitJobs implements [wire.StrictServerInterface].
func (s *Server) SubmitJobs(ctx context.Context, r wire.SubmitJobsRequestObject) (wire.SubmitJobsResponseObject, error) {
	for i := range r.Body.Jobs {
		if err := s.checkWebhook(ctx, fmt.Sprintf("jobs[%d].", i), &r.Body.Jobs[i]); err != nil {
			return nil, err
		}
	}
	jobs, err := s.o.Queue.SubmitBatch(ctx, views(r.Body.Jobs, submissionOf))
	if err != nil && len(jobs) > 0 {
		s.log.Warn("batch accepted in part", "accepted", len(jobs), "of", len(r.Body.Jobs), "error", err)
		return nil, refuse(http.StatusServiceUnavailable, codeUnavailable, "jobs", "%d of %d jobs were accepted before Redis could no longer be reached: "+
			"submit the batch again, with an idempotency_key for each job, and none is submitted twice", len(jobs), len(r.Body.Jobs))
	}
	if err != nil {
		return nil, err
	}
	s.o.Pools.Kick()
	return wire.SubmitJobs200JSONResponse{Jobs: views(jobs, func(j **queue.Job) client.Submitted {
		return client.Submitted{ID: (*j).ID, State: client.State((*j).State), Class: (*j).Class}
	})}, nil
}

// CancelJobs implements [wire.StrictServerInterface].
func (s *Server) CancelJobs(ctx context.Context, r wire.CancelJobsRequestObject) (wire.CancelJobsResponseObject, error) {
	why := r.Body.Reason
	if why == "" {
		why = "cancelled over the API"
	}
	done, err := s.eachSelected(ctx, r.Body, func(id string) (*queue.Job, error) { return s.o.Queue.Cancel(ctx, id, why) })
	return wire.CancelJobs200JSONResponse(done), err
}

// RequeueJobs implements [wire.StrictServerInterface].
func (s *Server) RequeueJobs(ctx context.Context, r wire.RequeueJobsRequestObject) (wire.RequeueJobsResponseObject, error) {
	done, err := s.eachSelected(ctx, r.Body, func(id string) (*queue.Job, error) { return s.requeue(ctx, id) })
	if err == nil {
		s.o.Pools.Kick()
	}
	return wire.RequeueJobs200JSONResponse(done), err
}

// eachSelected applies a change to each job of a selection. A job that refuses it has a problem of its own; if Redis can't be
// reached, the request ends.
func (s *Server) eachSelected(ctx context.Context, selection *client.Selection, change func(id string) (*queue.Job, error)) (out client.OutcomeList, err error) {
	out.Jobs = []client.Outcome{}
	ids := selection.IDs
	switch {
	case len(ids) > 0 && selection.Filter != nil:
		return out, invalid("filter", "select jobs by ids or by a filter, not by both")
	case len(ids) == 0 && selection.Filter == nil:
		return out, invalid("ids", "is missing: name the jobs, or select them with a filter")
	case len(ids) == 0:
		jobs, next, err := s.o.Queue.List(ctx, filterOf(selection.Filter))
		if err != nil {
			return out, err
		}
		out.More = next != ""
		for i := range jobs {
			ids = append(ids, jobs[i].ID)
		}
	}
	defer func() { access.Change(ctx, selection, changedOf(out)) }()
	for _, id := range ids {
		job, err := change(id)
		if errors.Is(err, queue.ErrUnavailable) || ctx.Err() != nil {
			return out, fmt.Errorf("after %d of %d jobs: %w", len(out.Jobs), len(ids), errors.Join(err, ctx.Err()))
		}
		if err != nil {
			p := problemOf(err)
			out.Jobs = append(out.Jobs, client.Outcome{ID: id, Problem: &p})
			continue
		}
		out.Jobs = append(out.Jobs, client.Outcome{ID: id, State: client.State(job.State)})
	}
	return out, nil
}

// changedOf is what the audit log shows of the jobs of a selection: how many were changed, and how many refused it.
func changedOf(l client.OutcomeList) map[string]int {
	counts := map[string]int{"changed": 0, "refused": 0}
	for _, o := range l.Jobs {
		if o.Problem != nil {
			counts["refused"]++
		} else {
			counts["changed"]++
		}
	}
	return counts
}

func filterOf(f *client.Filter) queue.ListFilter {
	return queue.ListFilter{
		Type: f.Type, State: queue.State(f.State), Tenant: f.Tenant, Class: f.Class, Retrying: f.Retrying, Since: f.Since, Until: f.Until,
		Limit: maxSelected,
	}
}
