package queue

import (
	"context"
	"errors"
	"time"

	"github.com/emprops/machinectl/capability"
)

// Errors that callers tell apart with errors.Is.
var (
	ErrNotFound    = errors.New("no such job")
	ErrStale       = errors.New("stale: the job has been given to somebody else or has ended")
	ErrUnavailable = errors.New("the queue is not reachable") // wraps every network failure towards Redis
	ErrFinal       = errors.New("the job has already ended")
)

// InvalidError is a submission refused: Field is the path in its JSON, such as `requires["gpu.memory"]`.
type InvalidError struct {
	Field   string
	Problem string // what is wrong and what to write instead
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Problem }

// Lease is the time-limited right to run a job. Fence and Nonce make a stale owner's writes fail.
type Lease struct {
	JobID   string `json:"job_id"`
	Machine string `json:"machine"`
	Worker  string `json:"worker"`
	Fence   int64  `json:"fence"`
	Nonce   string `json:"nonce"`
}

// Claimed is a job together with the right to run it.
type Claimed struct {
	Job   Job
	Lease Lease
}

// WorkerInfo registers a worker: who it is and what it offers.
type WorkerInfo struct {
	Machine string // allocation id
	Index   int    // the allocation's index: low indexes are woken first
	Name    string
	Offer   capability.Offer
}

// HeartbeatAnswer lists what the machine should stop: leases that are no longer its own and jobs that were cancelled.
type HeartbeatAnswer struct {
	Lost      []string // job ids
	Cancelled []string // job ids
	Draining  bool     // the dispatcher asked this machine to take no more jobs
	Reason    string   // of the drain
}

// ListFilter selects jobs, newest first.
type ListFilter struct {
	Type   string // empty: all types
	State  State  // empty: all states
	Tenant string
	Limit  int    // default 50, at most 500
	Cursor string // from the previous page
}

// ReapResult counts what one pass of [Client.Reap] did.
type ReapResult struct {
	Requeued int // lost leases given back
	Dead     int // given up
	Due      int // delayed jobs that became waiting
	TimedOut int
}

// ClassDemand is one class's load, read by the dispatcher's scaler.
type ClassDemand struct {
	Type         string                  `json:"type"`
	Class        string                  `json:"class"`
	Requirements capability.Requirements `json:"requirements"`
	Waiting      int64                   `json:"waiting"`
	Held         int64                   `json:"held"` // waiting for their tenant's limit: more machines wouldn't help
	Delayed      int64                   `json:"delayed"`
	Running      int64                   `json:"running"`
	OldestAge    time.Duration           `json:"oldest_age"`   // of the longest waiting job
	ArrivalRate  float64                 `json:"arrival_rate"` // jobs/s, exponentially weighted over about a minute
	ServiceMean  time.Duration           `json:"service_mean"` // 0 while unknown
	ServiceP90   time.Duration           `json:"service_p90"`
	Paused       string                  `json:"paused,omitempty"` // why its type is paused: nobody starts the waiting jobs
}

// Explanation says why a job is where it is.
type Explanation struct {
	JobID    string `json:"job_id"`
	State    State  `json:"state"`
	Summary  string `json:"summary"`  // one sentence for a person
	Position int64  `json:"position"` // in its class, 0 is next; −1 when not waiting
	// Able counts the live workers that could run it; Refusals says of the others why not, most frequent first.
	Able     int       `json:"able"`
	Refusals []Refusal `json:"refusals,omitempty"`
	// Nearest is, where no live worker can run it, one that lacks least.
	Nearest *Nearest `json:"nearest,omitempty"`
}

// Nearest is a worker that comes closest to being able to run a job, and what is in its way.
type Nearest struct {
	Machine string   `json:"machine"`
	Worker  string   `json:"worker"`
	Lacks   []string `json:"lacks"`
	Workers int      `json:"workers"` // how many lack just this
}

// Limits are what a type's jobs may take at once. A job over a limit waits; it isn't refused.
type Limits struct {
	Type Limit `json:"type,omitzero"`
	// Tenants are limits of single tenants, EachTenant that of every other one. Jobs without a tenant have none.
	Tenants    map[string]Limit `json:"tenants,omitempty"`
	EachTenant Limit            `json:"each_tenant,omitzero"`
	// Fair lets tenants take turns among jobs of equal priority, however many one of them has waiting. It takes effect for
	// jobs submitted from then on. Without it the order is that of submission.
	Fair bool `json:"fair,omitempty"`
}

// Limit bounds how many jobs run at once and how many start per second; zero is no bound.
type Limit struct {
	Running int     `json:"running,omitempty"`
	Rate    float64 `json:"rate,omitempty"`  // starts per second
	Burst   int     `json:"burst,omitempty"` // starts at once after a pause, default 1 or Rate, whichever is more
}

// TypeState is a job type and why it is paused, empty where it isn't.
type TypeState struct {
	Type   string `json:"type"`
	Paused string `json:"paused,omitempty"`
}

// Refusal is one reason why workers can't run a job, with how many say so.
type Refusal struct {
	Reason  string `json:"reason"`
	Workers int    `json:"workers"`
}

