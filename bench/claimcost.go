package main

import (
	"context"
	"fmt"

	"github.com/emprops/machinectl/queue"
)

// backlog is a number of waiting jobs in a number of classes, with a job type of its own. Its first half needs more
// than the measured worker offers.
type backlog struct {
	name    string
	jobType string
	waiting int
	classes int
	worker  queue.WorkerInfo
}

// measureClaimCost fills several backlogs side by side and claims from each in turn.
func measureClaimCost(ctx context.Context, e *env) (outcomes, error) {
	few, many := pick(e, 1_000_000, 20_000), pick(e, 10_000, 1_000)
	small := newBacklog("small", 1_000, 100)
	large := newBacklog("large", few, 100)
	classy := newBacklog("classy", few, many)
	backlogs := []*backlog{small, large, classy}

	o, err := openOurs(ctx, e)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	out := outcomes{}
	for _, b := range backlogs {
		memory, err := b.fill(ctx, e, o)
		if err != nil {
			return nil, fmt.Errorf("filling %s: %w", b.name, err)
		}
		if b == large {
			out["memory"] = outcome{
				Samples: memory, Detail: map[string]series{b.name + " B": memory},
				Note: fmt.Sprintf("while growing to %s, payload %d B", b.name, payloadSize),
			}
		}
	}
	if !e.wants("claim-waiting", "claim-classes") {
		return out, nil
	}
	cost := map[string]series{}
	names := []string{small.name, large.name, classy.name}
	err = e.interleave(ctx, "claim cost", names, func(ctx context.Context, name string) error {
		for _, b := range backlogs {
			if b.name == name {
				sample, err := b.claimCost(ctx, e, o)
				cost[name] = append(cost[name], sample)
				return err
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	compare := func(a, b *backlog) outcome {
		return outcome{
			Samples: cost[b.name].change(cost[a.name]),
			Detail:  map[string]series{a.name + " µs": cost[a.name], b.name + " µs": cost[b.name]},
			Note:    fmt.Sprintf("%.1f µs at %s, %.1f µs at %s", cost[a.name].median(), a.name, cost[b.name].median(), b.name),
		}
	}
	out["claim-waiting"], out["claim-classes"] = compare(small, large), compare(large, classy)
	return out, nil
}

func newBacklog(jobType string, waiting, classes int) *backlog {
	return &backlog{
		name:    fmt.Sprintf("%s in %s classes", thousands(waiting), thousands(classes)),
		jobType: jobType, waiting: waiting, classes: classes,
		worker: machine(jobType, "small", 0, 24),
	}
}

// thousands formats 1000 as 1k and 1000000 as 1M.
func thousands(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%dM", n/1_000_000)
	case n >= 1_000 && n%1_000 == 0:
		return fmt.Sprintf("%dk", n/1_000)
	}
	return fmt.Sprint(n)
}

// fill submits the backlog, and returns after each fifth how many bytes a job takes in addition to its payload.
func (b *backlog) fill(ctx context.Context, e *env, o *ours) (series, error) {
	large := machine(b.jobType, "large", 1, 80)
	for _, w := range []queue.WorkerInfo{b.worker, large} {
		if err := o.Register(ctx, w); err != nil {
			return nil, err
		}
	}
	parameters := payload(payloadSize)
	before, err := e.redis.number(ctx, "memory", "used_memory")
	if err != nil {
		return nil, err
	}
	const parts = 5
	var memory series
	for part := range parts {
		e.progress("claim cost: filling %s: %d %%", b.name, 100*part/parts)
		from, to := b.waiting*part/parts, b.waiting*(part+1)/parts
		if _, err := o.load(ctx, to-from, func(i int) queue.Submission { return b.job(from+i, parameters) }); err != nil {
			return nil, err
		}
		now, err := e.redis.number(ctx, "memory", "used_memory")
		if err != nil {
			return nil, err
		}
		memory = append(memory, (now-before)/float64(to)-payloadSize)
	}
	return memory, nil
}

// job returns the backlog's i-th job. Classes differ in the MiB that they need.
func (b *backlog) job(i int, parameters []byte) queue.Submission {
	half := b.classes / 2
	if i < b.waiting/2 {
		return needing(b.jobType, 40<<10+i%half, parameters)
	}
	return needing(b.jobType, 8<<10+i%half, parameters)
}

// claimCost returns Redis's time for one claim in microseconds. It is the median over several groups of claims, so that
// the first group's cold caches don't count. All claimed jobs are put back.
func (b *backlog) claimCost(ctx context.Context, e *env, o *ours) (float64, error) {
	const groups, claims = 9, 25
	var costs series
	for range groups {
		var held []queue.Claimed
		_, micros, err := e.redis.scriptCost(ctx, func() (err error) {
			held, err = o.take(ctx, b.worker, claims)
			return err
		})
		if err != nil {
			return 0, err
		}
		costs = append(costs, micros/claims)
		if err := o.putBack(ctx, held); err != nil {
			return 0, err
		}
	}
	return costs.median(), nil
}
