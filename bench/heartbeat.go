package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/emprops/machinectl/queue"
)

// measureHeartbeat repeatedly renews 100 leases of one machine in one call.
func measureHeartbeat(ctx context.Context, e *env) (outcomes, error) {
	const leases = 100
	beats := pick(e, 200, 20)
	o, err := openOurs(ctx, e)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	w := machine("bench", "m0", 0, 24)
	if err := o.Register(ctx, w); err != nil {
		return nil, err
	}
	parameters := payload(payloadSize)
	if _, err := o.load(ctx, leases, func(i int) queue.Submission { return needing("bench", 1<<10+i%jobClasses, parameters) }); err != nil {
		return nil, err
	}
	claimed, err := o.take(ctx, w, leases)
	if err != nil {
		return nil, err
	}
	held := make([]queue.Lease, leases)
	for i, c := range claimed {
		held[i] = c.Lease
	}
	var perLease series
	for i := range e.Runs {
		e.progress("heartbeat: run %d of %d", i+1, e.Runs)
		_, micros, err := e.redis.scriptCost(ctx, func() error {
			for range beats {
				answer, err := o.Heartbeat(ctx, w.Machine, held)
				if err != nil {
					return err
				}
				if len(answer.Lost)+len(answer.Cancelled) > 0 {
					return errors.New("leases were lost")
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		perLease = append(perLease, micros/float64(beats)/leases)
	}
	return outcomes{"heartbeat": {
		Samples: perLease, Detail: map[string]series{"µs": perLease},
		Note: fmt.Sprintf("%.0f µs a heartbeat", leases*perLease.median()),
	}}, nil
}