// Event is one change of a job, in order. Final events carry the final state.
type Event struct {
	ID       string    `json:"id"` // the job's revision, a rising decimal number, for resuming
	JobID    string    `json:"job_id"`
	Kind     string    `json:"kind"` // submitted, claimed, progress, completed, failed, retrying, due, released, lost, requeued, dead, cancelled
	State    State     `json:"state"`
	At       time.Time `json:"at"`
	Machine  string    `json:"machine,omitempty"`
	Worker   string    `json:"worker,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
	Error    *Failure  `json:"error,omitempty"`
}

// API is the whole Go interface of [Client], written down in one place as documentation and for the conformance suite in
// queuetest. Consumers declare the few methods they use themselves.
type API interface {
	Submit(ctx context.Context, s Submission) (*Job, error)
	Get(ctx context.Context, id string) (*Job, error)
	List(ctx context.Context, f ListFilter) (jobs []Job, next string, err error)
	Cancel(ctx context.Context, id, reason string) (*Job, error)
	Requeue(ctx context.Context, id string) (*Job, error) // failed, dead or cancelled → waiting
	Explain(ctx context.Context, id string) (*Explanation, error)
	// Events sends the job's events after the given event id ("" = from the start) until its final event, ctx's end, or an
	// error, and closes the channel; Err of the stream tells which.
	Events(ctx context.Context, id, after string) (*EventStream, error)

	// Register announces a worker; it must be repeated when the offer changes and is kept alive by Heartbeat.
	Register(ctx context.Context, w WorkerInfo) error
	Unregister(ctx context.Context, machine, worker string) error
	// Claim takes up to n jobs, and at most [MaxClaim], for a registered worker. With none available it waits up to wait for a wake-up and tries
	// again; it returns an empty slice (no error) when there was nothing. A draining machine is given nothing.
	Claim(ctx context.Context, w WorkerInfo, n int, wait time.Duration) ([]Claimed, error)
	// Heartbeat renews all of a machine's leases and worker registrations at once.
	Heartbeat(ctx context.Context, machine string, leases []Lease) (*HeartbeatAnswer, error)
	// Cancels sends the ids of this machine's running jobs as they are cancelled, well before the next heartbeat, until ctx
	// ends, then closes the channel. Lossy: the heartbeat's answer is the dependable way.
	Cancels(ctx context.Context, machine string) (<-chan string, error)
	// Forfeit gives up, at once and as lost, all leases that a machine has from a former life; an agent calls it at its start.
	Forfeit(ctx context.Context, machine string) (int, error)
	Progress(ctx context.Context, l Lease, p Progress) error
	Complete(ctx context.Context, l Lease, r Result) error
	// Fail ends the attempt: retriable with attempts left goes back (after backoff, at its original score), else failed or dead.
	Fail(ctx context.Context, l Lease, f Failure) error
	// Release gives the job back unharmed, at its original score, without counting an attempt: for shutdown.
	Release(ctx context.Context, l Lease, reason string) error

	Reap(ctx context.Context, limit int) (ReapResult, error)
	Demand(ctx context.Context) ([]ClassDemand, error)

	// SubmitBatch takes many jobs in, all or none of them if one is invalid (Field is then "jobs[3].type"). It is not atomic
	// towards Redis: on an error the jobs that were taken in are returned with it.
	SubmitBatch(ctx context.Context, all []Submission) ([]*Job, error)
	// Pause makes every claim of the type come back empty until Resume. Running jobs go on.
	Pause(ctx context.Context, jobType, reason string) error
	Resume(ctx context.Context, jobType string) error
	// Types lists the types that were ever used, by name, with why those are paused that are.
	Types(ctx context.Context) ([]TypeState, error)
	// SetLimits replaces a type's limits; the zero value has none. They are checked when a job is claimed.
	SetLimits(ctx context.Context, jobType string, l Limits) error
	Limits(ctx context.Context, jobType string) (Limits, error)

	// Drain makes every claim of this machine come back empty until ttl passes or Undrain; repeating it renews it. Once it
	// returned, no later claim of that machine succeeds while it holds, so InFlight after it is conclusive.
	Drain(ctx context.Context, machine, reason string, ttl time.Duration) error
	Undrain(ctx context.Context, machine string) error
	// DrainFor is a person's drain: the same, beside the dispatcher's, so that neither takes the other's back. It returns when
	// it ends. PersonDrain tells of it, nil where there is none.
	DrainFor(ctx context.Context, machine, reason string, d time.Duration) (*PersonDrain, error)
	EndDrain(ctx context.Context, machine string) error
	PersonDrain(ctx context.Context, machine string) (*PersonDrain, error)
	InFlight(ctx context.Context, machine string) (int, error)

	// ReportMachine stores and publishes a machine's report; RemoveMachine takes it away when an agent leaves in order.
	ReportMachine(ctx context.Context, m Machine) error
	RemoveMachine(ctx context.Context, id string) error
	Machines(ctx context.Context) ([]Machine, error)
	// WatchMachines sends each published report until ctx ends, then closes the channel. Lossy: re-list with Machines.
	WatchMachines(ctx context.Context) (<-chan Machine, error)

	// Watch sends all jobs' events from now on until ctx ends. Lossy, for monitors.
	Watch(ctx context.Context) (<-chan Event, error)
	// Now is the Redis server's clock.
	Now(ctx context.Context) (time.Time, error)
	Ping(ctx context.Context) error
	Close() error
}

// EventStream is a running [API.Events] call.
type EventStream struct {
	C   <-chan Event
	err error
}

// Err returns why C was closed: nil after the final event.
func (s *EventStream) Err() error { return s.err }
