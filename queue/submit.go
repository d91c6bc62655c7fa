package queue

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// Submit submits a job. The error is an [*InvalidError] if the submission is at fault. For an idempotency key that was used
// before it returns the earlier job.
func (c *Client) Submit(ctx context.Context, s Submission) (*Job, error) {
	job, err := c.opts.check(s, time.Now())
	if err != nil {
		return nil, err
	}
	if !job.Durable {
		if job.id, err = newID(job.Type); err != nil {
			return nil, err
		}
		end, err := gathered(ctx, c.submissions, job.Type, job)
		if err != nil {
			return nil, err
		}
		return end.job, end.err
	}
	out, err := c.submitAll(ctx, []*checked{job})
	if out == nil {
		return nil, err
	}
	return out[0], err
}

// submission is the outcome of one.
type submission struct {
	job *Job
	err error
}

// callShare returns how much of one script call, which has batchChunk shares, a submission takes up.
func callShare(j *checked) int { return 1 + batchChunk*len(j.Parameters)/batchBytes }

// submitGathered submits jobs of one type, each with its own outcome.
func (c *Client) submitGathered(ctx context.Context, jobType string, jobs []*checked) []submission {
	done := make(map[*checked]submission, len(jobs))
	err := c.submitType(ctx, jobType, jobs, false, done)
	var full *fullError
	if errors.As(err, &full) && len(jobs) > 1 {
		err = c.submitRest(ctx, jobType, jobs, full.classes, done)
	}
	out := make([]submission, len(jobs))
	for i, j := range jobs {
		end, ok := done[j]
		if !ok {
			end.err = err
		}
		out[i] = end
	}
	return out
}

// submitRest continues if there are too many classes. It submits the jobs of existing classes, then tries the fresh classes
// one by one until one is refused. The error is that of the jobs without an entry in done.
func (c *Client) submitRest(ctx context.Context, jobType string, jobs []*checked, fresh []string, done map[*checked]submission) error {
	var known []*checked
	byClass := map[string][]*checked{}
	for _, j := range jobs {
		if _, ok := done[j]; ok {
			continue
		}
		if slices.Contains(fresh, j.class) {
			byClass[j.class] = append(byClass[j.class], j)
		} else {
			known = append(known, j)
		}
	}
	err := c.submitType(ctx, jobType, known, false, done)
	var refused error
	for _, class := range fresh {
		of := byClass[class]
		if refused == nil {
			refused = c.submitType(ctx, jobType, of, false, done)
		}
		for _, j := range of {
			if _, ok := done[j]; !ok {
				done[j] = submission{err: refused}
			}
		}
	}
	return err
}

// batchChunk and batchBytes bound what one script call submits, so that none blocks Redis for long.
const (
	batchChunk = 100
	batchBytes = 1 << 20
)

// SubmitBatch submits many jobs; see [API].
func (c *Client) SubmitBatch(ctx context.Context, all []Submission) ([]*Job, error) {
	jobs := make([]*checked, len(all))
	now := time.Now()
	for i, s := range all {
		var invalid *InvalidError
		job, err := c.opts.check(s, now)
		if errors.As(err, &invalid) {
			return nil, &InvalidError{fmt.Sprintf("jobs[%d].%s", i, invalid.Field), invalid.Problem}
		}
		if err != nil {
			return nil, err
		}
		jobs[i] = job
	}
	if err := c.checkKeys(ctx, jobs); err != nil {
		return nil, err
	}
	return c.submitAll(ctx, jobs)
}

// submitAll passes jobs to the script in chunks of one type each, the types in the order of their first jobs. It returns one job
// for each given one, in their order; with an error, those that were not accepted are nil.
func (c *Client) submitAll(ctx context.Context, jobs []*checked) ([]*Job, error) {
	var types []string // as they come
	byType := map[string][]*checked{}
	durable := false
	for _, j := range jobs {
		var err error
		if j.id, err = newID(j.Type); err != nil {
			return nil, err
		}
		if byType[j.Type] == nil {
			types = append(types, j.Type)
		}
		byType[j.Type] = append(byType[j.Type], j)
		durable = durable || j.Durable
	}
	if durable {
		if err := c.canBeDurable(ctx); err != nil {
			return nil, err
		}
	}
	var failed error
	done := make(map[*checked]submission, len(jobs))
	for _, jobType := range types {
		if failed = c.submitType(ctx, jobType, byType[jobType], durable, done); failed != nil {
			break
		}
	}
	out := make([]*Job, len(jobs))
	for i, j := range jobs {
		end := done[j]
		out[i] = end.job
		if failed == nil {
			failed = end.err
		}
	}
	return out, failed
}

// submitType adds to done the outcomes of submissions of one type. The error is that of those without an entry.
func (c *Client) submitType(ctx context.Context, jobType string, jobs []*checked, durable bool, done map[*checked]submission) error {
	for range 10 {
		left, err := c.reserve(ctx, jobs, done)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		jobs = left
		for len(left) > 0 {
			n, bytes := 0, 0
			for n < len(left) && n < batchChunk && (n == 0 || bytes+len(left[n].Parameters) <= batchBytes) {
				bytes += len(left[n].Parameters)
				n++
			}
			if err := c.submitChunk(ctx, jobType, left[:n], durable, done); err != nil {
				if errors.As(err, new(*fullError)) {
					c.abandon(ctx, left[:n])
				}
				return err
			}
			left = left[n:]
		}
		// What is left had its idempotency key taken over, and tries again under another id.
		jobs = slices.DeleteFunc(slices.Clone(jobs), func(j *checked) bool { _, ended := done[j]; return ended })
		for _, j := range jobs {
			if j.id, err = newID(jobType); err != nil {
				return err
			}
			j.shared = false
		}
	}
	return errors.New("queue: submit: idempotency keys keep being taken over")
}

