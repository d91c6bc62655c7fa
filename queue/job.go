package queue

import (
	"encoding/json"
	"time"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/hcl/wiretime"
)

// State is where a job is in its life; see the package documentation for the drawing.
type State string

// The states of a job. The last four are final.
const (
	Waiting   State = "waiting"
	Delayed   State = "delayed"
	Running   State = "running"
	Completed State = "completed"
	Failed    State = "failed" // and not retriable
	Dead      State = "dead"   // attempts or lost leases used up, or the deadline passed
	Cancelled State = "cancelled"
)

// Final reports whether a job in this state no longer changes, except if an operator requeues it.
func (s State) Final() bool {
	return s == Completed || s == Failed || s == Dead || s == Cancelled
}

// Submission is a job to be submitted; its JSON form is the body of POST /v1/jobs.
type Submission struct {
	// Type is the connector that runs the job: comfyui, openai, replicate, runpod, simulation.
	Type string `json:"type"`
	// Capabilities are flags that a worker must have.
	Capabilities []string `json:"capabilities,omitempty"`
	// Requires are valued requirements by dotted name: {"gpu.memory": ">=24GiB", "model": ["flux-dev"]}.
	Requires map[string]any `json:"requires,omitempty"`
	// Parameters are the connector's input; the queue does not read it.
	Parameters json.RawMessage `json:"parameters,omitempty"`
	// Priority is 0 to 100, higher first. nil is 50.
	Priority *int `json:"priority,omitempty"`
	// Timeout bounds one attempt. 0 is DefaultTimeout.
	Timeout wiretime.Duration `json:"timeout,omitempty"`
	// MaxAttempts is how often the job may fail before it is dead. 0 is DefaultMaxAttempts.
	MaxAttempts int `json:"max_attempts,omitempty"`
	// NotBefore delays the job; Deadline makes it dead if it has not started by that time.
	NotBefore *time.Time `json:"not_before,omitempty"`
	Deadline  *time.Time `json:"deadline,omitempty"`
	Tenant    string     `json:"tenant,omitempty"`
	// IdempotencyKey makes a repeated submission (same tenant, same key) return the first one's job. A submission that differs in
	// anything but Durable gets a [*ConflictError], whatever its type. The key is remembered as long as the job is: until it ends, and
	// then for Options.Retention.
	IdempotencyKey string `json:"idempotency_key,omitempty"`
	// Durable makes Submit return only after Redis has written the job to its disk. It needs Redis 7.2, or appendfsync always.
	Durable bool `json:"durable,omitempty"`
	// Webhook is the URL that is told when the job has ended ([Client.FileEnds]).
	Webhook  string            `json:"webhook,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
}

// Defaults of a [Submission].
const (
	DefaultPriority    = 50
	MaxPriority        = 100
	DefaultTimeout     = 10 * time.Minute
	DefaultMaxAttempts = 3
)

// Job is a job's record as the API shows it. Times are Redis server time, UTC, millisecond resolution.
type Job struct {
	ID           string                  `json:"id"` // "<type>-<ulid>"
	Type         string                  `json:"type"`
	State        State                   `json:"state"`
	Class        string                  `json:"class"`
	Requirements capability.Requirements `json:"requirements"`
	Priority     int                     `json:"priority"`
	Timeout      wiretime.Duration       `json:"timeout"`
	MaxAttempts  int                     `json:"max_attempts"`
	Attempts     int                     `json:"attempts"`    // claims that ended in a failure, or the running one's number
	LostLeases   int                     `json:"lost_leases"` // claims whose worker went silent; counted separately
	Tenant       string                  `json:"tenant,omitempty"`
	Webhook      string                  `json:"webhook,omitempty"`
	Metadata     map[string]string       `json:"metadata,omitempty"`
	CreatedAt    time.Time               `json:"created_at"`
	NotBefore    *time.Time              `json:"not_before,omitempty"`
	Deadline     *time.Time              `json:"deadline,omitempty"`
	StartedAt    *time.Time              `json:"started_at,omitempty"`
	EndedAt      *time.Time              `json:"ended_at,omitempty"`
	// Machine and Worker run it now, or ran it last.
	Machine  string    `json:"machine,omitempty"`
	Worker   string    `json:"worker,omitempty"`
	Progress *Progress `json:"progress,omitempty"`
	Result   *Result   `json:"result,omitempty"`
	Error    *Failure  `json:"error,omitempty"` // of the last failed attempt
	// History has one entry per ended attempt, oldest first, at most the last 20.
	History []Attempt `json:"history,omitempty"`
	// Parameters are present from Get only.
	Parameters json.RawMessage `json:"parameters,omitempty"`
	// Repeated is set by Submit if the job is that of an earlier submission with the same idempotency key.
	Repeated bool `json:"-"`
	// Revision grows with every change of the job. It is the id of the event that tells of the change.
	Revision int64 `json:"-"`

	deadline *time.Time // as submitted, if that may differ from Deadline
}

// Attempt is one ended claim of a job.
type Attempt struct {
	Machine   string    `json:"machine"`
	Worker    string    `json:"worker"`
	Outcome   string    `json:"outcome"` // completed, failed, released, lost, cancelled
	Error     *Failure  `json:"error,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
}

// Progress is a running job's progress: the fraction Value/Max if Max > 0.
type Progress struct {
	Value   float64 `json:"value"`
	Max     float64 `json:"max"`
	Message string  `json:"message,omitempty"`
}

// Result is the result of a completed job: small data inline, files as references into the blob store.
type Result struct {
	Data  json.RawMessage `json:"data,omitempty"` // at most MaxInlineResult bytes
	Blobs []Blob          `json:"blobs,omitempty"`
}

// MaxInlineResult is the largest Result.Data in bytes. Larger data goes to the blob store.
const MaxInlineResult = 32 << 10

// Blob refers to one file of a result.
type Blob struct {
	Name        string `json:"name"` // the file's own name, "image_00001_.png"
	URL         string `json:"url"`  // where the bytes are: file:///…, s3://…
	ContentType string `json:"content_type"`
	Size        int64  `json:"size"`   // bytes
	SHA256      string `json:"sha256"` // hexadecimal
}

// Failure describes why an attempt failed. Code is for programs, one of the connector's documented words; Message is for people.
type Failure struct {
	Code      string `json:"code"`
	Message   string `json:"message"`
	Retriable bool   `json:"retriable"`
}
