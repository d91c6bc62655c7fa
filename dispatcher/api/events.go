package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/queue"
)

// JobEvents implements [wire.StrictServerInterface]. It streams a job's events as server-sent events: id, event (the kind) and
// data (an Event). An "end" event after the final one tells the client not to reconnect. A client resumes with
// Last-Event-ID, or with ?after= if it can't set headers.
func (s *Server) JobEvents(ctx context.Context, r wire.JobEventsRequestObject) (wire.JobEventsResponseObject, error) {
	if s.streams.Add(1) > int64(s.o.MaxStreams) {
		s.streams.Add(-1)
		return nil, refuse(http.StatusServiceUnavailable, codeBusy, "", "there are %d event streams open: poll the job instead, or try again", s.o.MaxStreams)
	}
	reading, cancel := context.WithCancel(ctx)
	stopped := context.AfterFunc(s.stopping, cancel)
	end := func() {
		stopped()
		cancel()
		s.streams.Add(-1)
	}
	stream, err := s.o.Queue.Events(reading, r.ID, cmp.Or(r.Params.LastEventID, r.Params.After))
	if err != nil {
		end()
		return nil, err
	}
	return served(func(w http.ResponseWriter) error {
		defer end()
		h := w.Header()
		h.Set("Content-Type", "text/event-stream")
		h.Set("Cache-Control", "no-store")
		h.Set("X-Accel-Buffering", "no")
		w.WriteHeader(http.StatusOK)
		out := &sseWriter{w: w, timeout: s.o.WriteTimeout}
		out.send("retry: 2000\n\n")
		s.pump(ctx, r.ID, stream, out)
		return nil // the answer has begun: its status can't change any more
	}), nil
}

// pump copies events until the stream, the client or the server ends.
func (s *Server) pump(ctx context.Context, job string, stream *queue.EventStream, w *sseWriter) {
	beat := time.NewTicker(s.o.StreamBeat)
	defer beat.Stop()
	for w.err == nil {
		select {
		case <-beat.C:
			w.send(": still here\n\n")
		case <-s.stopping.Done():
			w.send(": the dispatcher is stopping, come back\n\n")
			return
		case <-ctx.Done():
			return
		case e, open := <-stream.C:
			if open {
				w.event(e)
				continue
			}
			switch err := stream.Err(); {
			case errors.Is(err, queue.ErrNotFound):
				w.send("event: end\ndata: {\"reason\": \"there is no such job any more\"}\n\n")
			case err == nil:
				w.send("event: end\ndata: {}\n\n")
			case s.stopping.Err() != nil:
				w.send(": the dispatcher is stopping, come back\n\n")
			case ctx.Err() == nil:
				w.send(": the events can't be read now, come back\n\n")
				s.log.Warn("event stream interrupted", "job", job, "error", err)
			}
			return
		}
	}
	s.log.Debug("event stream's client is gone or too slow", "job", job, "error", w.err)
}

// sseWriter gives each write a deadline. After the first error it does nothing.
type sseWriter struct {
	w       http.ResponseWriter
	timeout time.Duration
	err     error
}

func (w *sseWriter) event(e queue.Event) {
	data, err := json.Marshal(eventView(&e))
	if err != nil {
		w.err = err
		return
	}
	w.send(fmt.Sprintf("id: %s\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, data))
}

func (w *sseWriter) send(text string) {
	if w.err != nil {
		return
	}
	rc := http.NewResponseController(w.w)
	if w.err = rc.SetWriteDeadline(time.Now().Add(w.timeout)); w.err != nil {
		return
	}
	if _, w.err = w.w.Write([]byte(text)); w.err != nil {
		return
	}
	w.err = rc.Flush()
}
