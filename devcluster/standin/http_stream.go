package standin

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/nomad/api"
)

// heartbeat is how often an idle stream sends a heartbeat.
const heartbeat = 10 * time.Second

// eventStream serves changes as lines of JSON until the client disconnects. It starts after ?index if the buffer still
// has that index, and at the buffer's start if index is 0. Consumers list first and compare indexes.
func (h *httpAPI) eventStream(w http.ResponseWriter, r *http.Request) {
	after, _, err := blockingParams(r)
	if err != nil {
		h.answer(w, 0, nil, err)
		return
	}
	filters := topics(r)
	flush := flusher(w)
	w.Header().Set("Content-Type", "application/json")
	enc := json.NewEncoder(w)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for first := true; ; first = false {
		var batches []api.Events
		var changed chan struct{}
		h.store.read(func() { batches, changed = h.store.events.since(after), h.store.changed })
		for _, b := range batches {
			after = b.Index
			if picked := pick(filters, r, b); len(picked.Events) > 0 {
				if err := enc.Encode(map[string]any{"Index": picked.Index, "Events": picked.Events}); err != nil {
					return
				}
			}
		}
		if first {
			if err := enc.Encode(struct{}{}); err != nil {
				return
			}
		}
		flush()
		select {
		case <-changed:
		case <-beat.C:
			if err := enc.Encode(struct{}{}); err != nil {
				return
			}
		case <-r.Context().Done():
			return
		case <-h.ctx.Done():
			return
		}
	}
}

func flusher(w http.ResponseWriter) func() {
	c := http.NewResponseController(w)
	return func() { _ = c.Flush() } // the next write notices that a client is gone
}

func topics(r *http.Request) []topicFilter {
	var out []topicFilter
	for _, t := range r.URL.Query()["topic"] {
		topic, key, ok := strings.Cut(t, ":")
		if !ok {
			key = "*"
		}
		out = append(out, topicFilter{topic, key})
	}
	return out
}

func pick(filters []topicFilter, r *http.Request, b api.Events) api.Events {
	out := api.Events{Index: b.Index}
	for _, e := range b.Events {
		if selects(filters, e) && eventIn(r, e) {
			out.Events = append(out.Events, e)
		}
	}
	return out
}

// eventIn reports whether an event is in the requested namespace.
func eventIn(r *http.Request, e api.Event) bool {
	obj, _ := e.Payload[string(e.Topic)].(map[string]any)
	ns, ok := obj["Namespace"].(string)
	return !ok || inNamespace(r, ns)
}

// logPoll is how often a followed log is read.
const logPoll = 100 * time.Millisecond

// logs serves a task's log, all parts in order: as frames, or as plain text with ?plain=true.
func (h *httpAPI) logs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	task, kind := q.Get("task"), q.Get("type")
	var alloc *api.Allocation
	var err error
	h.store.read(func() { alloc, err = h.alloc(r) })
	switch {
	case err != nil:
	case task == "":
		err = httpErrorf(http.StatusBadRequest, "must provide task name")
	case kind != "stdout" && kind != "stderr":
		err = httpErrorf(http.StatusBadRequest, "log type must be stdout or stderr")
	case lookupTask(alloc.GetTaskGroup(), task) == nil:
		err = httpErrorf(http.StatusNotFound, "unknown task name %q", task)
	}
	offset, perr := strconv.ParseInt("0"+q.Get("offset"), 10, 64)
	if err == nil && perr != nil {
		err = httpErrorf(http.StatusBadRequest, "error parsing offset: %s", perr)
	}
	if err != nil {
		h.answer(w, 0, nil, err)
		return
	}
	base := filepath.Join(h.client.allocDir(alloc.ID).logs(), task+"."+kind)
	l := logReader{base: base, write: frameWriter(w, q.Get("plain") == "true", base), flush: flusher(w)}
	if err := l.seek(q.Get("origin") == "end", offset); err != nil {
		h.answer(w, 0, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	for {
		n, err := l.copy()
		if err != nil || (n == 0 && (q.Get("follow") != "true" || !h.alive(alloc.ID))) {
			return
		}
		timer := time.NewTimer(logPoll)
		select {
		case <-timer.C:
		case <-r.Context().Done():
			timer.Stop()
			return
		case <-h.ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (h *httpAPI) alive(id string) bool { return h.client.runner(id) != nil }

// frameWriter returns a function that sends a piece of a log.
func frameWriter(w io.Writer, plain bool, base string) func(part int, offset int64, b []byte) error {
	if plain {
		return func(_ int, _ int64, b []byte) error { _, err := w.Write(b); return err }
	}
	enc := json.NewEncoder(w)
	return func(part int, offset int64, b []byte) error {
		return enc.Encode(api.StreamFrame{File: "alloc/logs/" + filepath.Base(base) + "." + strconv.Itoa(part), Offset: offset, Data: b})
	}
}

// logReader reads the parts of a rotated log one after the other.
type logReader struct {
	base  string
	part  int
	pos   int64
	write func(part int, offset int64, b []byte) error
	flush func()
}

// seek moves to offset bytes after the start or before the end.
func (l *logReader) seek(fromEnd bool, offset int64) error {
	parts, err := logParts(l.base)
	if err != nil || len(parts) == 0 {
		return err
	}
	l.part, l.pos = parts[0], offset
	if !fromEnd {
		return nil
	}
	for i := len(parts) - 1; i >= 0; i-- {
		info, err := os.Stat(l.name(parts[i]))
		if err != nil {
			return err
		}
		l.part, l.pos = parts[i], max(0, info.Size()-offset)
		if offset -= info.Size(); offset <= 0 {
			break
		}
	}
	return nil
}

func (l *logReader) name(part int) string { return l.base + "." + strconv.Itoa(part) }

// copy sends what has been added since the last call and returns the number of bytes.
func (l *logReader) copy() (int64, error) {
	var total int64
	for {
		n, err := l.copyPart()
		total += n
		if err != nil {
			return total, err
		}
		if _, err := os.Stat(l.name(l.part + 1)); err != nil {
			break
		}
		l.part, l.pos = l.part+1, 0
	}
	if total > 0 {
		l.flush()
	}
	return total, nil
}

func (l *logReader) copyPart() (total int64, err error) {
	f, err := os.Open(l.name(l.part))
	if os.IsNotExist(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer f.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := f.ReadAt(buf, l.pos)
		if n > 0 {
			l.pos += int64(n)
			total += int64(n)
			if werr := l.write(l.part, l.pos, buf[:n]); werr != nil {
				return total, werr
			}
		}
		if err == io.EOF {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}
