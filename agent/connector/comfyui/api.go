package comfyui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/foreign"
	"github.com/emprops/machinectl/nettext"
)

// api calls ComfyUI's HTTP routes at one address.
type api struct {
	addr string // host:port
	http *http.Client
	room room
}

func newAPI(addr string) *api {
	transport := &http.Transport{
		MaxIdleConnsPerHost:   2,
		IdleConnTimeout:       20 * time.Second,
		ResponseHeaderTimeout: 0, // the callers' contexts bound each call: the server may be busy for long
	}
	return &api{addr: addr, http: &http.Client{Transport: transport}, room: room{value: 16 << 20, record: 64 << 20}}
}

// maxErrorBody is how many bytes of an error answer are kept. Validation errors list all choices of a node's input.
const maxErrorBody = 8 << 20

// statusError is an answer with a status other than 200.
type statusError struct {
	route  string
	status int
	body   []byte // at most maxErrorBody
}

func (e *statusError) Error() string {
	body := bytes.TrimSpace(e.body)
	if len(body) > 300 {
		body = append(slices.Clone(body[:300]), "…"...)
	}
	return fmt.Sprintf("%s: status %d: %s", e.route, e.status, bytes.ToValidUTF8(body, nil))
}

// do makes one call. The caller closes the answer's body. Statuses other than 200 are a *statusError.
func (a *api) do(ctx context.Context, method, route string, query url.Values, body any) (*http.Response, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	target := url.URL{Scheme: "http", Host: a.addr, Path: route, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, target.String(), reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := a.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // best effort: the status shows that it failed
	return nil, &statusError{route: method + " " + route, status: resp.StatusCode, body: said}
}

// tell makes one call and ignores the body of its answer.
func (a *api) tell(ctx context.Context, route string, body any) error {
	resp, err := a.do(ctx, http.MethodPost, route, nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err
}

// read makes one call and lets take read its answer. An answer that can't be read is a [foreign.NonsenseError].
func (a *api) read(ctx context.Context, method, route string, body any, take func(*foreign.Scanner) error) error {
	resp, err := a.do(ctx, method, route, nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	s := foreign.NewScanner(resp.Body)
	err = take(s)
	if s.Err() != nil {
		err = s.Err()
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, route, err)
	}
	return nil
}

// submission is the body of POST /prompt.
type submission struct {
	Prompt    json.RawMessage            `json:"prompt"`
	PromptID  string                     `json:"prompt_id"`
	ClientID  string                     `json:"client_id"`
	ExtraData map[string]json.RawMessage `json:"extra_data,omitempty"`
}

// submit posts a prompt and returns its id. If the server accepted only a part of it, the errors of single nodes are returned
// too.
func (a *api) submit(ctx context.Context, sub submission) (string, nodeErrors, error) {
	var id string
	var refused nodeErrors
	err := a.read(ctx, http.MethodPost, "/prompt", sub, func(s *foreign.Scanner) error {
		for name := range s.Fields() {
			switch name {
			case "prompt_id":
				id, _ = s.Text(maxID)
			case "node_errors":
				refused = readNodeErrors(s)
			}
		}
		if id == "" {
			return &foreign.NonsenseError{What: "no prompt_id"}
		}
		return nil
	})
	return id, refused, err
}

// place is where a prompt is in the server's queue.
type place int

const (
	nowhere place = iota
	pending
	running
)

// find looks up a prompt in the server's queue, by its id or its client's, and returns its place and its id there.
func (a *api) find(ctx context.Context, promptID, clientID string) (place, string, error) {
	where, id := nowhere, promptID
	err := a.read(ctx, http.MethodGet, "/queue", nil, func(s *foreign.Scanner) error {
		lists := 0
		for name := range s.Fields() {
			at, known := map[string]place{"queue_running": running, "queue_pending": pending}[name]
			if !known || s.Peek() != foreign.Array {
				continue
			}
			lists++
			for range s.Items() {
				item := readQueueItem(s)
				if at > where && (item.promptID == promptID || item.clientID == clientID) {
					where, id = at, item.promptID
				}
			}
		}
		if lists < 2 {
			return &foreign.NonsenseError{What: "no lists queue_running and queue_pending"}
		}
		return nil
	})
	return where, id, err
}

// history returns a prompt's record, or nil if there is none yet.
func (a *api) history(ctx context.Context, promptID string) (*record, error) {
	var found *record
	err := a.read(ctx, http.MethodGet, "/history/"+url.PathEscape(promptID), nil, func(s *foreign.Scanner) error {
		if s.Peek() != foreign.Object {
			s.Skip()
			return &foreign.NonsenseError{What: "no object of records"}
		}
		fields := 0
		for id := range s.Fields() {
			fields++
			if id == promptID && s.Peek() == foreign.Object {
				found = readRecord(s, a.room)
			}
		}
		if found == nil && fields > 0 { // a server without the record answers {}
			return &foreign.NonsenseError{What: "no record of the prompt"}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// stop removes a prompt from the queue, or interrupts it if it runs, and waits until it is neither queued nor running. If the
// queue can't be read, the server is told to do both anyway, and repeatedly: it forgets an interruption that arrives just
// before a prompt begins.
func (a *api) stop(ctx context.Context, promptID, clientID string) error {
	for blind := 3; ; {
		where, id, queueErr := a.findSoon(ctx, promptID, clientID)
		switch {
		case queueErr != nil && (nettext.Refused(queueErr) || ctx.Err() != nil):
			return queueErr
		case queueErr != nil:
			id = promptID
		case where == nowhere:
			return nil
		}
		var err error
		if where != running {
			err = a.tell(ctx, "/queue", map[string][]string{"delete": {id}})
		}
		if where != pending {
			// Older servers ignore the id and interrupt the running prompt, which is this one if the queue could be read.
			err = errors.Join(err, a.tell(ctx, "/interrupt", map[string]string{"prompt_id": id}))
		}
		if blind == 0 || err != nil {
			return err
		}
		if queueErr != nil {
			blind--
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// findSoon is like find, within half of the remaining time, so that the other half is left for stopping the prompt.
func (a *api) findSoon(ctx context.Context, promptID, clientID string) (place, string, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, time.Until(deadline)/2)
		defer done()
	}
	return a.find(ctx, promptID, clientID)
}

// free makes the server empty its cache before its next prompt.
func (a *api) free(ctx context.Context) error {
	return a.tell(ctx, "/free", map[string]bool{"free_memory": true, "unload_models": false})
}

// view requests a file. With HEAD, it only checks that the file is there.
func (a *api) view(ctx context.Context, method string, f file) (*http.Response, error) {
	query := url.Values{"filename": {f.name}, "subfolder": {f.subfolder}, "type": {f.kind}}
	return a.do(ctx, method, "/view", query, nil)
}

// isUnreadable reports whether the server answered, but the answer makes no sense. A gateway's error about a server that
// doesn't answer is not an answer.
func isUnreadable(err error) bool {
	if status, ok := errors.AsType[*statusError](err); ok {
		return status.status < http.StatusBadGateway || status.status > http.StatusGatewayTimeout
	}
	_, ok := errors.AsType[*foreign.NonsenseError](err)
	return ok
}

// unclear returns the failure for a server whose answers can't be read.
func unclear(err error) error {
	return connector.Transient(connector.Protocol, nil, "ComfyUI answers, but the answer can't be read: %s", plainly(err))
}
