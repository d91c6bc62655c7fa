package comfyui

import (
	"context"
	"io"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/emprops/machinectl/agent/foreign"
)

// event is a message of the server about a prompt.
type event struct {
	kind, promptID string
	node           string   // may be empty
	nodes          []string // of execution_cached
	value, max     float64
}

// ends reports whether this message announces the prompt's end: its record is there or about to be.
func (e event) ends() bool {
	switch e.kind {
	case "execution_success", "execution_error", "execution_interrupted":
		return true
	case "executing":
		return e.node == ""
	default:
		return false
	}
}

// socket listens to a server's messages for one client id, and reconnects when the connection drops.
type socket struct {
	url    string
	events chan event
	// connected gets a token each time that the server has sent its greeting, including the first.
	connected chan struct{}
	images    *images
}

func newSocket(addr, clientID string, i *images) *socket {
	u := url.URL{Scheme: "ws", Host: addr, Path: "/ws", RawQuery: url.Values{"clientId": {clientID}}.Encode()}
	return &socket{url: u.String(), events: make(chan event, 64), connected: make(chan struct{}, 1), images: i}
}

// listen connects and passes messages on until ctx ends. It reconnects dropped connections: the server remembers the client
// id and sends later messages to the new connection.
func (s *socket) listen(ctx context.Context) {
	wait := 100 * time.Millisecond
	for ctx.Err() == nil {
		if s.once(ctx) {
			wait = 100 * time.Millisecond
		} else {
			wait = min(2*wait, 2*time.Second)
		}
		if ctx.Err() == nil {
			s.images.miss()
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// once holds one connection as long as it lasts, and reports whether the server sent a message.
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
	conn.SetReadLimit(-1)                  // messages of any size are read as streams
	for first := true; ; first = false {
		kind, r, err := conn.Reader(ctx)
		if err != nil {
			return !first
		}
		if first { // the server's greeting: from now on it knows the client
			select {
			case s.connected <- struct{}{}:
			default:
			}
		}
		if kind == websocket.MessageBinary {
			s.images.take(r)
		} else {
			e := readEvent(r)
			s.images.observe(e)
			select {
			case s.events <- e:
			case <-ctx.Done():
				return true
			}
		}
		if _, err := io.Copy(io.Discard, r); err != nil { // the unused rest
			return true
		}
	}
}

// readEvent reads one text message. It returns an empty event for one that can't be read: custom nodes may send anything.
func readEvent(r io.Reader) (e event) {
	s := foreign.NewScanner(r)
	for name := range s.Fields() {
		switch name {
		case "type":
			e.kind, _ = s.Text(maxID)
		case "data":
			for name := range s.Fields() {
				switch name {
				case "prompt_id":
					e.promptID, _ = s.Text(maxID)
				case "node":
					e.node, _ = s.Text(maxID)
				case "nodes": // a list in execution_cached; an object in other messages
					e.nodes = readIDs(s)
				case "value":
					e.value, _ = s.Number()
				case "max":
					e.max, _ = s.Number()
				}
			}
		}
	}
	if s.Err() != nil {
		return event{}
	}
	return e
}
