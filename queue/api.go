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
	ErrStale       = errors.New("stale: the job has been given to another worker or has ended")
	ErrUnavailable = errors.New("the queue is not reachable") // wraps every network failure towards Redis
	ErrFinal       = errors.New("the job has already ended")
)

// InvalidError refuses a submission. Field is the path in its JSON, such as `requires["gpu.memory"]`.
type InvalidError struct {
	Field   string
	Problem string // what is wrong and what to write instead
}

func (e *InvalidError) Error() string { return e.Field + ": " + e.Problem }

// Lease is the time-limited right to run a job. Fence is the fencing token: with Nonce it makes a stale owner's writes fail.
type Lease struct {
	JobID   string `json:"job_id"`
	Machine string `json:"machine"`
	Worker  string `json:"worker"`
	Fence   int64  `json:"fence"`
	Nonce   string `json:"nonce"`
}

// Claimed is a job and the right to run it.
type Claimed struct {
	Job   Job
	Lease Lease
}

// WorkerInfo describes a worker to be registered: its name and what it offers.
type WorkerInfo struct {
	Machine string // allocation id
	Index   int    // the allocation's index: low indexes are woken first
	Name    string
	Offer   capability.Offer
}

// HeartbeatAnswer lists what the machine should stop: leases that it no longer holds and jobs that were cancelled.
type HeartbeatAnswer struct {
	Lost      []string // job ids
	Cancelled []string // job ids
	Draining  bool     // the machine is to take no more jobs
	Reason    string   // of the drain
}

// ListFilter selects jobs, newest first.
type ListFilter struct {
	Type   string // empty: all types
	State  State  // empty: all states
	Tenant string
	Class  string
	// Retrying selects the delayed jobs that wait for another attempt.
	Retrying bool
	// Since and Until bound the time by which the list is ordered: the end if State is final, else the creation.
	Since, Until time.Time
	Limit        int    // default 50, at most 500
	Cursor       string // from the previous page
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
	Held         int64                   `json:"held"` // waiting because of their tenant's limit: more machines wouldn't help
	Delayed      int64                   `json:"delayed"`
	Running      int64                   `json:"running"`
	OldestAge    time.Duration           `json:"oldest_age"`   // of the longest waiting job
	ArrivalRate  float64                 `json:"arrival_rate"` // jobs/s, exponentially weighted over about a minute
	ServiceMean  time.Duration           `json:"service_mean"` // 0 while unknown
	ServiceP90   time.Duration           `json:"service_p90"`
	Paused       string                  `json:"paused,omitempty"` // why its type is paused, so that waiting jobs don't start
}

// Explanation explains why a job is in its state.
type Explanation struct {
	JobID    string `json:"job_id"`
	State    State  `json:"state"`
	Summary  string `json:"summary"`  // one sentence for people
	Position int64  `json:"position"` // in its class, 0 is next; −1 when not waiting
	// Able counts the live workers that could run it. Refusals lists why the others can't, most frequent reason first.
	Able     int       `json:"able"`
	Refusals []Refusal `json:"refusals,omitempty"`
	// Nearest is the worker that lacks least, if no live worker can run the job.
	Nearest *Nearest `json:"nearest,omitempty"`
}

// Nearest is the worker that comes closest to being able to run a job, and what it lacks.
type Nearest struct {
	Machine string   `json:"machine"`
	Worker  string   `json:"worker"`
	Lacks   []string `json:"lacks"`
	Workers int      `json:"workers"` // how many lack exactly this
}

// Limits bound how many of a type's jobs run at the same time. A job over a limit waits; it isn't refused.
type Limits struct {
	Type Limit `json:"type,omitzero"`
	// Tenants holds the limits of single tenants, EachTenant the limit of every other tenant. Jobs without a tenant have none.
	Tenants    map[string]Limit `json:"tenants,omitempty"`
	EachTenant Limit            `json:"each_tenant,omitzero"`
	// Fair lets tenants take turns among jobs of equal priority, however many jobs one of them has waiting. It takes effect for
	// jobs submitted from then on. Without it the order is that of submission.
	Fair bool `json:"fair,omitempty"`
}

// Limit bounds how many jobs run at the same time and how many start per second. Zero means unlimited.
type Limit struct {
	Running int     `json:"running,omitempty"`
	Rate    float64 `json:"rate,omitempty"`  // starts per second
	Burst   int     `json:"burst,omitempty"` // starts without delay after a pause; default 1 or Rate, whichever is more
}

// TypeState is a job type and why it is paused; empty if it isn't.
type TypeState struct {
	Type   string `json:"type"`
	Paused string `json:"paused,omitempty"`
}

// Refusal is one reason why workers can't run a job, and the number of workers it applies to.
type Refusal struct {
	Reason  string `json:"reason"`
	Workers int    `json:"workers"`
}

