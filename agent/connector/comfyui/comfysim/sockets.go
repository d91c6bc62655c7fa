package comfysim

import (
	"context"
	"encoding/binary"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// message is one message to a client: JSON, or a binary preview.
type message struct {
	kind websocket.MessageType
	body []byte
}

// sockets are the connected clients, by client id. A client that reconnects takes over its id.
type sockets struct {
	mu    sync.Mutex
	conns map[string]*conn
}

type conn struct {
	out  chan message
	stop context.CancelFunc
}

func newSockets() *sockets { return &sockets{conns: map[string]*conn{}} }

// serve holds one client's connection until it ends.
func (s *sockets) serve(ctx context.Context, w http.ResponseWriter, r *http.Request, hello func(sid string)) {
	sid := r.URL.Query().Get("clientId")
	if sid == "" {
		sid = uuid.NewString()
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// The client is registered before it is answered, so that messages about its next request go to this connection.
	c := &conn{out: make(chan message, 1024), stop: stop}
	s.mu.Lock()
	s.conns[sid] = c
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.conns[sid] == c {
			delete(s.conns, sid)
		}
	}()
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = ws.CloseNow() }() // the client may have gone
	hello(sid)
	ctx = ws.CloseRead(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-c.out:
			write, done := context.WithTimeout(ctx, 10*time.Second)
			err := ws.Write(write, m.kind, m.body)
			done()
			if err != nil {
				return
			}
		}
	}
}

// send sends an event to one client, or to all if sid is empty. A client that reads too slowly is cut off.
func (s *sockets) send(event string, data any, sid string) {
	body, err := dumps(map[string]any{"type": event, "data": data})
	if err != nil {
		return // impossible for this package's data
	}
	s.pass(message{websocket.MessageText, body}, sid)
}

// Binary events and image formats of ComfyUI's protocol.py and server.py.
const (
	previewImage = 1
	formatPNG    = 2
)

// preview sends a PNG as a binary preview.
func (s *sockets) preview(png []byte, sid string) {
	body := binary.BigEndian.AppendUint32(nil, previewImage)
	body = binary.BigEndian.AppendUint32(body, formatPNG)
	s.pass(message{websocket.MessageBinary, append(body, png...)}, sid)
}

func (s *sockets) pass(m message, sid string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, c := range s.conns {
		if sid != "" && sid != id {
			continue
		}
		select {
		case c.out <- m:
		default:
			c.stop()
		}
	}
}

// drop cuts all connections.
func (s *sockets) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.conns {
		c.stop()
	}
}
