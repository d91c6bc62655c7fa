package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// maxStreamFailures is how many connections in a row may give no event before following is given up.
	maxStreamFailures = 30
	streamPause       = time.Second
	// eventLimit bounds one event's size, in bytes.
	eventLimit = 1 << 20
)

// Wait returns a job once it has ended.
func (c *Client) Wait(ctx context.Context, id string) (*Job, error) {
	return c.Follow(ctx, id, func(Event) {})
}

// Follow calls show with a job's events until the job has ended, and returns the job. A stream that breaks off is resumed.
func (c *Client) Follow(ctx context.Context, id string, show func(Event)) (*Job, error) {
	var (
		last     string // id of the last event
		failures int    // connections in a row that gave no event
	)
	for {
		failures++
		ended, err := c.events(ctx, id, last, func(e Event) {
			last, failures = e.ID, 0
			show(e)
		})
		switch {
		case ended:
			return c.Job(ctx, id)
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && (failures >= maxStreamFailures || final(err)):
			return nil, fmt.Errorf("job %s can't be followed any longer, but continues: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(streamPause):
		}
	}
}

// final reports whether a refusal stays one, however often it is asked for.
func final(err error) bool {
	var p *Problem
	return errors.As(err, &p) && p.Status < http.StatusInternalServerError && p.Status != http.StatusTooManyRequests
}

// events reads one connection's events (https://html.spec.whatwg.org/multipage/server-sent-events.html) and reports whether
// the job has ended.
func (c *Client) events(ctx context.Context, id, after string, show func(Event)) (ended bool, err error) {
	resp, err := c.raw.JobEvents(context.WithValue(ctx, unbounded, true), id, &JobEventsParams{LastEventID: after})
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	err = readEvents(resp.Body, func(kind string, data []byte) error {
		if kind == "end" {
			ended = true
			return nil
		}
		var e Event
		if err := json.Unmarshal(data, &e); err != nil {
			return err
		}
		show(e)
		ended = ended || e.State.Final()
		return nil
	})
	if err != nil {
		return ended, &UnreachableError{c.at, err}
	}
	return ended, nil
}

// readEvents calls each with the kind and the data of every event.
func readEvents(body io.Reader, each func(kind string, data []byte) error) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, eventLimit)
	var kind string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) > 0 {
			field, value, _ := bytes.Cut(line, []byte(":"))
			value = bytes.TrimPrefix(value, []byte(" "))
			switch string(field) {
			case "event":
				kind = string(value)
			case "data":
				data = append(data, value...)
			}
			continue
		}
		if kind == "end" || len(data) > 0 {
			if err := each(kind, data); err != nil {
				return err
			}
		}
		kind, data = "", nil
	}
	return lines.Err()
}
