package comfyui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

// maxMessage is the largest text message that is read, in bytes. Previews are binary and are not read into memory.
const maxMessage = 16 << 20

// event is a message of the server about a prompt.
type event struct {
	Type string `json:"type"`
	Data struct {
		PromptID string   `json:"prompt_id"`
		Node     *string  `json:"node"`
		Nodes    nodeList `json:"nodes"` // of execution_cached: a list; other messages use the same word for an object
		Value    float64  `json:"value"`
		Max      float64  `json:"max"`
	} `json:"data"`
}

// nodeList is a list of node ids; anything else is read as empty.
type nodeList []string

// UnmarshalJSON implements json.Unmarshaler.
func (l *nodeList) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '[' {
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// socket listens to a server's messages for one client id, and connects again for as long as it is asked to.
type socket struct {
	url    string
	events chan event
	// connected gets a token each time that the server has greeted us, also the first.
	connected chan struct{}
}

func newSocket(addr, clientID string) *socket {
	u := url.URL{Scheme: "ws", Host: addr, Path: "/ws", RawQuery: url.Values{"clientId": {clientID}}.Encode()}
	return &socket{url: u.String(), events: make(chan event, 64), connected: make(chan struct{}, 1)}
}

// listen connects and passes messages on until ctx ends. Dropped connections are made again: the server remembers the
// client id and sends what is to come there.
func (s *socket) listen(ctx context.Context) {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		if s.once(ctx) {
			wait = 100 * time.Millisecond
		} else {
			wait = min(2*wait, 2*time.Second)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// once holds one connection for as long as it lasts and says whether the server said anything.
func (s *socket) once(ctx context.Context) bool {
	dial, done := context.WithTimeout(ctx, 10*time.Second)
	conn, resp, err := websocket.Dial(dial, s.url, nil)
	done()
	if err != nil {
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close()
		}
		return false
	}
	defer func() { _ = conn.CloseNow() }() // the server may have gone
	conn.SetReadLimit(-1)                  // binary messages of any size are skipped as a stream
	for first := true; ; first = false {
		kind, r, err := conn.Reader(ctx)
		if err != nil {
			return !first
		}
		if first { // the server's greeting: from here on it knows where to send
			select {
			case s.connected <- struct{}{}:
			default:
			}
		}
		if kind == websocket.MessageBinary {
			if _, err := io.Copy(io.Discard, r); err != nil {
				return true
			}
			continue
		}
		e, err := readEvent(r)
		if err != nil {
			return true
		}
		select {
		case s.events <- e:
		case <-ctx.Done():
			return true
		}
	}
}

var errTooLong = errors.New("message too long")

// readEvent reads one text message. A message that isn't JSON of the usual form is passed over: custom nodes send what they
// like.
func readEvent(r io.Reader) (event, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxMessage+1))
	if err != nil {
		return event{}, err
	}
	if len(text) > maxMessage {
		return event{}, errTooLong
	}
	var e event
	if !json.Valid(text) || json.Unmarshal(text, &e) != nil {
		e = event{}
	}
	return e, nil
}
