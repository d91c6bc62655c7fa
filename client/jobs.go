package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// longestWait is how long a dispatcher lets a request wait.
const longestWait = time.Minute

// Submit submits a job. With an idempotency key it may be repeated: it returns the first submission's job.
func (c *Client) Submit(ctx context.Context, s *Submission) (*Submitted, error) {
	body, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("the submission: %w", err)
	}
	if s.IdempotencyKey != "" {
		ctx = context.WithValue(ctx, repeatable, true)
	}
	return c.SubmitJSON(ctx, body)
}

// SubmitJSON submits a job that is JSON already.
func (c *Client) SubmitJSON(ctx context.Context, body []byte) (*Submitted, error) {
	return read[Submitted](c.raw.SubmitJobWithBody(ctx, nil, "application/json", bytes.NewReader(body)))
}

// Check returns what would happen to a submission: its class, how many workers could run it, and why none if it is none.
// Nothing is submitted.
func (c *Client) Check(ctx context.Context, s *Submission) (*Submitted, error) {
	return read[Submitted](c.raw.SubmitJob(context.WithValue(ctx, repeatable, true), &SubmitJobParams{DryRun: new(true)}, *s))
}

// Run submits a job and returns it when it has ended, or as it is after a minute at most. [Client.Wait] waits on.
func (c *Client) Run(ctx context.Context, s *Submission) (*Job, error) {
	if s.IdempotencyKey != "" {
		ctx = context.WithValue(ctx, repeatable, true)
	}
	answer, err := read[Submitted](c.raw.SubmitJob(context.WithValue(ctx, waiting, longestWait), &SubmitJobParams{Wait: longestWait.String()}, *s))
	if err != nil {
		return nil, err
	}
	return answer.Job, nil
}

// SubmitBatch submits many jobs, and none of them if one is invalid.
func (c *Client) SubmitBatch(ctx context.Context, jobs []Submission) ([]Submitted, error) {
	list, err := read[SubmittedList](c.raw.SubmitJobs(ctx, Batch{Jobs: jobs}))
	if err != nil {
		return nil, err
	}
	return list.Jobs, nil
}

// CancelJobs cancels the selected jobs. With More, repeat the request.
func (c *Client) CancelJobs(ctx context.Context, s *Selection) (*OutcomeList, error) {
	return read[OutcomeList](c.raw.CancelJobs(ctx, *s))
}

// RequeueJobs lets the selected jobs wait again. With More, repeat the request.
func (c *Client) RequeueJobs(ctx context.Context, s *Selection) (*OutcomeList, error) {
	return read[OutcomeList](c.raw.RequeueJobs(ctx, *s))
}

// Job returns a job with its parameters and result.
func (c *Client) Job(ctx context.Context, id string) (*Job, error) {
	return read[Job](c.raw.GetJob(ctx, id, nil))
}

// Jobs returns a page of jobs, newest first. Its Next is the cursor of the next page.
func (c *Client) Jobs(ctx context.Context, filter *ListJobsParams) (*JobPage, error) {
	return read[JobPage](c.raw.ListJobs(ctx, filter))
}

// Explain returns why a job is where it is.
func (c *Client) Explain(ctx context.Context, id string) (*Explanation, error) {
	return read[Explanation](c.raw.ExplainJob(ctx, id))
}

// Cancel cancels a job. The reason may be empty.
func (c *Client) Cancel(ctx context.Context, id, reason string) (*Job, error) {
	return read[Job](c.raw.CancelJob(ctx, id, Because{Reason: reason}))
}

// Requeue lets a failed, dead or cancelled job wait again.
func (c *Client) Requeue(ctx context.Context, id string) (*Job, error) {
	return read[Job](c.raw.RequeueJob(ctx, id))
}

// Blob returns a file of a job's result. The caller closes it.
func (c *Client) Blob(ctx context.Context, id, name string) (io.ReadCloser, error) {
	resp, err := c.raw.JobBlob(context.WithValue(ctx, unbounded, true), id, name)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// Final reports whether a job in this state has ended.
func (s State) Final() bool {
	return s == StateCompleted || s == StateFailed || s == StateDead || s == StateCancelled
}
