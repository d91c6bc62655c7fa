package queue_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
)

// A job is submitted, a suitable worker runs it, and its result is read.
func Example() {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil { // in production a Redis 7
		fmt.Println(err)
		return
	}
	defer server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	q, err := queue.Open(ctx, queue.Options{URL: "redis://" + server.Addr()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = q.Close() }()

	job, err := q.Submit(ctx, queue.Submission{
		Type: "simulation", Capabilities: []string{"gpu"}, Parameters: json.RawMessage(`{"seconds": 1}`),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	worker := queue.WorkerInfo{
		Machine: "machine-1", Name: "worker-0",
		Offer: capability.Offer{Type: "simulation", Flags: []string{"gpu"}},
	}
	claimed, err := q.Claim(ctx, worker, 1, time.Second)
	if err != nil || len(claimed) != 1 {
		fmt.Println(len(claimed), err)
		return
	}
	if err := q.Complete(ctx, claimed[0].Lease, queue.Result{Data: json.RawMessage(`{"ok": true}`)}); err != nil {
		fmt.Println(err)
		return
	}
	done, err := q.Get(ctx, job.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(done.State, string(done.Result.Data))
	// Output: completed {"ok":true}
}
