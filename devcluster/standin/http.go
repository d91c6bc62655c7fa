package standin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/nomad/api"
)

// httpError is an error with its HTTP status. The text is the response's body, as in Nomad.
type httpError struct {
	code int
	text string
}

func (e *httpError) Error() string { return e.text }

func httpErrorf(code int, format string, args ...any) error {
	return &httpError{code, fmt.Sprintf(format, args...)}
}

// httpAPI is the HTTP side of the stand-in.
type httpAPI struct {
	store  *store
	client *client
	ctx    context.Context // ends when the server stops, and ends blocking queries and streams
}

// handler routes the paths that are served. All others answer 501.
func (h *httpAPI) handler() http.Handler {
	mux := http.NewServeMux()
	h.jobRoutes(mux)
	h.allocRoutes(mux)
	h.clusterRoutes(mux)
	h.varRoutes(mux)
	mux.HandleFunc("GET /v1/event/stream", h.eventStream)
	mux.HandleFunc("GET /v1/client/fs/logs/{id}", h.logs)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, fmt.Sprintf("devcluster stands in for Nomad here and does not serve %s %s: put nomad on PATH for all of it", r.Method, r.URL.Path), http.StatusNotImplemented)
	})
	return mux
}

// answer writes a value as JSON, or an error as its text.
func (h *httpAPI) answer(w http.ResponseWriter, index uint64, v any, err error) {
	w.Header().Set("X-Nomad-Index", strconv.FormatUint(index, 10))
	w.Header().Set("X-Nomad-Lastcontact", "0")
	w.Header().Set("X-Nomad-Knownleader", "true")
	var coded *httpError
	var conflict *conflictError
	switch {
	case errors.As(err, &conflict):
		h.answerConflict(w, conflict.current)
		return
	case errors.As(err, &coded):
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(coded.code)
		_, _ = w.Write([]byte(coded.text)) // fails only if the client is gone
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	case v == nil:
		return
	}
	b, ok := v.(json.RawMessage)
	if !ok {
		if b, err = json.Marshal(v); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(b)
}

// answerConflict answers a failed compare-and-set with the current variable, or an empty one.
func (h *httpAPI) answerConflict(w http.ResponseWriter, current *api.Variable) {
	if current == nil {
		current = &api.Variable{}
	}
	b, err := json.Marshal(current)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusConflict)
	_, _ = w.Write(b)
}

const (
	defaultWait = 5 * time.Minute
	maxWait     = 10 * time.Minute
)

// query serves a read that can block: with ?index=N it waits until one of the tables has changed after N, but no longer
// than ?wait. It calls read with the store's lock held.
func (h *httpAPI) query(read func(r *http.Request) (any, error), tables ...table) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		after, wait, err := blockingParams(r)
		if err != nil {
			h.answer(w, 0, nil, err)
			return
		}
		deadline := time.NewTimer(wait)
		defer deadline.Stop()
		for {
			var index uint64
			var body json.RawMessage
			var changed chan struct{}
			var err error
			h.store.read(func() {
				for _, t := range tables {
					index = max(index, h.store.touched[t])
				}
				index = max(index, 1)
				changed = h.store.changed
				if index > after {
					body, err = encode(read(r))
				}
			})
			if index > after {
				h.answer(w, index, body, err)
				return
			}
			select {
			case <-changed:
			case <-deadline.C:
				after = 0
			case <-r.Context().Done():
				return
			case <-h.ctx.Done():
				after = 0
			}
		}
	}
}

func encode(v any, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func blockingParams(r *http.Request) (after uint64, wait time.Duration, err error) {
	q := r.URL.Query()
	wait = defaultWait
	if s := q.Get("index"); s != "" {
		if after, err = strconv.ParseUint(s, 10, 64); err != nil {
			return 0, 0, httpErrorf(http.StatusBadRequest, "Invalid index")
		}
	}
	if s := q.Get("wait"); s != "" {
		if wait, err = time.ParseDuration(s); err != nil {
			return 0, 0, httpErrorf(http.StatusBadRequest, "Invalid wait time")
		}
	}
	return after, min(wait, maxWait), nil
}

// noBody is the result of a write whose response has no body.
type noBody struct{}

// change serves a write. It reads the request before locking the store, so that a slow client doesn't block others.
func (h *httpAPI) change(f func(r *http.Request, tx *txn) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		sent, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			h.answer(w, 0, nil, httpErrorf(http.StatusBadRequest, "request body: %s", err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(sent))
		var body json.RawMessage
		index, err := h.store.write(func(tx *txn) error {
			v, err := f(r, tx)
			if err == nil && v != any(noBody{}) {
				body, err = json.Marshal(v)
			}
			return err
		})
		if body == nil {
			h.answer(w, index, nil, err)
			return
		}
		h.answer(w, index, body, err)
	}
}

// maxBody is the maximum size of a request's body.
const maxBody = 32 << 20

func decodeBody(r *http.Request, v any) error {
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxBody)).Decode(v); err != nil {
		return httpErrorf(http.StatusBadRequest, "request body: %s", err)
	}
	return nil
}

// namespaceOf returns a request's namespace; "*" means all, in lists that allow it.
func namespaceOf(r *http.Request) string {
	if ns := r.URL.Query().Get("namespace"); ns != "" {
		return ns
	}
	return "default"
}

func inNamespace(r *http.Request, ns string) bool {
	want := namespaceOf(r)
	return want == "*" || want == ns
}
