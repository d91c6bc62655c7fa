package queue

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Reap does what is due: it requeues the jobs of silent workers, makes delayed jobs wait, ends jobs past their deadline or
// timeout, removes silent workers, old jobs and empty classes, and continues an unfinished remapping. Each part handles at
// most limit items per type and call. Any number of clients may call it concurrently, about every second.
func (c *Client) Reap(ctx context.Context, limit int) (ReapResult, error) {
	var out ReapResult
	if limit < 1 {
		return out, &InvalidError{"limit", "must be at least 1"}
	}
	format, err := c.readFormat(ctx)
	if err != nil {
		return out, err
	}
	if err := c.verify(ctx, format); err != nil {
		return out, err
	}
	now, err := c.Now(ctx)
	if err != nil {
		return out, err
	}
	types, err := c.allTypes(ctx)
	if err != nil {
		return out, err
	}
	errs := []error{c.recheck(ctx), c.reapMachines(ctx, now)}
	for _, t := range types {
		at, err := c.nowAt(ctx, t)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		p := reapPass{c: c, jobType: t, now: at, limit: limit, out: &out}
		errs = append(errs, p.run(ctx))
	}
	return out, errors.Join(errs...)
}

// reapPass is one type's part of a pass.
type reapPass struct {
	c       *Client
	jobType string
	now     time.Time
	limit   int
	out     *ReapResult
}

func (p *reapPass) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{p.workers, p.expire, p.promote, p.unhold, p.drop, p.collect, p.tidy, p.announce} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return p.c.remap(ctx, p.jobType)
}

// due returns the members of one of the shard's sets whose time has come.
func (p *reapPass) due(ctx context.Context, set string, t time.Time, limit int) ([]string, error) {
	ids, err := p.c.rdb.ZRangeByScore(ctx, p.c.keys.shard(p.jobType, set), &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(t.UnixMilli(), 10), Count: int64(limit),
	}).Result()
	return ids, p.c.wrap(ctx, err)
}

func (p *reapPass) workers(ctx context.Context) error {
	silent, err := p.due(ctx, "alive", p.now, p.limit)
	if err != nil || len(silent) == 0 {
		return err
	}
	return p.c.unregister(ctx, p.jobType, true, silent)
}

func (p *reapPass) expire(ctx context.Context) error {
	lost, err := p.due(ctx, "leases", p.now, p.limit)
	if err != nil {
		return err
	}
	late, err := p.due(ctx, "deadlines", p.now, p.limit)
	if err != nil {
		return err
	}
	for _, id := range append(lost, late...) {
		o := &p.c.opts
		reply, err := p.c.eval(ctx, "expire", p.jobType, []string{p.c.keys.details(id)}, id, o.MaxLostLeases,
			o.Backoff.Milliseconds(), o.MaxBackoff.Milliseconds(), 0.75+rand.Float64()/2, o.Overrun.Milliseconds())
		if err != nil {
			return err
		}
		switch text(at(reply, 0)) {
		case "lost":
			p.out.Requeued++
		case "timeout":
			p.out.TimedOut++
		case "dead", "deadline":
			p.out.Dead++
		}
		p.c.wake(ctx, p.jobType, texts(reply)[1:])
	}
	return nil
}

func (p *reapPass) promote(ctx context.Context) error {
	reply, err := p.c.eval(ctx, "promote", p.jobType, nil, p.limit)
	if err != nil {
		return err
	}
	p.out.Due += int(number(at(reply, 0)))
	p.c.wake(ctx, p.jobType, texts(at(reply, 1)))
	return nil
}

// unhold returns held jobs to the index whose tenant is below its limit again.
func (p *reapPass) unhold(ctx context.Context) error {
	reply, err := p.c.eval(ctx, "unhold", p.jobType, nil, "room")
	if err != nil {
		return err
	}
	p.c.wake(ctx, p.jobType, texts(at(reply, 1)))
	return p.c.trimFair(ctx, p.jobType)
}

// drop removes ended jobs that are too old or too many.
func (p *reapPass) drop(ctx context.Context) error {
	old, err := p.due(ctx, "ended", p.now.Add(-p.c.opts.Retention), p.limit)
	if err != nil {
		return err
	}
	key := p.c.keys.shard(p.jobType, "ended")
	n, err := p.c.rdb.ZCard(ctx, key).Result()
	if err != nil {
		return p.c.wrap(ctx, err)
	}
	if surplus := int(n) - p.c.opts.RetentionCount; surplus > len(old) {
		if old, err = p.c.rdb.ZRange(ctx, key, 0, int64(min(surplus, 10*p.limit)-1)).Result(); err != nil {
			return p.c.wrap(ctx, err)
		}
	}
	for len(old) > 0 {
		chunk := old[:min(len(old), 100)]
		old = old[len(chunk):]
		more, args := make([]string, len(chunk)), make([]any, len(chunk))
		for i, id := range chunk {
			more[i], args[i] = p.c.keys.details(id), id
		}
		reply, err := p.c.eval(ctx, "drop", p.jobType, more, args...)
		if err != nil {
			return err
		}
		var keys []any
		for pair := range slices.Chunk(texts(reply), 2) {
			keys = append(keys, pair[0], pair[1], "")
		}
		p.c.forgetKeys(ctx, keys)
	}
	return nil
}

// tidy removes ended drains, in about one pass of sixty: each machine that was ever removed leaves one.
func (p *reapPass) tidy(ctx context.Context) error {
	if rand.N(60) != 0 {
		return nil
	}
	ctl, err := p.c.rdb.HKeys(ctx, p.c.keys.shard(p.jobType, "ctl")).Result()
	if err != nil {
		return p.c.wrap(ctx, err)
	}
	var drains []any
	for _, field := range ctl {
		if strings.HasPrefix(field, drainField) || strings.HasPrefix(field, operatorDrainField) {
			drains = append(drains, field)
		}
	}
	for chunk := range slices.Chunk(drains, 500) {
		if _, err := p.c.eval(ctx, "tidy", p.jobType, nil, chunk...); err != nil {
			return err
		}
	}
	return nil
}

// announce examines a few jobs with a webhook, chosen at random, and announces those that an agent of the former release has
// ended, whose scripts know no webhooks.
func (p *reapPass) announce(ctx context.Context) error {
	ids, err := p.c.rdb.HRandField(ctx, p.c.keys.shard(p.jobType, "hooks"), min(p.limit, 100)).Result()
	if err != nil || len(ids) == 0 {
		return p.c.wrap(ctx, err)
	}
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	_, err = p.c.eval(ctx, "announce", p.jobType, nil, args...)
	return err
}

// collect examines a few classes, chosen at random, and removes the empty ones from the index.
func (p *reapPass) collect(ctx context.Context) error {
	classes, err := p.c.rdb.ZRandMember(ctx, p.c.keys.shard(p.jobType, "classes"), min(p.limit, 100)).Result()
	if err != nil || len(classes) == 0 {
		return p.c.wrap(ctx, err)
	}
	running, err := p.c.running(ctx, p.jobType)
	if err != nil {
		return err
	}
	args := []any{p.c.opts.IdleClass.Milliseconds(), p.c.opts.Retention.Milliseconds()}
	for _, class := range classes {
		if running[class] == 0 {
			args = append(args, class)
		}
	}
	_, err = p.c.eval(ctx, "collect", p.jobType, nil, args...)
	return err
}
