package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/emprops/machinectl/queue"
)

const (
	// maxStreamFailures is how many connections in a row may give no event before following is given up.
	maxStreamFailures = 30
	streamPause       = time.Second
	// eventLimit bounds one event's size, in bytes.
	eventLimit = 1 << 20
)

// eventStream reads a job's server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type eventStream struct {
	dispatcher *dispatcher
	path       string
	show       func(queue.Event)

	last     string // id of the last event
	failures int    // connections in a row that gave no event
}

// read shows events until the connection ends, and reports whether the job has ended.
func (s *eventStream) read(ctx context.Context) (ended bool, err error) {
	header := map[string]string{"Accept": "text/event-stream"}
	if s.last != "" {
		header["Last-Event-ID"] = s.last
	}
	s.failures++
	resp, err := s.dispatcher.send(ctx, http.MethodGet, s.path, nil, header)
	if err != nil {
		var refused *refusal
		if errors.As(err, &refused) && refused.Code == "not_found" {
			s.failures = maxStreamFailures
		}
		return false, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, eventLimit)
	var id, kind string
	var data []byte
	for lines.Scan() {
		line := lines.Bytes()
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch {
		case len(line) > 0:
			switch string(field) {
			case "id":
				id = string(value)
			case "event":
				kind = string(value)
			case "data":
				data = append(data, value...)
			}
			continue
		case kind == "end":
			return true, nil
		case len(data) > 0:
			final, err := s.event(data)
			if err != nil {
				return false, err
			}
			s.last, s.failures = id, 0
			ended = ended || final
		}
		id, kind, data = "", "", nil
	}
	if err := lines.Err(); err != nil {
		return ended, s.dispatcher.silent(err)
	}
	return ended, nil
}

func (s *eventStream) event(data []byte) (final bool, err error) {
	var e queue.Event
	if err := json.Unmarshal(data, &e); err != nil {
		return false, s.dispatcher.silent(err)
	}
	s.show(e)
	return e.State.Final(), nil
}

// follow shows a job's events until it has ended, and returns it. It resumes a stream that breaks off.
func (d *dispatcher) follow(ctx context.Context, id string, show func(queue.Event)) (*queue.Job, error) {
	path := "/v1/jobs/" + url.PathEscape(id)
	s := &eventStream{dispatcher: d, path: path + "/events", show: show}
	for {
		ended, err := s.read(ctx)
		switch {
		case ended:
			var job queue.Job
			if err := d.call(ctx, http.MethodGet, path, nil, &job); err != nil {
				return nil, err
			}
			return &job, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil && s.failures >= maxStreamFailures:
			return nil, fmt.Errorf("job %s can't be followed any longer, but continues: %w", id, err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(streamPause):
		}
	}
}
