package queue

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// demandChunk is how many classes one script call reads, so that no call blocks Redis for long.
const demandChunk = 200

// arrivalWindow is the time constant of the arrival rate, as in submit.lua.
const arrivalWindow = time.Minute

// Demand returns the load of every class in the index. Its cost depends on the number of classes, not on the number of
// waiting jobs.
func (c *Client) Demand(ctx context.Context) ([]ClassDemand, error) {
	types, err := c.allTypes(ctx)
	if err != nil {
		return nil, err
	}
	var out []ClassDemand
	for _, t := range types {
		classes, err := c.rdb.ZRange(ctx, c.keys.shard(t, "classes"), 0, -1).Result()
		if err != nil {
			return nil, c.wrap(ctx, err)
		}
		running, err := c.running(ctx, t)
		if err != nil {
			return nil, err
		}
		classes = slices.AppendSeq(classes, maps.Keys(running)) // a class may have left the index since its jobs started
		slices.Sort(classes)
		for chunk := range slices.Chunk(slices.Compact(classes), demandChunk) {
			part, err := c.demand(ctx, t, chunk, running)
			if err != nil {
				return nil, err
			}
			out = append(out, part...)
		}
	}
	return out, nil
}

// runningChunk is how many leases one script call reads.
const runningChunk = 5000

// running counts a type's running jobs by class.
func (c *Client) running(ctx context.Context, jobType string) (map[string]int64, error) {
	out := map[string]int64{}
	for from := 0; ; from += runningChunk {
		reply, err := c.evalAgain(ctx, "running", jobType, nil, from, from+runningChunk-1)
		if err != nil {
			return nil, err
		}
		for i := 1; i+1 < len(list(reply)); i += 2 {
			out[text(at(reply, i))] += number(at(reply, i+1))
		}
		if number(at(reply, 0)) < runningChunk {
			return out, nil
		}
	}
}

func (c *Client) demand(ctx context.Context, jobType string, classes []string, running map[string]int64) ([]ClassDemand, error) {
	args := make([]any, len(classes))
	for i, class := range classes {
		args[i] = class
	}
	reply, err := c.evalAgain(ctx, "demand", jobType, nil, args...)
	if err != nil {
		return nil, err
	}
	paused, err := c.paused(ctx, jobType)
	if err != nil {
		return nil, err
	}
	needs, err := c.requirements(ctx, jobType, classes)
	if err != nil {
		return nil, err
	}
	now := number(at(reply, 6*len(classes)))
	var out []ClassDemand
	for i, class := range classes {
		d := ClassDemand{
			Type: jobType, Class: class, Requirements: needs[class], Waiting: number(at(reply, 6*i)),
			Held: number(at(reply, 6*i+1)), Delayed: number(at(reply, 6*i+2)), Running: running[class], Paused: paused,
			ArrivalRate: arrivalRate(text(at(reply, 6*i+4)), now),
		}
		if oldest := number(at(reply, 6*i+3)); oldest > 0 {
			d.OldestAge = time.Duration(max(0, now-oldest)) * time.Millisecond
		}
		d.ServiceMean, d.ServiceP90 = serviceTimes(text(at(reply, 6*i+5)))
		out = append(out, d)
	}
	return out, nil
}

// arrivalRate returns jobs per second from a decayed count, "count time".
func arrivalRate(s string, now int64) float64 {
	count, ms, ok := strings.Cut(s, " ")
	n, err := strconv.ParseFloat(count, 64)
	at, err2 := strconv.ParseInt(ms, 10, 64)
	if !ok || err != nil || err2 != nil {
		return 0
	}
	age := time.Duration(max(0, now-at)) * time.Millisecond
	return n * math.Exp(-age.Seconds()/arrivalWindow.Seconds()) / arrivalWindow.Seconds()
}

// serviceTimes returns the mean and the 90th percentile of samples: milliseconds, each followed by a comma.
func serviceTimes(s string) (mean, p90 time.Duration) {
	var all []time.Duration
	var sum time.Duration
	for f := range strings.SplitSeq(s, ",") {
		ms, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			continue
		}
		d := time.Duration(ms) * time.Millisecond
		all, sum = append(all, d), sum+d
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return max(sum/time.Duration(len(all)), 1), max(all[(len(all)*9+9)/10-1], 1)
}

// positionOf returns how many jobs of its class come before a waiting one.
func (c *Client) positionOf(ctx context.Context, r *record) (int64, error) {
	n, err := c.rdb.ZLexCount(ctx, c.keys.shard(typeOf(r.id), "waiting"), "["+r.class+":", "("+r.class+":"+r.order+":"+r.id).Result()
	return n, c.wrap(ctx, err)
}

// Idle counts a type's workers that wait for a wake-up; -1 if Redis doesn't answer.
func (c *Client) Idle(ctx context.Context, jobType string) int {
	n, err := c.rdb.ZCard(ctx, c.keys.shard(jobType, "idle")).Result()
	if err != nil {
		return -1
	}
	return int(n)
}
