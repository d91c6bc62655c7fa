package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// A tenant's idempotency key stands for one job of any type. The first submission with a key enters the id of its future job
// in a table of all keys; later submissions find that id there. One of the same type uses that id, too: the shard accepts the
// first, and answers the others with its job. One of another type is a conflict if the job exists. If it doesn't, because the
// client that entered it died, the key is taken over: the shard refuses the id from then on, and another id is entered. No
// step waits for another client.
//
// A submission counts as a repetition if it equals the job itself. A key is removed together with its job, some time after
// the job's end ([Options.Retention]).

// ConflictError refuses a submission whose idempotency key was used for a different job.
type ConflictError struct {
	Fields []string // those in which the submission differs
	JobID  string   // the job that was submitted first
	Place  string   // of the submission in a batch, "jobs[3]."
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("the idempotency_key was used before, for job %s, which differs in %s: use another key for another job, or submit the same again",
		e.JobID, strings.Join(e.Fields, ", "))
}

// Field returns the first field that differs, as in [InvalidError].
func (e *ConflictError) Field() string { return e.Place + e.Fields[0] }

// idemField returns the submission's field in the tables of keys.
func (j *checked) idemField() string { return j.Tenant + "\t" + j.IdempotencyKey }

const (
	// reservationAge is how old an id in the table may be if it is used without checking that its job isn't gone.
	reservationAge = time.Hour
	// refuseTaken is how long an id is refused after its key was taken over: far longer than a submission takes.
	refuseTaken = time.Hour
)

