package main

import (
	"context"
	"time"

	"github.com/emprops/machinectl/queue"
)

const (
	bulkSize    = 500 // jobs a call
	bulkCallers = 4   // calls in flight
)

// batcher takes many jobs in one call.
type batcher interface {
	SubmitBatch(ctx context.Context, all []queue.Submission) ([]*queue.Job, error)
}

// bulk submits n jobs in batches and says how long it took; ok is false where the queue takes no batches.
func (o *ours) bulk(ctx context.Context, n int, job func(i int) queue.Submission) (took time.Duration, ok bool, err error) {
	b, ok := any(o.Client).(batcher)
	if !ok {
		return 0, false, nil
	}
	calls := (n + bulkSize - 1) / bulkSize
	took, err = spread(ctx, bulkCallers, calls, func(ctx context.Context, i int) error {
		var all []queue.Submission
		for j := i * bulkSize; j < min(n, (i+1)*bulkSize); j++ {
			all = append(all, job(j))
		}
		_, err := b.SubmitBatch(ctx, all)
		return err
	})
	return took, true, err
}

// load brings n jobs in, in the fastest way there is.
func (o *ours) load(ctx context.Context, n int, job func(i int) queue.Submission) error {
	_, ok, err := o.bulk(ctx, n, job)
	if !ok {
		_, err = o.submit(ctx, n, job)
	}
	return err
}
