package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/emprops/machinectl/queue"
)

// events streams a job's events as server-sent events: id, event (the kind) and data (queue.Event). An "end" event after
// the final one tells the client not to reconnect. A client resumes with Last-Event-ID, or with ?after= if it can't set
// headers.
func (s *Server) events(c echo.Context) error {
	q, err := query(c.Request(), "after")
	if err != nil {
		return err
	}
	after := c.Request().Header.Get("Last-Event-ID")
	if after == "" {
		after = q.Get("after")
	}
	if len(after) > 64 {
		return invalid("after", "is %d bytes long: give the id of an event", len(after))
	}
	if s.streams.Add(1) > int64(s.o.MaxStreams) {
		s.streams.Add(-1)
		return refuse(http.StatusServiceUnavailable, codeBusy, "", "there are %d event streams open: poll the job instead, or try again", s.o.MaxStreams)
	}
	defer s.streams.Add(-1)

	ctx, cancel := context.WithCancel(c.Request().Context())
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	stream, err := s.o.Queue.Events(ctx, c.Param("id"), after)
	if err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	c.Response().WriteHeader(http.StatusOK)
	w := &sseWriter{c: c, timeout: s.o.WriteTimeout}
	w.send("retry: 2000\n\n")
	s.pump(c, stream, w)
	return nil // the answer has begun: its status can't change any more
}

// pump copies events until the stream, the client or the server ends.
func (s *Server) pump(c echo.Context, stream *queue.EventStream, w *sseWriter) {
	beat := time.NewTicker(s.o.StreamBeat)
	defer beat.Stop()
	for w.err == nil {
		select {
		case <-beat.C:
			w.send(": still here\n\n")
		case <-s.stopping.Done():
			w.send(": the dispatcher is stopping, come back\n\n")
			return
		case <-c.Request().Context().Done():
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
			case c.Request().Context().Err() == nil:
				w.send(": the events can't be read now, come back\n\n")
				s.log.Warn("event stream interrupted", "job", c.Param("id"), "error", err)
			}
			return
		}
	}
	s.log.Debug("event stream's client is gone or too slow", "job", c.Param("id"), "error", w.err)
}

// sseWriter gives each write a deadline. After the first error it does nothing.
type sseWriter struct {
	c       echo.Context
	timeout time.Duration
	err     error
}

func (w *sseWriter) event(e queue.Event) {
	data, err := json.Marshal(e)
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
	rc := http.NewResponseController(w.c.Response())
	if w.err = rc.SetWriteDeadline(time.Now().Add(w.timeout)); w.err != nil {
		return
	}
	if _, w.err = w.c.Response().Write([]byte(text)); w.err != nil {
		return
	}
	w.err = rc.Flush()
}
