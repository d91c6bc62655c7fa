package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/queue"
)

// jobClasses is the number of distinct requirements among the jobs of a throughput run.
const jobClasses = 16

// participant is one queue and setting in the throughput runs.
type participant struct {
	name string
	// run submits and completes n jobs on an empty Redis. A rate of 0 was not measured.
	run func(ctx context.Context, n int) (rates, error)
}

// rates are in jobs per second or, for the trivial script, in calls per second.
type rates struct{ submit, bulk, jobs float64 }

// throughput collects the samples of all participants, by name and figure.
type throughput struct {
	e       *env
	samples map[string]series
	bullmq  *bullmq
}

const (
	oursFused  = "ours"
	oursTens   = "ours by ten"
	asynqOne   = "asynq 1 × 50"
	asynqFour  = "asynq 4 × 50"
	trivial    = "trivial EVALSHA"
	perSecond  = " /s"
	submitting = " submit"
	bulking    = " bulk submit"
)

// measureThroughput lets all participants submit and run the same number of jobs.
func measureThroughput(ctx context.Context, e *env) (outcomes, error) {
	t := &throughput{e: e, samples: map[string]series{}, bullmq: &bullmq{missing: "not requested"}}
	if e.wants("jobs-bullmq", "bulk-bullmq") {
		t.bullmq = findBullMQ(ctx, e)
	}
	participants := t.participants()
	names := make([]string, len(participants))
	for i, p := range participants {
		names[i] = p.name
	}
	n := pick(e, 20_000, 1_000)
	err := e.interleave(ctx, "throughput", names, func(ctx context.Context, name string) error {
		if err := e.redis.flush(ctx); err != nil {
			return err
		}
		i := slices.Index(names, name)
		r, err := participants[i].run(ctx, n)
		for suffix, v := range map[string]float64{"": r.jobs, submitting: r.submit, bulking: r.bulk} {
			if v > 0 {
				t.samples[name+suffix] = append(t.samples[name+suffix], v)
			}
		}
		return err
	})
	return t.outcomes(), err
}

func (t *throughput) participants() []participant {
	all := []participant{
		{oursFused, func(ctx context.Context, n int) (rates, error) { return t.runOurs(ctx, n, 1) }},
		{oursTens, func(ctx context.Context, n int) (rates, error) { return t.runOurs(ctx, n, 10) }},
		{asynqOne, func(ctx context.Context, n int) (rates, error) { return runAsynq(ctx, t.e, n, 1) }},
		{asynqFour, func(ctx context.Context, n int) (rates, error) { return runAsynq(ctx, t.e, n, 4) }},
		{trivial, t.runTrivial},
	}
	// Participants that no requested row needs are left out.
	used := map[string][]string{
		oursTens: {"batch-asynq-1", "batch-asynq-4", "bulk-bullmq"},
		asynqOne: {"jobs-asynq-1", "batch-asynq-1", "submit-asynq"}, asynqFour: {"jobs-asynq-4", "batch-asynq-4"}, trivial: {"evalsha"},
	}
	all = slices.DeleteFunc(all, func(p participant) bool { return used[p.name] != nil && !t.e.wants(used[p.name]...) })
	return append(all, t.bullmq.participants(t.e)...)
}

// runOurs submits jobs one by one if they are also taken one by one, else in bulk.
func (t *throughput) runOurs(ctx context.Context, n, batch int) (rates, error) {
	const jobType = "bench"
	o, err := openOurs(ctx, t.e)
	if err != nil {
		return rates{}, err
	}
	defer o.Close()
	parameters := payload(payloadSize)
	job := func(i int) queue.Submission { return needing(jobType, 1<<10+i%jobClasses, parameters) }
	var r rates
	if batch == 1 {
		took, err := o.submit(ctx, n, job)
		if err != nil {
			return r, err
		}
		r.submit = float64(n) / took.Seconds()
	} else {
		took, err := o.load(ctx, n, job)
		if err != nil {
			return r, err
		}
		r.bulk = float64(n) / took.Seconds()
	}
	took, err := o.drain(ctx, jobType, n, batch)
	r.jobs = float64(n) / took.Seconds()
	return r, err
}

// runTrivial calls the smallest possible script from as many connections as the workers have.
func (t *throughput) runTrivial(ctx context.Context, n int) (rates, error) {
	rdb := redis.NewClient(&redis.Options{Addr: t.e.redis.addr(), PoolSize: connections, DisableIdentity: true})
	defer rdb.Close()
	sha, err := rdb.ScriptLoad(ctx, "return 1").Result()
	if err != nil {
		return rates{}, err
	}
	took, err := spread(ctx, connections, 2*n, func(ctx context.Context, _ int) error { return rdb.EvalSha(ctx, sha, nil).Err() })
	return rates{jobs: float64(2*n) / took.Seconds()}, err
}

func (t *throughput) outcomes() outcomes {
	out := outcomes{
		"jobs-asynq-1":  t.compare(oursFused, asynqOne),
		"jobs-asynq-4":  t.compare(oursFused, asynqFour),
		"batch-asynq-1": t.compare(oursTens, asynqOne),
		"batch-asynq-4": t.compare(oursTens, asynqFour),
		"submit-asynq":  t.compare(oursFused+submitting, asynqOne+submitting),
		"evalsha":       t.compare(oursFused, trivial),
		"jobs-bullmq":   {Missing: t.bullmq.missing},
		"bulk-bullmq":   {Missing: t.bullmq.missing},
	}
	if t.bullmq.missing == "" {
		out["jobs-bullmq"] = t.compare(oursFused, t.best(""))
		out["bulk-bullmq"] = t.compare(oursTens+bulking, t.best(bulking))
	}
	return out
}

// best returns the name of BullMQ's best setting.
func (t *throughput) best(suffix string) string {
	var names []string
	for _, s := range bullmqSettings {
		names = append(names, s.name()+suffix)
	}
	return slices.MaxFunc(names, func(a, b string) int { return cmp.Compare(t.samples[a].median(), t.samples[b].median()) })
}

func (t *throughput) bullmqSamples() map[string]series {
	out := map[string]series{}
	for _, s := range bullmqSettings {
		for _, suffix := range []string{"", bulking} {
			if samples := t.samples[s.name()+suffix]; samples != nil {
				out[s.name()+suffix+perSecond] = samples
			}
		}
	}
	return out
}

// compare returns the outcome that divides ours by theirs, run by run.
func (t *throughput) compare(ours, theirs string) outcome {
	a, b := t.samples[ours], t.samples[theirs]
	detail := map[string]series{ours + perSecond: a, theirs + perSecond: b}
	for name, samples := range t.bullmqSamples() {
		if t.bullmq.missing == "" && slices.Contains(t.bullmq.names(), theirs) {
			detail[name] = samples
		}
	}
	return outcome{
		Samples: a.over(b), Detail: detail,
		Note: fmt.Sprintf("%s %.0f/s, %s %.0f/s", ours, a.median(), theirs, b.median()),
	}
}
