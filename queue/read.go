package queue

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
)

// Get returns a job with its parameters. The error is [ErrNotFound] if there is none, or no longer.
func (c *Client) Get(ctx context.Context, id string) (*Job, error) {
	_, job, err := c.get(ctx, id)
	return job, err
}

func (c *Client) get(ctx context.Context, id string) (*record, *Job, error) {
	t, err := checkID(id)
	if err != nil {
		return nil, nil, err
	}
	var rec, meta, body *redis.StringCmd
	var details *redis.MapStringStringCmd
	_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		rec = p.HGet(ctx, c.keys.shard(t, "jobs"), id)
		meta = p.HGet(ctx, c.keys.shard(t, "meta"), id)
		body = p.HGet(ctx, c.keys.shard(t, "bodies"), id)
		details = p.HGetAll(ctx, c.keys.details(id))
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, nil, c.wrap(ctx, err)
	}
	if errors.Is(rec.Err(), redis.Nil) {
		return nil, nil, fmt.Errorf("%w: %s", ErrNotFound, printable(id))
	}
	r, err := parseRecord(id, rec.Val())
	if err != nil {
		return nil, nil, err
	}
	job, err := r.job(meta.Val(), details.Val())
	if err != nil {
		return nil, nil, err
	}
	if body.Val() != "" {
		job.Parameters = []byte(body.Val())
	}
	needs, err := c.requirements(ctx, t, []string{r.class})
	if err != nil {
		return nil, nil, err
	}
	job.Requirements = needs[r.class]
	return r, job, nil
}

// read returns several jobs of one type without their parameters. It leaves out those that are gone.
func (c *Client) read(ctx context.Context, jobType string, ids []string) ([]Job, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var records, metas *redis.SliceCmd
	details := make([]*redis.MapStringStringCmd, len(ids))
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		records = p.HMGet(ctx, c.keys.shard(jobType, "jobs"), ids...)
		metas = p.HMGet(ctx, c.keys.shard(jobType, "meta"), ids...)
		for i, id := range ids {
			details[i] = p.HGetAll(ctx, c.keys.details(id))
		}
		return nil
	})
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	var out []Job
	var classes []string
	for i, v := range records.Val() {
		if v == nil {
			continue
		}
		r, err := parseRecord(ids[i], text(v))
		if err != nil {
			return nil, err
		}
		job, err := r.job(text(metas.Val()[i]), details[i].Val())
		if err != nil {
			return nil, err
		}
		out, classes = append(out, *job), append(classes, r.class)
	}
	needs, err := c.requirements(ctx, jobType, classes)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Requirements = needs[out[i].Class]
	}
	return out, nil
}
