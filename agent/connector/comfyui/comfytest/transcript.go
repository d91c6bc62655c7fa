package comfytest

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/google/uuid"
)

// Transcript runs every workflow and fault once at the server at addr (host:port) and returns what it answered. The server
// must have no other client, and have the nodes [StepsNode] and [OutputNode]. Colours start at color: they must be new to
// the server.
func Transcript(ctx context.Context, addr string, color int) (string, error) {
	c := &client{addr: addr, id: uuid.NewString(), names: map[string]string{}}
	if err := c.connect(ctx); err != nil {
		return "", err
	}
	defer func() { _ = c.ws.CloseNow() }() // everything has been read
	for _, part := range []func(context.Context, int) error{c.images, c.failures, c.interruption, c.waiting, c.refusals, c.files, c.freed} {
		if err := part(ctx, color); err != nil {
			return c.out.String(), fmt.Errorf("after:\n%s\n%w", c.out.String(), err)
		}
	}
	return c.out.String(), nil
}

// client talks to a server and records what it answers.
type client struct {
	addr, id string
	ws       *websocket.Conn
	out      strings.Builder
	names    map[string]string // prompt ids → P1, P2, …
}

func (c *client) connect(ctx context.Context) error {
	ws, resp, err := websocket.Dial(ctx, "ws://"+c.addr+"/ws?clientId="+c.id, nil)
	if err != nil {
		return err
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	ws.SetReadLimit(-1)
	c.ws = ws
	return nil
}

func (c *client) images(ctx context.Context, color int) error {
	for _, s := range []struct {
		title  string
		prompt json.RawMessage
	}{
		{"an image", Image(color)},
		{"the same again: cached", Image(color)},
		{"steps, with previews", Steps(color, 3, 0.01, "no")},
		{"steps again: the image is cached", Steps(color, 2, 0.01, "no")},
		{"several files", Files(color + 1)},
		{"a preview", Preview(color + 2)},
		{"a text", Text(fmt.Sprint("word ", color))},
		{"a part is wrong", Partly(color + 3)},
		{"images over the WebSocket", Websocket(color+8, 2)},
		{"what a node leaves", Output(`{"score": [NaN, -Infinity], "tags": ["a"], "images": [{"filename": "x.png"}]}`)},
	} {
		if err := c.run(ctx, s.title, s.prompt, nil); err != nil {
			return err
		}
	}
	return nil
}

// freed shows that a cached image is computed again once the server was told to free its memory. The server does so when it
// is next idle, so it is told repeatedly until it did.
func (c *client) freed(ctx context.Context, color int) error {
	if err := c.run(ctx, "before the cache is emptied", Image(color+9), nil); err != nil {
		return err
	}
	begin, names := c.out.Len(), maps.Clone(c.names)
	for range 20 {
		if err := c.post(ctx, "/free", map[string]any{"free_memory": true, "unload_models": false}); err != nil {
			return err
		}
		if err := c.run(ctx, "after the cache was emptied", Image(color+9), nil); err != nil {
			return err
		}
		said := c.out.String()
		if strings.Contains(said[begin:], `execution_cached {"nodes":[]`) {
			return nil
		}
		c.out.Reset()
		c.out.WriteString(said[:begin])
		c.names = maps.Clone(names)
	}
	return errors.New("the cache is not emptied")
}

func (c *client) failures(ctx context.Context, color int) error {
	for _, kind := range []string{"error", "memory"} {
		if err := c.run(ctx, "a node raises: "+kind, Steps(color+4, 1, 0, kind), nil); err != nil {
			return err
		}
	}
	return nil
}

func (c *client) interruption(ctx context.Context, color int) error {
	return c.run(ctx, "interrupted after the first step", Steps(color+5, 500, 0.02, "no"), func(id string, e map[string]any) error {
		if e["type"] != "progress" {
			return nil
		}
		return c.post(ctx, "/interrupt", map[string]any{"prompt_id": id})
	})
}

// waiting shows the queue with a running and a waiting prompt, and removes both.
func (c *client) waiting(ctx context.Context, color int) error {
	c.title("the queue")
	first, err := c.submit(ctx, Steps(color+6, 500, 0.02, "no"))
	if err != nil {
		return err
	}
	second, err := c.submit(ctx, Image(color+7))
	if err != nil {
		return err
	}
	started := false
	for !started { // until the first one runs
		e, err := c.next(ctx)
		if err != nil {
			return err
		}
		started = e["type"] == "progress"
	}
	if err := c.get(ctx, "/queue", "GET /queue"); err != nil {
		return err
	}
	if err := c.post(ctx, "/interrupt", map[string]any{"prompt_id": second}); err != nil { // not running: nothing happens
		return err
	}
	if err := c.post(ctx, "/queue", map[string]any{"delete": []string{second}}); err != nil {
		return err
	}
	if err := c.get(ctx, "/queue", "GET /queue after deleting"); err != nil {
		return err
	}
	if err := c.get(ctx, "/history/"+second, "GET /history of the deleted"); err != nil {
		return err
	}
	if err := c.post(ctx, "/interrupt", nil); err != nil {
		return err
	}
	for {
		e, err := c.next(ctx)
		if err != nil {
			return err
		}
		if data, _ := e["data"].(map[string]any); e["type"] == "executing" && data["node"] == nil {
			break
		}
	}
	if err := c.post(ctx, "/history", map[string]any{"delete": []string{first}}); err != nil {
		return err
	}
	return c.get(ctx, "/history/"+first, "GET /history after deleting")
}

func (c *client) refusals(ctx context.Context, _ int) error {
	wrong := Wrong()
	for _, name := range slices.Sorted(keys(wrong)) {
		c.title("refused: " + name)
		if _, err := c.submit(ctx, wrong[name]); err != nil {
			return err
		}
	}
	c.title("refused: no prompt")
	_, err := c.submit(ctx, nil)
	return err
}

func (c *client) files(ctx context.Context, _ int) error {
	c.title("files")
	for _, query := range []string{"filename=test_00001_.png", "filename=steps_00001_.png&subfolder=sub&type=output", "filename=nothing.png", "filename=../x", "filename=/etc/x", ""} {
		got, err := c.call(ctx, http.MethodGet, "/view?"+query, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(&c.out, "GET /view?%s: %d", query, got.status)
		if got.status == http.StatusOK {
			fmt.Fprintf(&c.out, " %s %s png=%t", got.header.Get("Content-Type"), got.header.Get("Content-Disposition"), bytes.HasPrefix(got.body, []byte("\x89PNG")))
		}
		c.out.WriteByte('\n')
	}
	return nil
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (c *client) title(s string) { fmt.Fprintf(&c.out, "\n# %s\n", s) }

// run submits a prompt, records the messages until it has ended, and then its history.
func (c *client) run(ctx context.Context, title string, prompt json.RawMessage, on func(id string, e map[string]any) error) error {
	c.title(title)
	id, err := c.submit(ctx, prompt)
	if err != nil {
		return err
	}
	quiet := false // once interrupted: the number of further steps depends on timing
	for {
		e, err := c.next(ctx)
		if err != nil {
			return err
		}
		line := c.line(e)
		steps := e["type"] == "progress" || e["type"] == "progress_state" || e["type"] == "binary"
		if line != "" && (!quiet || !steps) {
			fmt.Fprintln(&c.out, line)
		}
		if on != nil && !quiet {
			if err := on(id, e); err != nil {
				return err
			}
			quiet = e["type"] == "progress"
		}
		if data, _ := e["data"].(map[string]any); e["type"] == "executing" && data["node"] == nil {
			break
		}
	}
	return c.get(ctx, "/history/"+id, "GET /history")
}

// submit posts a prompt, records the answer, and returns the prompt's id.
func (c *client) submit(ctx context.Context, prompt json.RawMessage) (string, error) {
	id := uuid.NewString()
	c.names[id] = fmt.Sprintf("P%d", len(c.names)+1)
	body := map[string]any{"prompt_id": id, "client_id": c.id, "extra_data": map[string]any{"note": "kept"}}
	if prompt != nil {
		body["prompt"] = prompt
	}
	got, err := c.call(ctx, http.MethodPost, "/prompt", body)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&c.out, "POST /prompt: %d %s\n", got.status, c.normal(got.body))
	return id, nil
}

func (c *client) post(ctx context.Context, route string, body any) error {
	got, err := c.call(ctx, http.MethodPost, route, body)
	if err == nil && got.status != http.StatusOK {
		err = fmt.Errorf("POST %s: status %d", route, got.status)
	}
	return err
}

func (c *client) get(ctx context.Context, route, title string) error {
	got, err := c.call(ctx, http.MethodGet, route, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(&c.out, "%s: %d %s\n", title, got.status, c.normal(got.body))
	return nil
}

// answer is a server's answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (c *client) call(ctx context.Context, method, route string, body any) (answer, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+c.addr+route, reader)
	if err != nil {
		return answer{}, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	read, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, read}, err
}

// next reads one message.
func (c *client) next(ctx context.Context) (map[string]any, error) {
	ctx, done := context.WithTimeout(ctx, 20*time.Second)
	defer done()
	kind, body, err := c.ws.Read(ctx)
	if err != nil {
		return nil, err
	}
	if kind == websocket.MessageBinary {
		if len(body) < 8 {
			return nil, errors.New("short binary message")
		}
		return map[string]any{"type": "binary", "event": binary.BigEndian.Uint32(body), "format": binary.BigEndian.Uint32(body[4:])}, nil
	}
	var e map[string]any
	err = decode(body, &e)
	return e, err
}
