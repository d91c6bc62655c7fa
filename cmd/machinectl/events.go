package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/emprops/machinectl/queue"
)

const (
	// maxStreamFailures is how many times in a row a stream may give nothing before following is given up.
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

	last     string // id of the last event seen
	failures int    // connections in a row that gave no event
}

// read shows events until the connection ends. ended says that the job has.
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
	return ended, lines.Err()
}

func (s *eventStream) event(data []byte) (final bool, err error) {
	var e queue.Event
	if err := json.Unmarshal(data, &e); err != nil {
		return false, fmt.Errorf("an event that isn't one: %w", err)
	}
	s.show(e)
	return e.State.Final(), nil
}

// jsonPlace says where in a document its decoding failed.
func jsonPlace(doc []byte, err error) string {
	var syntax *json.SyntaxError
	if !errors.As(err, &syntax) {
		return err.Error()
	}
	before := doc[:min(int(syntax.Offset), len(doc))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n') - 1
	return fmt.Sprintf("line %d, column %d: %s", line, max(column, 1), err)
}
