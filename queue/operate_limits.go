package queue

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// unholdChunk is how many held jobs one script call returns to the index.
const unholdChunk = 200

// SetLimits replaces a type's limits; see [API].
func (c *Client) SetLimits(ctx context.Context, jobType string, l Limits) error {
	if _, err := checkID(jobType + "-"); err != nil {
		return &InvalidError{"type", "is not a job type"}
	}
	args := []any{boolArg(l.Fair)}
	add := func(field, suffix string, v Limit) error {
		if err := v.check(field); err != nil {
			return err
		}
		if v.Running > 0 {
			args = append(args, "c"+suffix, v.Running)
		}
		if v.Rate > 0 {
			if v.Burst == 0 {
				v.Burst = max(1, int(v.Rate))
			}
			args = append(args, "r"+suffix, strconv.FormatFloat(v.Rate, 'f', -1, 64)+" "+strconv.Itoa(v.Burst))
		}
		return nil
	}
	if err := add("type", "", l.Type); err != nil {
		return err
	}
	if err := add("each_tenant", "@*", l.EachTenant); err != nil {
		return err
	}
	for _, tenant := range slices.Sorted(maps.Keys(l.Tenants)) {
		field := fmt.Sprintf("tenants[%q]", printable(tenant))
		if problem := checkText(tenant, maxTenant); problem != "" || tenant == "" || tenant == "*" {
			return &InvalidError{field, orElse(problem, "is not a tenant's name")}
		}
		if err := add(field, "@"+tenant, l.Tenants[tenant]); err != nil {
			return err
		}
	}
	if err := c.useType(ctx, jobType); err != nil {
		return err
	}
	if _, err := c.evalAgain(ctx, "limit", jobType, nil, args...); err != nil {
		return err
	}
	return c.unholdAll(ctx, jobType)
}

func (v *Limit) check(field string) error {
	switch {
	case v.Running < 0:
		return &InvalidError{field + ".running", "must not be negative; 0 means unlimited"}
	case v.Rate < 0 || v.Rate > 1e6 || v.Rate != v.Rate || v.Rate > 0 && v.Rate < 1e-4:
		return &InvalidError{field + ".rate", "write starts per second, 0.0001 to 1000000, or 0 for unlimited"}
	case v.Burst < 0 || v.Burst > 1e6 || v.Burst > 0 && v.Rate == 0:
		return &InvalidError{field + ".burst", "write 0 to 1000000, together with a rate"}
	}
	return nil
}

// unholdAll returns every held job to the index, chunk by chunk. Claims then hold those again that the new limits affect.
func (c *Client) unholdAll(ctx context.Context, jobType string) error {
	for {
		reply, err := c.evalAgain(ctx, "unhold", jobType, nil, unholdChunk)
		if err != nil {
			return err
		}
		c.wake(ctx, jobType, texts(at(reply, 1)))
		if number(at(reply, 0)) < unholdChunk {
			return nil
		}
	}
}

// Limits returns a type's limits.
func (c *Client) Limits(ctx context.Context, jobType string) (Limits, error) {
	if _, err := checkID(jobType + "-"); err != nil {
		return Limits{}, &InvalidError{"type", "is not a job type"}
	}
	fields, err := c.rdb.HGetAll(ctx, c.keys.shard(jobType, "limits")).Result()
	if err != nil {
		return Limits{}, c.wrap(ctx, err)
	}
	fair, err := c.rdb.HExists(ctx, c.keys.shard(jobType, "ctl"), "fair").Result()
	if err != nil {
		return Limits{}, c.wrap(ctx, err)
	}
	out := Limits{Fair: fair}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		kind, tenant, named := strings.Cut(name, "@")
		switch {
		case !named:
			out.Type.read(kind, fields[name])
		case tenant == "*":
			out.EachTenant.read(kind, fields[name])
		default:
			l := out.Tenants[tenant]
			if l.read(kind, fields[name]) {
				if out.Tenants == nil {
					out.Tenants = map[string]Limit{}
				}
				out.Tenants[tenant] = l
			}
		}
	}
	return out, nil
}

// read sets the part of the limit that a field holds. It returns false for the field of a token bucket.
func (v *Limit) read(kind, value string) bool {
	switch kind {
	case "c":
		v.Running = int(parseMillis(value))
		return true
	case "r":
		rate, burst, _ := strings.Cut(value, " ")
		if f, err := strconv.ParseFloat(rate, 64); err == nil {
			v.Rate = f
		}
		v.Burst = int(parseMillis(burst))
		return true
	}
	return false
}

// Pause makes every claim of the type return no jobs; see [API].
func (c *Client) Pause(ctx context.Context, jobType, reason string) error {
	if _, err := checkID(jobType + "-"); err != nil {
		return &InvalidError{"type", "is not a job type"}
	}
	if err := c.useType(ctx, jobType); err != nil {
		return err
	}
	return c.wrap(ctx, c.rdb.HSet(ctx, c.keys.shard(jobType, "ctl"), "paused", orElse(printable(reason), "paused")).Err())
}

// paused returns why a type is paused, or "".
func (c *Client) paused(ctx context.Context, jobType string) (string, error) {
	why, err := c.rdb.HGet(ctx, c.keys.shard(jobType, "ctl"), "paused").Result()
	if err != nil && !errors.Is(err, redis.Nil) {
		return "", c.wrap(ctx, err)
	}
	return why, nil
}

// Types lists the types that were ever used; see [API].
func (c *Client) Types(ctx context.Context) ([]TypeState, error) {
	types, err := c.allTypes(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]TypeState, len(types))
	for i, t := range types {
		if out[i].Paused, err = c.paused(ctx, t); err != nil {
			return nil, err
		}
		out[i].Type = t
	}
	return out, nil
}

// Resume ends a pause. Workers notice within Options.Poll.
func (c *Client) Resume(ctx context.Context, jobType string) error {
	if _, err := checkID(jobType + "-"); err != nil {
		return &InvalidError{"type", "is not a job type"}
	}
	return c.wrap(ctx, c.rdb.HDel(ctx, c.keys.shard(jobType, "ctl"), "paused").Err())
}

// maxFair is how many tenants' places are kept before those that no longer matter are removed.
const maxFair = 5000

// trimFair removes the places of tenants that aren't ahead of the job started last. A removed tenant's next job gets that
// place, which is what it would have got anyway.
func (c *Client) trimFair(ctx context.Context, jobType string) error {
	key := c.keys.shard(jobType, "fair")
	n, err := c.rdb.HLen(ctx, key).Result()
	if err != nil || n < maxFair {
		return c.wrap(ctx, err)
	}
	fields, err := c.rdb.HGetAll(ctx, key).Result()
	if err != nil {
		return c.wrap(ctx, err)
	}
	var passed []string
	for name, v := range fields {
		prefix, _, isTenant := strings.Cut(name, "@")
		if isTenant && parseMillis(v) <= parseMillis(fields[prefix]) {
			passed = append(passed, name)
		}
	}
	for chunk := range slices.Chunk(passed, 500) {
		if err := c.rdb.HDel(ctx, key, chunk...).Err(); err != nil {
			return c.wrap(ctx, err)
		}
	}
	return nil
}