// submitChunk adds to done the outcomes of the jobs that the script accepted. The error is one that they share.
func (c *Client) submitChunk(ctx context.Context, jobType string, jobs []*checked, durable bool, done map[*checked]submission) error {
	records, err := c.submit(ctx, jobType, jobs, durable)
	if len(records) < len(jobs) {
		return err
	}
	for i, j := range jobs {
		if records[i] == "" {
			continue // its key was taken over
		}
		end := c.submitted(ctx, j, records[i])
		if !errors.Is(end.err, ErrNotFound) { // else removed meanwhile
			done[j] = end
		}
	}
	return err
}

// submitted returns the outcome that the script's answer for a job stands for: its record or, for a repetition, the earlier
// job's id.
func (c *Client) submitted(ctx context.Context, j *checked, answer string) submission {
	if strings.Contains(answer, "\t") {
		r, err := parseRecord(j.id, answer)
		if err != nil {
			return submission{err: err}
		}
		out, err := r.job(j.meta, nil)
		if err != nil {
			return submission{err: err}
		}
		out.Requirements, out.Parameters = j.needs, j.Parameters
		return submission{job: out}
	}
	job, err := c.Get(ctx, answer)
	switch {
	case err != nil:
		return submission{err: err}
	case answer == j.id && !j.shared && j.resent: // accepted by a call whose answer was lost
		return submission{job: job}
	case answer != j.id: // under a key that a former release wrote
		if _, err := c.evalAgain(ctx, "swap", noType, []string{c.keys.idempotency()}, j.idemField(), j.id, answer); err != nil {
			return submission{err: err}
		}
	}
	return j.repeats(job)
}

// fullError refuses jobs because there are too many classes.
type fullError struct {
	invalid InvalidError
	classes []string // those that don't exist yet
}

func (e *fullError) Error() string { return e.invalid.Error() }
func (e *fullError) Unwrap() error { return &e.invalid }

func newID(jobType string) (string, error) {
	id, err := ulid.New(ulid.Now(), rand.Reader)
	if err != nil {
		return "", fmt.Errorf("queue: job id: %w", err)
	}
	return jobType + "-" + strings.ToLower(id.String()), nil
}

// submit passes jobs of one type to the script. The first try has no class definitions, which suffices for classes that
// exist; the script returns those that don't. The answer has a record or an earlier job's id for each job. It comes with an
// error if the jobs aren't known to be on disk.
func (c *Client) submit(ctx context.Context, jobType string, jobs []*checked, durable bool) ([]string, error) {
	byClass := map[string]*checked{}
	for _, j := range jobs {
		byClass[j.class] = j
	}
	var defs []any
	for range 5 {
		args := append([]any{c.opts.MaxClasses, inlineParameters, "0", len(defs) / 5}, defs...)
		for _, j := range jobs {
			args = append(args, j.id, j.class, fmt.Sprintf("%02x", MaxPriority-j.priority), j.MaxAttempts, j.Timeout.D().Milliseconds(),
				millis(j.Deadline), millis(j.NotBefore), j.Tenant, j.IdempotencyKey, []byte(j.Parameters), j.meta, j.Webhook)
		}
		reply, unsure, err := c.evalSubmit(ctx, jobType, durable, args)
		for _, j := range jobs {
			j.resent = j.resent || args[repetitionArg] == "1"
		}
		if err != nil {
			return nil, err
		}
		switch text(at(reply, 0)) {
		case forgotten:
			if err := c.useType(ctx, jobType); err != nil {
				return nil, err
			}
			continue
		case "ok":
			c.wake(ctx, jobType, texts(at(reply, 3)))
			if len(defs) > 0 && fmt.Sprint(number(at(reply, 1))) != defs[4] {
				c.placeAgain(ctx, jobType)
			}
			return texts(at(reply, 2)), unsure
		case "full":
			full := &fullError{invalid: InvalidError{"requires", fmt.Sprintf("would be a new class of jobs, and type %s has %d distinct requirements already, "+
				"which is the limit: don't put values that are different for every job or user into requirements", jobType, number(at(reply, 1)))}}
			for i := 0; i < len(defs); i += 5 {
				full.classes = append(full.classes, fmt.Sprint(defs[i]))
			}
			return nil, full
		}
		if defs, err = c.define(ctx, jobType, texts(reply)[1:], byClass); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("queue: submit: classes keep vanishing")
}

// placeAgain moves classes that were defined for a fleet which changed meanwhile: the worker that changed it did not see them
// yet. The jobs are accepted by then, so a failure is not the submitter's; the next pass of the reaper moves what is left.
func (c *Client) placeAgain(ctx context.Context, jobType string) {
	if err := c.remap(ctx, jobType); err != nil {
		c.log.Debug("classes could not be placed", "type", jobType, "error", err)
	}
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
