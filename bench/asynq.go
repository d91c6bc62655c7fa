package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

// runAsynq enqueues n tasks and processes them with the given number of servers, each with concurrency 50. A task
// counts when its handler returns, slightly before asynq has recorded its completion.
func runAsynq(ctx context.Context, e *env, n, servers int) (rates, error) {
	opt := asynq.RedisClientOpt{Addr: e.redis.addr(), PoolSize: 64}
	client := asynq.NewClient(opt)
	defer client.Close()
	body := payload(payloadSize)
	took, err := spread(ctx, connections, n, func(ctx context.Context, _ int) error {
		_, err := client.EnqueueContext(ctx, asynq.NewTask("job", body))
		return err
	})
	if err != nil {
		return rates{}, err
	}
	r := rates{submit: float64(n) / took.Seconds()}

	var left atomic.Int64
	left.Store(int64(n))
	done := make(chan struct{})
	handler := asynq.HandlerFunc(func(context.Context, *asynq.Task) error {
		if left.Add(-1) == 0 {
			close(done)
		}
		return nil
	})
	start := time.Now()
	for range servers {
		s := asynq.NewServer(opt, asynq.Config{Concurrency: connections, LogLevel: asynq.FatalLevel})
		if err := s.Start(handler); err != nil {
			return r, err
		}
		defer s.Shutdown()
	}
	select {
	case <-done:
	case <-ctx.Done():
		return r, context.Cause(ctx)
	case <-time.After(2 * time.Minute):
		return r, errors.New("asynq has not processed its tasks within two minutes")
	}
	r.jobs = float64(n) / time.Since(start).Seconds()
	return r, nil
}
