package api

import (
	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/queue"
)

// The functions in this file and in views_fleet.go put what the dispatcher's packages know into the document's types. A test
// compares the JSON of both sides, so that none forgets a field.

func submissionOf(s *client.Submission) queue.Submission {
	return queue.Submission{
		Type: s.Type, Capabilities: s.Capabilities, Requires: s.Requires, Parameters: s.Parameters, Priority: s.Priority,
		Timeout: s.Timeout, MaxAttempts: s.MaxAttempts, NotBefore: s.NotBefore, Deadline: s.Deadline, Tenant: s.Tenant,
		IdempotencyKey: s.IdempotencyKey, Durable: s.Durable, Webhook: s.Webhook, Metadata: s.Metadata,
	}
}

func jobView(j *queue.Job) client.Job {
	v := client.Job{
		ID: j.ID, Type: j.Type, State: client.State(j.State), Class: j.Class, Requirements: requirementsView(j.Requirements),
		Priority: j.Priority, Timeout: j.Timeout, MaxAttempts: j.MaxAttempts, Attempts: j.Attempts, LostLeases: j.LostLeases,
		Tenant: j.Tenant, Webhook: j.Webhook, Metadata: j.Metadata, CreatedAt: j.CreatedAt, NotBefore: j.NotBefore,
		Deadline: j.Deadline, StartedAt: j.StartedAt, EndedAt: j.EndedAt, Machine: j.Machine, Worker: j.Worker,
		Progress: progressView(j.Progress), Error: failureView(j.Error), Parameters: j.Parameters,
	}
	if j.Result != nil {
		v.Result = &client.Result{Data: j.Result.Data, Blobs: views(j.Result.Blobs, blobView)}
	}
	v.History = views(j.History, func(a *queue.Attempt) client.Attempt {
		return client.Attempt{
			Machine: a.Machine, Worker: a.Worker, Outcome: a.Outcome, Error: failureView(a.Error), StartedAt: a.StartedAt, EndedAt: a.EndedAt,
		}
	})
	return v
}

// views applies a view to each entry.
func views[T, V any](list []T, view func(*T) V) []V {
	if list == nil {
		return nil
	}
	out := make([]V, len(list))
	for i := range list {
		out[i] = view(&list[i])
	}
	return out
}

// some is list, which JSON shows as [] if it is empty.
func some[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func blobView(b *queue.Blob) client.Blob {
	return client.Blob{Name: b.Name, URL: b.URL, ContentType: b.ContentType, Size: b.Size, SHA256: b.SHA256}
}

func requirementsView(r capability.Requirements) client.Requirements {
	return client.Requirements{Type: r.Type, Flags: r.Flags, Constraints: views(r.Constraints, func(c *capability.Constraint) client.Constraint {
		return client.Constraint{Name: c.Name, Expr: c.Expr}
	})}
}

func progressView(p *queue.Progress) *client.Progress {
	if p == nil {
		return nil
	}
	return &client.Progress{Value: p.Value, Max: p.Max, Message: p.Message}
}

func failureView(f *queue.Failure) *client.Failure {
	if f == nil {
		return nil
	}
	return &client.Failure{Code: f.Code, Message: f.Message, Retriable: f.Retriable}
}

func eventView(e *queue.Event) client.Event {
	return client.Event{
		ID: e.ID, JobID: e.JobID, Kind: e.Kind, State: client.State(e.State), At: e.At, Machine: e.Machine, Worker: e.Worker,
		Progress: progressView(e.Progress), Error: failureView(e.Error),
	}
}

func refusalView(r *queue.Refusal) client.Refusal {
	return client.Refusal{Reason: r.Reason, Workers: r.Workers}
}

func explanationView(e *queue.Explanation) client.Explanation {
	v := client.Explanation{
		JobID: e.JobID, State: client.State(e.State), Summary: e.Summary, Position: e.Position, Able: e.Able,
		Refusals: views(e.Refusals, refusalView),
	}
	if n := e.Nearest; n != nil {
		v.Nearest = &client.Nearest{Machine: n.Machine, Worker: n.Worker, Lacks: some(n.Lacks), Workers: n.Workers}
	}
	return v
}
