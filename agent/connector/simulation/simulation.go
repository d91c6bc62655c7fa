// Package simulation is the connector that runs jobs without doing anything: it waits, reports progress, and ends as the
// job's parameters specify. It serves to try out pools, and lets tests provoke every way in which a job can end.
//
// It is not a mock: it keeps the whole contract of package connector, with real files in the real blob store.
package simulation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/hcl/wiretime"
	"github.com/emprops/machinectl/queue"
)

// Parameters are the parameters of a simulation job. All are optional.
type Parameters struct {
	// Duration is how long the job takes, default 1 s, at most 24 h.
	Duration wiretime.Duration `json:"duration" want:"a duration from \"0s\" to \"24h\", such as \"90s\""`
	// Steps is how many times progress is reported, default 10, at most 100,000.
	Steps int `json:"steps" want:"a whole number from 1 to 100000"`
	// Fail is how the job ends: "" or "none" (it succeeds), "retriable", "final", "crash" (the connector panics), "hang"
	// (only the job's timeout or cancellation ends it).
	Fail string `json:"fail" want:"\"none\", \"retriable\", \"final\", \"crash\" or \"hang\""`
	// FailAfter is the fraction of the steps after which it fails, 0 to 1, default 0.5.
	FailAfter *float64 `json:"fail_after" want:"a number from 0 to 1"`
	// FailAttempts is how many attempts fail, from the first on; 0 means all.
	FailAttempts int `json:"fail_attempts" want:"a whole number, 0 or more"`
	// OutputBytes is the size of the job's output file, at most 1 GiB; default 0, which means no file.
	OutputBytes int64 `json:"output_bytes" want:"a whole number from 0 to 1073741824 (1 GiB)"`
	// Output is returned as the result's data.
	Output json.RawMessage `json:"output" want:"at most 32 KiB of JSON"`
}

const (
	maxDuration = 24 * time.Hour
	maxSteps    = 100_000
	maxOutput   = 1 << 30
)

// Connector runs simulation jobs.
type Connector struct {
	speed float64 // how many times faster than requested
}

// New returns the connector. Its settings are in [manifest.Connectors].
func New(c connector.Config) (connector.Connector, error) {
	if err := connector.CheckSettings("simulation", c.Worker); err != nil {
		return nil, err
	}
	speed, err := strconv.ParseFloat(cmp.Or(c.Worker.Settings["speed"], "1"), 64)
	if err != nil {
		return nil, fmt.Errorf("worker %q: setting speed: %w", c.Worker.Name, err)
	}
	return &Connector{speed: speed}, nil
}

// Run implements [connector.Connector].
func (s *Connector) Run(ctx context.Context, a connector.Attempt) (queue.Result, error) {
	p, err := parse(a.Job.Parameters)
	if err != nil {
		return queue.Result{}, err
	}
	failAt := -1
	if p.Fail != "" && p.Fail != "none" && (p.FailAttempts == 0 || a.Job.Attempts <= p.FailAttempts) {
		failAt = int(*p.FailAfter * float64(p.Steps))
	}
	pause := time.Duration(float64(p.Duration.D()) / float64(p.Steps) / s.speed)
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for step := 0; step < p.Steps; step++ {
		if step == failAt {
			return queue.Result{}, fail(ctx, p.Fail, step, p.Steps)
		}
		select {
		case <-ctx.Done():
			return queue.Result{}, context.Cause(ctx)
		case <-timer.C:
			timer.Reset(pause)
		}
		a.Progress(queue.Progress{Value: float64(step + 1), Max: float64(p.Steps), Message: fmt.Sprintf("step %d of %d", step+1, p.Steps)})
	}
	if failAt == p.Steps {
		return queue.Result{}, fail(ctx, p.Fail, p.Steps, p.Steps)
	}
	result := queue.Result{Data: p.Output}
	if p.OutputBytes > 0 {
		blob, err := a.Files.Store(ctx, "simulation.bin", "application/octet-stream", noise(a.Job.ID, p.OutputBytes))
		if err != nil {
			return queue.Result{}, err
		}
		result.Blobs = append(result.Blobs, blob)
	}
	return result, nil
}

func parse(raw json.RawMessage) (Parameters, error) {
	half := 0.5
	p := Parameters{Duration: wiretime.Duration(time.Second), Steps: 10, FailAfter: &half}
	if err := connector.DecodeParameters(raw, &p); err != nil {
		return p, err
	}
	switch {
	case p.Duration < 0 || p.Duration.D() > maxDuration:
		return p, connector.Refuse(p, "duration", p.Duration.D().String())
	case p.Steps < 1 || p.Steps > maxSteps:
		return p, connector.Refuse(p, "steps", strconv.Itoa(p.Steps))
	case *p.FailAfter < 0 || *p.FailAfter > 1:
		return p, connector.Refuse(p, "fail_after", fmt.Sprint(*p.FailAfter))
	case p.FailAttempts < 0:
		return p, connector.Refuse(p, "fail_attempts", strconv.Itoa(p.FailAttempts))
	case p.OutputBytes < 0 || p.OutputBytes > maxOutput:
		return p, connector.Refuse(p, "output_bytes", strconv.FormatInt(p.OutputBytes, 10))
	case len(p.Output) > queue.MaxInlineResult:
		return p, connector.Refuse(p, "output", fmt.Sprintf("%d bytes", len(p.Output)))
	}
	switch p.Fail {
	case "", "none", "retriable", "final", "crash", "hang":
		return p, nil
	default:
		return p, connector.Refuse(p, "fail", strconv.Quote(p.Fail))
	}
}

func fail(ctx context.Context, mode string, step, steps int) error {
	switch mode {
	case "retriable":
		return connector.Transient(connector.Simulated, nil, "simulated failure at step %d of %d", step, steps)
	case "final":
		return connector.Final(connector.Simulated, "simulated failure at step %d of %d", step, steps)
	case "crash":
		panic(fmt.Sprintf("simulated crash at step %d of %d", step, steps))
	default: // hang
		<-ctx.Done()
		return context.Cause(ctx)
	}
}

// noise returns a stream of n bytes that is the same for the same job.
func noise(id string, n int64) io.Reader {
	seed := sha256.Sum256([]byte(id))
	return io.LimitReader(rand.NewChaCha8(seed), n)
}
