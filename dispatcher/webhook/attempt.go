package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/emprops/machinectl/netguard"
	"github.com/emprops/machinectl/nettext"
	"github.com/emprops/machinectl/queue"
)

// errNoAnswer is the cause when an attempt's time is up.
var errNoAnswer = errors.New("the receiver took too long")

// readBody is how much of an answer is read, so that its connection can be used again. None of it is kept.
const readBody = 4 << 10

// request makes one attempt. The error is one of the queue: the attempt was not made.
func (s *Sender) request(ctx context.Context, e queue.JobEnd) (answer, error) {
	body, err := s.body(ctx, e)
	if err != nil {
		return answer{}, err
	}
	keys, err := s.secrets.signing(ctx, e.Tenant)
	switch {
	case errors.Is(err, queue.ErrUnavailable):
		return answer{}, err
	case err != nil:
		return answer{problem: err.Error()}, nil
	case len(keys) == 0:
		return answer{problem: "no secret signs this webhook: create one with POST /v1/webhooks/secrets"}, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, s.o.Timeout, errNoAnswer)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(body))
	if err != nil {
		return answer{problem: "the URL can't be requested"}, nil
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	for name, value := range map[string]string{
		"Content-Type": "application/json", "User-Agent": "machinectl-webhook", "Webhook-Id": e.Event, "Webhook-Timestamp": timestamp,
		"Webhook-Signature": sign(keys, e.Event, timestamp, body),
	} {
		r.Header.Set(name, value)
	}
	response, err := s.client.Do(r)
	if err != nil {
		return answer{problem: s.problemOf(ctx, err)}, nil
	}
	defer func() { _ = response.Body.Close() }() // the status has been read, which is all that counts
	_, _ = io.CopyN(io.Discard, response.Body, readBody)
	return judge(response), nil
}

// body describes the job's end. A job that was deleted meanwhile is described by what its end left behind.
func (s *Sender) body(ctx context.Context, e queue.JobEnd) ([]byte, error) {
	c, err := s.o.Queue()
	if err != nil {
		return nil, err
	}
	job, err := c.Get(ctx, e.JobID)
	if err != nil && !errors.Is(err, queue.ErrNotFound) {
		return nil, err
	}
	return makeBody(e, job, s.o.PublicURL)
}

// judge returns what a response means.
func judge(r *http.Response) answer {
	a := answer{status: r.StatusCode}
	switch status := fmt.Sprintf("the receiver answered %d %s", r.StatusCode, http.StatusText(r.StatusCode)); {
	case r.StatusCode >= 200 && r.StatusCode < 300:
	case r.StatusCode >= 300 && r.StatusCode < 400:
		a.problem = status + ": redirects are not followed"
	default:
		a.problem, a.retryAfter = status, retryAfter(r.Header, time.Now())
	}
	return a
}

// problemOf explains why there was no answer.
func (s *Sender) problemOf(ctx context.Context, err error) string {
	var refused *netguard.AddressError
	switch {
	case errors.As(err, &refused):
		return refused.Error()
	case errors.Is(context.Cause(ctx), errNoAnswer):
		return fmt.Sprintf("no answer within %g s", s.o.Timeout.Seconds())
	default:
		return "no answer from the receiver: " + nettext.Reason(err)
	}
}

// endpointOf returns what 410 Gone disables: a URL without its query.
func endpointOf(webhook string) string {
	u, err := url.Parse(webhook)
	if err != nil {
		return webhook
	}
	u.RawQuery, u.ForceQuery = "", false
	return u.String()
}
