package agent

import (
	"context"
	"time"

	"github.com/emprops/machinectl/queue"
)

// The parts of the queue's client that the agent uses, by user.
type (
	claims interface {
		Register(ctx context.Context, w queue.WorkerInfo) error
		Unregister(ctx context.Context, machine, worker string) error
		Claim(ctx context.Context, w queue.WorkerInfo, n int, wait time.Duration) ([]queue.Claimed, error)
	}
	settlements interface {
		Complete(ctx context.Context, l queue.Lease, r queue.Result) error
		Fail(ctx context.Context, l queue.Lease, f queue.Failure) error
		Release(ctx context.Context, l queue.Lease, reason string) error
	}
	lifeSigns interface {
		Forfeit(ctx context.Context, machine string) (int, error)
		Heartbeat(ctx context.Context, machine string, leases []queue.Lease) (*queue.HeartbeatAnswer, error)
		Cancels(ctx context.Context, machine string) (<-chan string, error)
		Progress(ctx context.Context, l queue.Lease, p queue.Progress) error
	}
	reports interface {
		ReportMachine(ctx context.Context, m queue.Machine) error
		RemoveMachine(ctx context.Context, id string) error
	}
	client interface {
		claims
		settlements
		lifeSigns
		reports
		Close() error
	}
)
