package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"unicode/utf8"

	"github.com/emprops/machinectl/capability"
)

// maxMessage bounds a failure's message and a progress message in bytes; longer ones are cut.
const maxMessage = 4 << 10

// Progress stores and publishes a running job's progress.
func (c *Client) Progress(ctx context.Context, l Lease, p Progress) error {
	p.Message = cut(p.Message)
	b, err := json.Marshal(p)
	if err != nil {
		return &InvalidError{"progress", "value and max must be finite numbers"}
	}
	reply, err := c.evalAgain(ctx, "progress", typeOf(l.JobID), []string{c.keys.details(l.JobID)}, l.JobID, l.Fence, l.Nonce, b)
	if err != nil {
		return err
	}
	return verdictOf(l.JobID, text(reply))
}

// Complete completes a job. Repeating it succeeds.
func (c *Client) Complete(ctx context.Context, l Lease, r Result) error {
	e, err := encodeResult(l, r)
	if err != nil {
		return err
	}
	return c.end(ctx, e)
}

func encodeResult(l Lease, r Result) (ending, error) {
	if len(r.Data) > MaxInlineResult {
		return ending{}, &InvalidError{"result.data", fmt.Sprintf("is %d bytes, at most %d: put it into the blob store and refer to it", len(r.Data), MaxInlineResult)}
	}
	if len(r.Data) > 0 && !json.Valid(r.Data) {
		return ending{}, &InvalidError{"result.data", "is not JSON"}
	}
	result := ""
	if len(r.Data) > 0 || len(r.Blobs) > 0 {
		b, err := json.Marshal(r)
		if err != nil {
			return ending{}, fmt.Errorf("queue: result: %w", err)
		}
		result = string(b)
	}
	return ending{lease: l, action: "c", result: result}, nil
}

// Fail ends an attempt; see [API]. The delay before a retry doubles with each attempt, and varies by ±25 %.
func (c *Client) Fail(ctx context.Context, l Lease, f Failure) error {
	e, err := encodeFailure(l, f)
	if err != nil {
		return err
	}
	return c.end(ctx, e)
}

func encodeFailure(l Lease, f Failure) (ending, error) {
	f.Message, f.Code = cut(f.Message), printable(f.Code)
	b, err := json.Marshal(f)
	if err != nil {
		return ending{}, fmt.Errorf("queue: failure: %w", err)
	}
	factor := -1.0
	if f.Retriable {
		factor = 0.75 + rand.Float64()/2
	}
	return ending{lease: l, action: "f", factor: factor, detail: string(b)}, nil
}

// Release returns a job to the queue; see [API].
func (c *Client) Release(ctx context.Context, l Lease, reason string) error {
	return c.end(ctx, ending{lease: l, action: "r", detail: printable(reason)})
}

func (c *Client) end(ctx context.Context, e ending) error {
	w := WorkerInfo{Machine: e.lease.Machine, Name: e.lease.Worker, Offer: capability.Offer{Type: typeOf(e.lease.JobID)}}
	t, err := c.turn(ctx, turnRequest{worker: w, endings: []ending{e}})
	if err != nil {
		return err
	}
	return verdictOf(e.lease.JobID, t.ended[0])
}

// verdictOf returns the error that a script's answer about one job stands for.
func verdictOf(id, status string) error {
	switch status {
	case "ok":
		return nil
	case "missing":
		return fmt.Errorf("%w: %s", ErrNotFound, printable(id))
	case "final":
		return fmt.Errorf("%w: %s", ErrFinal, printable(id))
	case "stale":
		return fmt.Errorf("%w: %s", ErrStale, printable(id))
	}
	return fmt.Errorf("queue: job %s: unexpected answer %q", printable(id), status)
}

// cut shortens a message to maxMessage bytes.
func cut(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= maxMessage {
		return s
	}
	n := maxMessage
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
