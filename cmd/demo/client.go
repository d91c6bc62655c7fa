package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/emprops/machinectl/queue"
)

// client speaks the dispatcher's HTTP API.
type client struct {
	base string
	http http.Client
}

func newClient(base string) *client {
	return &client{base: base, http: http.Client{Timeout: 10 * time.Second}}
}

func (c *client) do(ctx context.Context, method, path string, body, into any) error {
	var r io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		r = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, r)
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, bytes.TrimSpace(b))
	}
	if raw, ok := into.(*[]byte); ok {
		*raw = b
		return nil
	}
	return json.Unmarshal(b, into)
}

func (c *client) submit(ctx context.Context, s queue.Submission) (string, error) {
	var answer struct {
		ID string `json:"id"`
	}
	err := c.do(ctx, http.MethodPost, "/v1/jobs", s, &answer)
	return answer.ID, err
}

func (c *client) job(ctx context.Context, id string) (queue.Job, error) {
	var j queue.Job
	return j, c.do(ctx, http.MethodGet, "/v1/jobs/"+id, nil, &j)
}

func (c *client) machines(ctx context.Context) ([]queue.Machine, error) {
	var answer struct {
		Machines []queue.Machine `json:"machines"`
	}
	return answer.Machines, c.do(ctx, http.MethodGet, "/v1/machines", nil, &answer)
}