// reserve enters the keys of submissions of one type and sets their ids to those that the keys stand for. It returns the jobs
// that are to be submitted, and adds the outcomes of the others to done.
func (c *Client) reserve(ctx context.Context, jobs []*checked, done map[*checked]submission) ([]*checked, error) {
	var keyed []*checked
	for _, j := range jobs {
		if j.IdempotencyKey != "" {
			keyed = append(keyed, j)
		}
	}
	if len(keyed) == 0 {
		return jobs, nil
	}
	if err := c.reserveLate(ctx, keyed, done); err != nil {
		return nil, err
	}
	for range 10 {
		open := slices.DeleteFunc(slices.Clone(keyed), func(j *checked) bool { _, ended := done[j]; return ended })
		if len(open) == 0 {
			break
		}
		var args []any
		for _, j := range open {
			args = append(args, j.idemField(), j.id)
		}
		reply, err := c.evalAgain(ctx, "reserve", noType, []string{c.keys.idempotency()}, args...)
		if err != nil {
			return nil, err
		}
		keyed = nil // those whose keys were taken over and must be entered again
		for i, id := range texts(reply) {
			again, err := c.settleKey(ctx, open[i], id, done)
			if err != nil {
				return nil, err
			}
			if again {
				keyed = append(keyed, open[i])
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(jobs), func(j *checked) bool { _, ended := done[j]; return ended }), nil
}

// settleKey decides about a submission whose key stands for the job id. again reports whether the key was taken over.
func (c *Client) settleKey(ctx context.Context, j *checked, id string, done map[*checked]submission) (again bool, err error) {
	fresh := false
	if t, err := ulid.Parse(id[strings.LastIndexByte(id, '-')+1:]); err == nil {
		fresh = time.Since(ulid.Time(t.Time())) < reservationAge
	}
	if id == j.id {
		return false, nil
	}
	if typeOf(id) == j.Type && fresh {
		j.id, j.shared = id, true
		return false, nil
	}
	reply, err := c.eval(ctx, "overtake", typeOf(id), nil, j.idemField(), id, refuseTaken.Milliseconds())
	if err != nil {
		return false, err
	}
	if earlier := text(reply); earlier != "" {
		if typeOf(earlier) == j.Type {
			j.id, j.shared = earlier, true
			return false, nil
		}
		done[j], err = c.answerKey(ctx, j, earlier)
		if errors.Is(err, ErrNotFound) {
			return true, nil // removed meanwhile
		}
		return false, err
	}
	_, err = c.evalAgain(ctx, "swap", noType, []string{c.keys.idempotency()}, j.idemField(), id, j.id)
	return true, err
}

// answerKey returns the outcome of a submission whose key stands for an existing job.
func (c *Client) answerKey(ctx context.Context, j *checked, id string) (submission, error) {
	job, err := c.Get(ctx, id)
	if err != nil {
		return submission{}, err
	}
	return j.repeats(job), nil
}

// repeats returns the outcome of a repeated submission: the first one's job if it is the same, otherwise a conflict.
func (j *checked) repeats(job *Job) submission {
	if fields := j.differences(job); len(fields) > 0 {
		return submission{err: &ConflictError{Fields: fields, JobID: job.ID}}
	}
	again := *job
	again.Repeated = true
	return submission{job: &again}
}

// reserveLate adds to done the outcomes of submissions whose deadline has passed: they can only be repetitions.
func (c *Client) reserveLate(ctx context.Context, jobs []*checked, done map[*checked]submission) error {
	late := slices.DeleteFunc(slices.Clone(jobs), func(j *checked) bool { return j.late == nil })
	earlier, err := c.earlier(ctx, late)
	if err != nil {
		return err
	}
	for _, j := range late {
		if job := earlier[j]; job != nil {
			done[j] = j.repeats(job)
		} else {
			done[j] = submission{err: j.late}
		}
	}
	return nil
}

// earlier returns the jobs that the keys of submissions stand for.
func (c *Client) earlier(ctx context.Context, jobs []*checked) (map[*checked]*Job, error) {
	out := map[*checked]*Job{}
	if len(jobs) == 0 {
		return out, nil
	}
	fields := make([]string, len(jobs))
	byType := map[string][]string{}
	for i, j := range jobs {
		fields[i] = j.idemField()
		byType[j.Type] = append(byType[j.Type], fields[i])
	}
	ids := map[string]string{}
	learn := func(key string, fields []string) error {
		values, err := c.rdb.HMGet(ctx, key, fields...).Result()
		if err != nil {
			return c.wrap(ctx, err)
		}
		for i, v := range values {
			if id := text(v); id != "" {
				ids[fields[i]] = id
			}
		}
		return nil
	}
	for jobType, of := range byType { // where a former release has its keys
		if err := learn(c.keys.shard(jobType, "idem"), of); err != nil {
			return nil, err
		}
	}
	err := learn(c.keys.idempotency(), fields)
	if err != nil {
		return nil, err
	}
	for i, j := range jobs {
		id, ok := ids[fields[i]]
		if !ok {
			continue
		}
		if out[j], err = c.Get(ctx, id); errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			return nil, err
		}
	}
	return out, nil
}

// checkKeys refuses a whole batch if one of its submissions conflicts with an earlier job, or with another submission.
func (c *Client) checkKeys(ctx context.Context, jobs []*checked) error {
	first := map[string]*checked{}
	var keyed []*checked
	places := map[*checked]string{}
	for i, j := range jobs {
		if j.IdempotencyKey != "" {
			keyed = append(keyed, j)
			places[j] = fmt.Sprintf("jobs[%d].", i)
		}
	}
	earlier, err := c.earlier(ctx, keyed)
	if err != nil {
		return err
	}
	for _, j := range keyed {
		job := earlier[j]
		if other := first[j.idemField()]; job == nil && other != nil {
			job = other.asJob()
			job.ID = strings.TrimSuffix(places[other], ".") + " of this batch"
		}
		if job == nil && j.late != nil {
			return &InvalidError{places[j] + j.late.Field, j.late.Problem}
		}
		if job == nil {
			first[j.idemField()] = j
		} else if fields := j.differences(job); len(fields) > 0 {
			return &ConflictError{Fields: fields, JobID: job.ID, Place: places[j]}
		}
	}
	return nil
}

// abandon removes the keys that refused submissions have entered.
func (c *Client) abandon(ctx context.Context, jobs []*checked) {
	var args []any
	for _, j := range jobs {
		if j.IdempotencyKey != "" {
			args = append(args, j.idemField(), j.id, "")
		}
	}
	c.forgetKeys(ctx, args)
}

// forgetKeys removes keys from the table whose jobs are gone. args has a key, an id and an empty text for each. A key that
// can't be removed now uses memory until it is used again and taken over.
func (c *Client) forgetKeys(ctx context.Context, args []any) {
	if len(args) == 0 {
		return
	}
	if _, err := c.evalAgain(context.WithoutCancel(ctx), "swap", noType, []string{c.keys.idempotency()}, args...); err != nil {
		c.log.Debug("removing idempotency keys failed", "keys", len(args)/3, "error", err)
	}
}
