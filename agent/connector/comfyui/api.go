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
)

// api speaks ComfyUI's HTTP routes at one address.
type api struct {
	addr string // host:port
	http *http.Client
}

func newAPI(addr string) *api {
	transport := &http.Transport{
		MaxIdleConnsPerHost:   2,
		IdleConnTimeout:       20 * time.Second,
		ResponseHeaderTimeout: 0, // the callers' contexts bound each call: the server may be busy for long
	}
	return &api{addr: addr, http: &http.Client{Transport: transport}}
}

// statusError is an answer with a status that means failure.
type statusError struct {
	route  string
	status int
	body   []byte // at most 1 MiB
}

func (e *statusError) Error() string {
	body := bytes.TrimSpace(e.body)
	if len(body) > 300 {
		body = append(slices.Clone(body[:300]), "…"...)
	}
	return fmt.Sprintf("%s: status %d: %s", e.route, e.status, body)
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
	said, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20)) // best effort: the status says that it failed
	return nil, &statusError{route: method + " " + route, status: resp.StatusCode, body: said}
}

// call makes one call and decodes its answer into into, unless that is nil.
func (a *api) call(ctx context.Context, method, route string, body, into any) error {
	resp, err := a.do(ctx, method, route, nil, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
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

// submit posts a prompt and returns its id. The server may have accepted it in part: then errors of single nodes come too.
func (a *api) submit(ctx context.Context, s submission) (string, nodeErrors, error) {
	var answer struct {
		PromptID   string     `json:"prompt_id"`
		NodeErrors nodeErrors `json:"node_errors"`
	}
	if err := a.call(ctx, http.MethodPost, "/prompt", s, &answer); err != nil {
		return "", nil, err
	}
	if answer.PromptID == "" {
		return "", nil, connector.Transient(connector.Protocol, nil, "POST /prompt: the answer has no prompt_id")
	}
	return answer.PromptID, answer.NodeErrors, nil
}

// place is where a prompt is.
type place int

const (
	nowhere place = iota
	pending
	running
)

// find asks the queue for a prompt, by its id or its client's, and returns where it is and the id it has there.
func (a *api) find(ctx context.Context, promptID, clientID string) (place, string, error) {
	var answer struct {
		Running []queueItem `json:"queue_running"`
		Pending []queueItem `json:"queue_pending"`
	}
	if err := a.call(ctx, http.MethodGet, "/queue", nil, &answer); err != nil {
		return nowhere, "", err
	}
	for _, list := range []struct {
		items []queueItem
		place place
	}{{answer.Running, running}, {answer.Pending, pending}} {
		for _, item := range list.items {
			if item.promptID == promptID || item.clientID == clientID {
				return list.place, item.promptID, nil
			}
		}
	}
	return nowhere, promptID, nil
}

// queueItem is an array [number, prompt id, prompt, extra data, outputs].
type queueItem struct{ promptID, clientID string }

// UnmarshalJSON implements json.Unmarshaler.
func (q *queueItem) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) < 4 {
		return errors.New("queue item with fewer than four parts")
	}
	if err := json.Unmarshal(parts[1], &q.promptID); err != nil {
		return err
	}
	var extra struct {
		ClientID string `json:"client_id"`
	}
	if err := json.Unmarshal(parts[3], &extra); err != nil {
		return err
	}
	q.clientID = extra.ClientID
	return nil
}

// record is a prompt's entry in the history: it has ended.
type record struct {
	Outputs map[string]map[string]json.RawMessage `json:"outputs"` // by node id, by kind
	Status  *struct {
		Text      string          `json:"status_str"` // success or error
		Completed bool            `json:"completed"`
		Messages  []statusMessage `json:"messages"`
	} `json:"status"`
}

// statusMessage is an array [event, data].
type statusMessage struct {
	event string
	data  json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *statusMessage) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return errors.New("status message without two parts")
	}
	m.data = parts[1]
	return json.Unmarshal(parts[0], &m.event)
}

// history returns a prompt's record, or nil while there is none.
func (a *api) history(ctx context.Context, promptID string) (*record, error) {
	answer := map[string]*record{}
	err := a.call(ctx, http.MethodGet, "/history/"+url.PathEscape(promptID), nil, &answer)
	return answer[promptID], err
}

// stop takes a prompt out of the queue, or interrupts it where it runs, and waits until it is in neither.
func (a *api) stop(ctx context.Context, promptID, clientID string) error {
	for {
		where, id, err := a.find(ctx, promptID, clientID)
		if err != nil || where == nowhere {
			return err
		}
		if where == pending {
			err = a.call(ctx, http.MethodPost, "/queue", map[string][]string{"delete": {id}}, nil)
		} else {
			// Older servers don't read the id and interrupt what runs: that is this prompt, as just seen.
			err = a.call(ctx, http.MethodPost, "/interrupt", map[string]string{"prompt_id": id}, nil)
		}
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
