package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/emprops/machinectl/queue"
)

const idleWorkers = 100

// pickup is one run, in which single jobs arrive now and then for idle workers.
type pickup struct {
	e    *env
	ours *ours
	jobs int

	mu    sync.Mutex
	sent  []time.Time
	took  series // ms from before the submission until a worker has the job
	got   chan struct{}
	error chan error
}

// measurePickup takes one sample of each quantile per run.
func measurePickup(ctx context.Context, e *env) (outcomes, error) {
	p50, p99, attempts := series{}, series{}, series{}
	for i := range e.Runs {
		e.progress("pickup: run %d of %d", i+1, e.Runs)
		if err := e.redis.flush(ctx); err != nil {
			return nil, err
		}
		p := &pickup{e: e, jobs: pick(e, 500, 50), got: make(chan struct{}, idleWorkers), error: make(chan error, idleWorkers)}
		tried, err := p.run(ctx)
		if err != nil {
			return nil, err
		}
		p50, p99, attempts = append(p50, p.took.quantile(0.5)), append(p99, p.took.quantile(0.99)), append(attempts, tried)
	}
	note := fmt.Sprintf("%d jobs per run, 2 to 10 ms apart", pick(e, 500, 50))
	return outcomes{
		"pickup-p50":      {Samples: p50, Note: note},
		"pickup-p99":      {Samples: p99, Note: note},
		"pickup-attempts": {Samples: attempts, Note: "claim scripts run because of a wake-up"},
	}, nil
}

// run returns the claim attempts per job.
func (p *pickup) run(ctx context.Context) (float64, error) {
	var err error
	if p.ours, err = openOurs(ctx, p.e); err != nil {
		return 0, err
	}
	defer p.ours.Close()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	working, stop := context.WithCancel(ctx)
	var workers sync.WaitGroup
	defer workers.Wait()
	defer stop()
	for i := range idleWorkers {
		w := machine("bench", fmt.Sprintf("m%03d", i), i, 24)
		if err := p.ours.Register(ctx, w); err != nil {
			return 0, err
		}
		workers.Go(func() { p.work(working, w) })
	}
	if err := p.allIdle(ctx); err != nil {
		return 0, err
	}
	calls, _, err := p.e.redis.scriptCost(ctx, func() error {
		for i := range p.jobs {
			if err := p.one(ctx, i); err != nil {
				return err
			}
		}
		return p.allIdle(ctx)
	})
	// Each job takes one script to submit it, one to complete it and one to become idle again; the rest are attempts.
	n := float64(p.jobs)
	return (calls - 3*n) / n, err
}

// one submits a job and waits until a worker has it.
func (p *pickup) one(ctx context.Context, i int) error {
	select {
	case <-time.After(2*time.Millisecond + rand.N(8*time.Millisecond)):
	case <-ctx.Done():
		return ctx.Err()
	}
	p.mu.Lock()
	p.sent = append(p.sent, time.Now())
	p.mu.Unlock()
	if _, err := p.ours.Submit(ctx, needing("bench", 1<<10, json.RawMessage(fmt.Sprintf(`{"number":%d}`, i)))); err != nil {
		return err
	}
	select {
	case <-p.got:
		return nil
	case err := <-p.error:
		return err
	case <-time.After(10 * time.Second):
		return errors.New("no idle worker took the job within 10 s")
	}
}

// work runs one worker until ctx ends.
func (p *pickup) work(ctx context.Context, w queue.WorkerInfo) {
	for ctx.Err() == nil {
		jobs, err := p.ours.Claim(ctx, w, 1, time.Minute)
		now := time.Now()
		for _, j := range jobs {
			var body struct {
				Number int `json:"number"`
			}
			if err = json.Unmarshal(j.Job.Parameters, &body); err != nil {
				break
			}
			p.mu.Lock()
			p.took = append(p.took, now.Sub(p.sent[body.Number]).Seconds()*1000)
			p.mu.Unlock()
			p.got <- struct{}{}
			if err = p.ours.Complete(ctx, j.Lease, queue.Result{}); err != nil {
				break
			}
		}
		if err != nil {
			p.error <- err
			return
		}
	}
}

// allIdle waits until every worker is registered as idle in Redis.
func (p *pickup) allIdle(ctx context.Context) error {
	for range 1000 {
		blocked, err := p.e.redis.number(ctx, "clients", "blocked_clients")
		if err != nil || blocked == idleWorkers {
			return err
		}
		select {
		case err := <-p.error:
			return err
		case <-time.After(10 * time.Millisecond):
		}
	}
	return errors.New("the workers did not all become idle within 10 s")
}
