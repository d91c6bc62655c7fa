package main

import (
	"context"
	"time"

	"github.com/emprops/machinectl/queue"
)

const (
	bulkSize    = 500 // jobs per call
	bulkCallers = 4   // concurrent calls
)

// load submits n jobs in batches and returns how long it took.
func (o *ours) load(ctx context.Context, n int, job func(i int) queue.Submission) (time.Duration, error) {
	calls := (n + bulkSize - 1) / bulkSize
	return spread(ctx, bulkCallers, calls, func(ctx context.Context, i int) error {
		var all []queue.Submission
		for j := i * bulkSize; j < min(n, (i+1)*bulkSize); j++ {
			all = append(all, job(j))
		}
		_, err := o.SubmitBatch(ctx, all)
		return err
	})
}
