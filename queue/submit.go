package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Submit takes a job in. The error is an [*InvalidError] where the submission is at fault. A submission with an
// idempotency key that was used before returns the earlier job.
func (c *Client) Submit(ctx context.Context, s Submission) (*Job, error) {
	job, err := c.opts.check(s, time.Now())
	if err != nil {
		return nil, err
	}
	if job.id, err = newID(job.Type); err != nil {
		return nil, err
	}
	if err := c.useType(ctx, job.Type); err != nil {
		return nil, err
	}
	records, err := c.submit(ctx, job.Type, []*checked{job})
	if err != nil {
		return nil, err
	}
	if !strings.Contains(records[0], "\t") {
		return c.Get(ctx, records[0]) // an earlier job
	}
	r, err := parseRecord(job.id, records[0])
	if err != nil {
		return nil, err
	}
	out, err := r.job(job.meta, nil)
	if err != nil {
		return nil, err
	}
	out.Requirements, out.Parameters = job.needs, job.Parameters
	return out, nil
}

func newID(jobType string) (string, error) {
	id, err := ulid.New(ulid.Now(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("queue: job id: %w", err)
	}
	return jobType + "-" + strings.ToLower(id.String()), nil
}

// submit hands jobs of one type to the script. The first try is without class definitions, which is all it takes for
// classes that exist; the script names those that don't. The answer is a record or an earlier job's id for each.
func (c *Client) submit(ctx context.Context, jobType string, jobs []*checked) ([]string, error) {
	byClass := map[string]*checked{}
	for _, j := range jobs {
		byClass[j.class] = j
	}
	var defs []any
	for range 5 {
		args := append([]any{c.opts.MaxClasses, len(defs) / 5}, defs...)
		for _, j := range jobs {
			args = append(args, j.id, j.class, fmt.Sprintf("%02x", MaxPriority-j.priority), j.MaxAttempts, j.Timeout.D().Milliseconds(),
				millis(j.Deadline), millis(j.NotBefore), j.Tenant, j.IdempotencyKey, []byte(j.Parameters), j.meta)
		}
		reply, err := c.evalAgain(ctx, "submit", jobType, nil, args...)
		if err != nil {
			return nil, err
		}
		switch text(at(reply, 0)) {
		case "ok":
			c.wake(ctx, jobType, texts(at(reply, 3)))
			return texts(at(reply, 2)), nil
		case "full":
			return nil, &InvalidError{"requires", fmt.Sprintf("would be a new class of jobs, and type %s has %d distinct requirements already, "+
				"which is the limit: don't put values that are different for every job or user into requirements", jobType, number(at(reply, 1)))}
		}
		if defs, err = c.define(ctx, jobType, texts(reply)[1:], byClass); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("queue: submit: classes keep vanishing")
}

// define prepares the definitions of classes: their requirements and their audience in the present fleet.
func (c *Client) define(ctx context.Context, jobType string, classes []string, byClass map[string]*checked) ([]any, error) {
	f, err := c.readFleet(ctx, jobType)
	if err != nil {
		return nil, err
	}
	var defs []any
	for _, class := range classes {
		needs := byClass[class].needs
		b, err := json.Marshal(needs)
		if err != nil {
			return nil, fmt.Errorf("queue: requirements: %w", err)
		}
		c.matches.learn(class, needs)
		a, profiles := f.audience(c.matches, class, needs)
		defs = append(defs, class, b, a, profiles, f.version)
	}
	return defs, nil
}
