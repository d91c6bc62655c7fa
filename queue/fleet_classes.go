package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/capability"
)

// remapChunk is how many classes one script call moves: claims continue between the calls.
const remapChunk = 100

// readFleet reads a type's live profiles. The version is read first: it may be older than the profiles but never newer,
// so that a class placed by it is at worst placed again.
func (c *Client) readFleet(ctx context.Context, jobType string) (fleet, error) {
	version, err := c.rdb.HGet(ctx, c.keys.shard(jobType, "ctl"), "fleet").Result()
	if errors.Is(err, redis.Nil) {
		version, err = "0", nil
	}
	if err != nil {
		return fleet{}, c.wrap(ctx, err)
	}
	fields, err := c.rdb.HGetAll(ctx, c.keys.shard(jobType, "fleet")).Result()
	if err != nil {
		return fleet{}, c.wrap(ctx, err)
	}
	offers := map[string]capability.Offer{}
	for name, value := range fields {
		profile, ok := strings.CutPrefix(name, "o:")
		if !ok {
			continue
		}
		var o capability.Offer
		if err := json.Unmarshal([]byte(value), &o); err != nil {
			return fleet{}, fmt.Errorf("queue: the offer of profile %s in Redis: %w", profile, err)
		}
		offers[profile] = o
	}
	return newFleet(version, offers), nil
}

// remap moves a type's classes to the audiences of the present fleet, chunk by chunk, until none is left. Any number of
// clients may do it concurrently.
func (c *Client) remap(ctx context.Context, jobType string) error {
	for {
		f, err := c.readFleet(ctx, jobType)
		if err != nil {
			return err
		}
		stale, err := c.rdb.ZRangeByScore(ctx, c.keys.shard(jobType, "classes"), &redis.ZRangeBy{
			Min: "-inf", Max: "(" + f.version, Count: remapChunk,
		}).Result()
		if err != nil {
			return c.wrap(ctx, err)
		}
		if len(stale) == 0 {
			return nil
		}
		reqs, err := c.requirements(ctx, jobType, stale)
		if err != nil {
			return err
		}
		args := []any{f.version}
		for _, class := range stale {
			a, profiles := f.audience(c.matches, class, reqs[class])
			args = append(args, class, a, profiles)
		}
		woken, err := c.evalAgain(ctx, "remap", jobType, nil, args...)
		if err != nil {
			return err
		}
		c.wake(ctx, jobType, texts(woken))
	}
}

// requirements returns the requirements of classes, from this client's memory or from Redis.
func (c *Client) requirements(ctx context.Context, jobType string, classes []string) (map[string]capability.Requirements, error) {
	out := make(map[string]capability.Requirements, len(classes))
	var missing, fields []string
	for _, class := range classes {
		if r, ok := c.matches.requirements(class); ok {
			out[class] = r
			continue
		}
		missing, fields = append(missing, class), append(fields, "q:"+class)
	}
	if len(missing) == 0 {
		return out, nil
	}
	values, err := c.rdb.HMGet(ctx, c.keys.shard(jobType, "cls"), fields...).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	for i, v := range values {
		r := capability.Requirements{Type: jobType}
		if s := text(v); s != "" {
			if err := json.Unmarshal([]byte(s), &r); err != nil {
				return nil, fmt.Errorf("queue: the requirements of class %s in Redis: %w", missing[i], err)
			}
			c.matches.learn(missing[i], r)
		}
		out[missing[i]] = r
	}
	return out, nil
}

// wake pushes tokens to the lists of workers that a script removed from idle. A lost token delays a worker until its next
// poll and loses no job, so errors are logged and not returned.
func (c *Client) wake(ctx context.Context, jobType string, workers []string) {
	if len(workers) == 0 {
		return
	}
	_, err := c.rdb.Pipelined(context.WithoutCancel(ctx), func(p redis.Pipeliner) error {
		for _, w := range workers {
			key := c.keys.wake(jobType, w)
			p.RPush(ctx, key, "1")
			p.PExpire(ctx, key, 10*c.opts.Poll)
		}
		return nil
	})
	if err != nil {
		c.log.Debug("wake-up failed", "type", jobType, "workers", len(workers), "error", err)
	}
}