// Event is one change of a job. A job's events come in order, and the last has a final state.
type Event struct {
	ID       string    `json:"id"` // the job's revision, an increasing decimal number; a stream can be resumed after it
	JobID    string    `json:"job_id"`
	Kind     string    `json:"kind"` // submitted, claimed, progress, completed, failed, retrying, due, released, lost, requeued, dead, cancelled
	State    State     `json:"state"`
	At       time.Time `json:"at"`
	Machine  string    `json:"machine,omitempty"`
	Worker   string    `json:"worker,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
	Error    *Failure  `json:"error,omitempty"`
}

// API is the complete Go interface of [Client]: documentation, and the subject of the conformance suite in queuetest.
// Consumers declare the few methods they use themselves.
type API interface {
	Submit(ctx context.Context, s Submission) (*Job, error)
	Get(ctx context.Context, id string) (*Job, error)
	List(ctx context.Context, f ListFilter) (jobs []Job, next string, err error)
	Cancel(ctx context.Context, id, reason string) (*Job, error)
	Requeue(ctx context.Context, id string) (*Job, error) // failed, dead or cancelled → waiting
	Explain(ctx context.Context, id string) (*Explanation, error)
	// DryRun checks a submission without submitting it. The job has no id.
	DryRun(ctx context.Context, s Submission) (*Job, *Explanation, error)
	// Events sends the job's events after the given event id ("" = from the start) until the final event, the end of ctx or an
	// error, and then closes the channel. The stream's Err returns the reason.
	Events(ctx context.Context, id, after string) (*EventStream, error)

	// Register registers a worker. It must be repeated when the offer changes. Heartbeat keeps the registration alive.
	Register(ctx context.Context, w WorkerInfo) error
	Unregister(ctx context.Context, machine, worker string) error
	// Claim claims up to n jobs, and at most [MaxClaim], for a registered worker. If there are none, it waits for one up to
	// wait, and returns an empty slice and no error if none came. A draining machine gets no jobs.
	Claim(ctx context.Context, w WorkerInfo, n int, wait time.Duration) ([]Claimed, error)
	// Heartbeat renews all of a machine's leases and worker registrations.
	Heartbeat(ctx context.Context, machine string, leases []Lease) (*HeartbeatAnswer, error)
	// Cancels sends the ids of this machine's running jobs as they are cancelled, well before the next heartbeat, until ctx
	// ends, then closes the channel. Some may be missed: the heartbeat's answer has all of them.
	Cancels(ctx context.Context, machine string) (<-chan string, error)
	// Forfeit gives up as lost all leases that a machine has from an earlier run. An agent calls it when it starts.
	Forfeit(ctx context.Context, machine string) (int, error)
	Progress(ctx context.Context, l Lease, p Progress) error
	Complete(ctx context.Context, l Lease, r Result) error
	// Fail ends the attempt. A retriable job with attempts left returns to the queue after a delay, at its original place;
	// otherwise it becomes failed or dead.
	Fail(ctx context.Context, l Lease, f Failure) error
	// Release returns the job to the queue at its original place and does not count the attempt. It is for shutdown.
	Release(ctx context.Context, l Lease, reason string) error

	Reap(ctx context.Context, limit int) (ReapResult, error)
	Demand(ctx context.Context) ([]ClassDemand, error)

	// SubmitBatch submits many jobs, and none of them if one is invalid (Field is then "jobs[3].type"). It is not atomic in
	// Redis: job types are stored one after the other, in the order of their first jobs, and after an error no further ones. The
	// result has one job for each submission, in their order; with an error, those that were not accepted are nil.
	SubmitBatch(ctx context.Context, all []Submission) ([]*Job, error)
	// Pause makes every claim of the type return no jobs until Resume. Running jobs continue.
	Pause(ctx context.Context, jobType, reason string) error
	Resume(ctx context.Context, jobType string) error
	// Types lists the types that were ever used, by name, and why they are paused.
	Types(ctx context.Context) ([]TypeState, error)
	// SetLimits replaces a type's limits; the zero value removes them. They are checked when a job is claimed.
	SetLimits(ctx context.Context, jobType string, l Limits) error
	Limits(ctx context.Context, jobType string) (Limits, error)

	// Drain makes every claim of this machine return no jobs until ttl passes or Undrain is called. Repeating it renews it.
	// After it returned, no claim of the machine succeeds, so that InFlight called then counts all its jobs.
	Drain(ctx context.Context, machine, reason string, ttl time.Duration) error
	Undrain(ctx context.Context, machine string) error
	// DrainFor is the operator drain: the same, but independent of the dispatcher's drain, so that neither ends the other.
	// OperatorDrain returns the one in force, or nil.
	DrainFor(ctx context.Context, machine, reason string, d time.Duration) (*OperatorDrain, error)
	EndDrain(ctx context.Context, machine string) error
	OperatorDrain(ctx context.Context, machine string) (*OperatorDrain, error)
	InFlight(ctx context.Context, machine string) (int, error)

	// ReportMachine stores and publishes a machine's report; RemoveMachine removes it when an agent shuts down.
	ReportMachine(ctx context.Context, m Machine) error
	RemoveMachine(ctx context.Context, id string) error
	Machines(ctx context.Context) ([]Machine, error)
	// WatchMachines sends each published report until ctx ends, then closes the channel. Some may be missed: list them again with Machines.
	WatchMachines(ctx context.Context) (<-chan Machine, error)

	// Watch sends all jobs' events from now on until ctx ends. Some may be missed; it is for monitors.
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
