package comfyui

import (
	"encoding/json"
	"fmt"
	"image/png"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
	"github.com/emprops/machinectl/agent/connector/connectortest"
	"github.com/emprops/machinectl/agent/foreign"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/queue"
)

// colors makes workflows differ from all others: each server starts without a cache.
var colors atomic.Int64

func color() int { return int(colors.Add(1)) }

// onServers runs a test against a simulated server and, where there is one, a real one.
func onServers(t *testing.T, test func(t *testing.T, addr string)) {
	onServersWithFolders(t, func(t *testing.T, addr, _ string) { test(t, addr) })
}

// onServersWithFolders is the same for tests that change the files which a server has made.
func onServersWithFolders(t *testing.T, test func(t *testing.T, addr, dir string)) {
	t.Run("simulated", func(t *testing.T) {
		dir := t.TempDir()
		s, err := comfysim.Start(comfysim.Options{Dir: dir})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, s.Close()) })
		test(t, s.Addr(), dir)
	})
	t.Run("real", func(t *testing.T) {
		r := realServer(t)
		test(t, r.addr, r.dir)
	})
}

func simulated(t *testing.T, o comfysim.Options) *comfysim.Server {
	o.Dir = t.TempDir()
	s, err := comfysim.Start(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func newConnector(t *testing.T, addr string) *Connector {
	c, err := New(connector.Config{Worker: manifest.Worker{Name: "w"}, Addr: addr, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	made, ok := c.(*Connector)
	require.True(t, ok)
	t.Cleanup(made.api.http.CloseIdleConnections)
	return made
}

func job(workflow json.RawMessage) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"workflow": %s}`, workflow))
}

func TestConformance(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		connectortest.Run(t, connectortest.Subject{
			Type:  "comfyui",
			New:   func(t *testing.T) connector.Connector { return newConnector(t, addr) },
			Quick: func() json.RawMessage { return job(comfytest.Steps(color(), 3, 0.01, "no")) },
			Slow:  func() json.RawMessage { return job(comfytest.Steps(color(), 4000, 0.02, "no")) },
			Wrong: wrong(),
			Idle:  func(t *testing.T) { requireIdle(t, addr) },
		})
	})
}

func wrong() map[string]connectortest.Wrong {
	cases := map[string]connectortest.Wrong{
		"nothing":       connectortest.Refused(``, connector.InvalidParameters, "parameters.workflow: missing"),
		"null":          connectortest.Refused(`{"workflow": null}`, connector.InvalidParameters, "missing"),
		"unknown field": connectortest.Refused(`{"workflows": {}}`, connector.InvalidParameters, "workflows"),
		"empty":         connectortest.Refused(`{"workflow": {}}`, connector.InvalidParameters, "no nodes"),
		"a list":        connectortest.Refused(`{"workflow": []}`, connector.InvalidParameters, "want a JSON object"),
		"not a node":    connectortest.Refused(`{"workflow": {"1": 5}}`, connector.InvalidParameters, `workflow["1"]`),
		"no class":      connectortest.Refused(`{"workflow": {"1": {"inputs": {}}}}`, connector.InvalidParameters, "class_type"),
		"no inputs":     connectortest.Refused(`{"workflow": {"1": {"class_type": "X"}}}`, connector.InvalidParameters, "inputs"),
		"a request":     connectortest.Refused(`{"workflow": {"prompt": {}, "client_id": "x"}}`, connector.InvalidParameters, `"prompt"`),
		"extra_data":    connectortest.Refused(`{"workflow": {"1": {"class_type": "X", "inputs": {}}}, "extra_data": 5}`, connector.InvalidParameters, "extra_data"),
		"of the editor": connectortest.Refused(
			`{"workflow": {"last_node_id": 2, "nodes": [{"id": 1, "type": "EmptyImage"}], "links": [], "version": 0.4}}`,
			connector.UnsupportedWorkflow, "Export (API)",
		),
		"in part": connectortest.Refused(string(job(comfytest.Partly(1))), connector.Rejected, "SaveImage (node 3): Required input is missing: images"),
	}
	messages := map[string]string{
		"unknown class": "NoSuchNode does not exist", "no outputs": "no outputs", "missing input": "SaveImage (node 2)", "too large": "ImageScale (node 2): Value 99999",
		"too small": "smaller than min", "not a number": "ImageScale (node 2)", "not in the list": "upscale_method: 'magic'", "bad link": "length-2 list",
		"wrong type": "mismatch",
	}
	for name, workflow := range comfytest.Wrong() {
		if message, ok := messages[name]; ok {
			cases["server: "+name] = connectortest.Wrong{Parameters: string(job(workflow)), Code: connector.Rejected, Message: message}
		}
	}
	return cases
}

// requireIdle waits until the server has nothing queued and nothing running.
func requireIdle(t *testing.T, addr string) {
	t.Helper()
	idle := func() bool {
		resp, err := http.Get("http://" + addr + "/prompt")
		if err != nil {
			return false
		}
		defer resp.Body.Close()
		var info struct {
			ExecInfo struct {
				Remaining int `json:"queue_remaining"`
			} `json:"exec_info"`
		}
		return json.NewDecoder(resp.Body).Decode(&info) == nil && info.ExecInfo.Remaining == 0
	}
	require.Eventually(t, idle, time.Minute, 20*time.Millisecond, "the server goes on working")
}

func TestImageArrives(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		c, workflow := newConnector(t, addr), comfytest.Image(color())
		for _, round := range []string{"new", "cached"} {
			var last queue.Progress
			r, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(workflow), func(p queue.Progress) { last = p }))
			require.NoError(t, err, round)
			require.Len(t, r.Blobs, 1)
			require.Equal(t, "image/png", r.Blobs[0].ContentType)
			require.True(t, strings.HasPrefix(r.Blobs[0].Name, "test_0"), r.Blobs[0].Name)
			requirePNG(t, r.Blobs[0], 64, 32)
			require.InDelta(t, last.Max, last.Value, 0)
		}
	})
}

func requirePNG(t *testing.T, b queue.Blob, width, height int) {
	t.Helper()
	u, err := url.Parse(b.URL)
	require.NoError(t, err)
	f, err := os.Open(u.Path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	require.Equal(t, width, img.Bounds().Dx())
	require.Equal(t, height, img.Bounds().Dy())
}

func TestOutputs(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		c := newConnector(t, addr)
		run := func(w json.RawMessage) queue.Result {
			r, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(w), nil))
			require.NoError(t, err)
			return r
		}
		require.Len(t, run(comfytest.Batch(color())).Blobs, 3, "previews are left out where there are outputs")
		preview := run(comfytest.Preview(color()))
		require.Len(t, preview.Blobs, 1)
		require.Contains(t, preview.Blobs[0].Name, "ComfyUI_temp_")
		word := fmt.Sprint("word ", color())
		require.Equal(t, map[string][]string{"3": {word}}, dataOf(t, run(comfytest.Text(word))).Text)
		long := run(comfytest.Text(strings.Repeat(word, 10000)))
		require.Len(t, long.Blobs, 1)
		require.Equal(t, "data.json", long.Blobs[0].Name)
		sub := run(comfytest.Steps(color(), 1, 0, "no"))
		require.True(t, strings.HasPrefix(sub.Blobs[0].Name, "sub-steps_"), sub.Blobs[0].Name)
	})
}

func TestNodeFailures(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		for kind, want := range map[string]queue.Failure{
			"error":  {Code: connector.NodeError, Retriable: true, Message: `SimulatedSteps "Dream" (node 2) raised RuntimeError: asked to fail`},
			"memory": {Code: connector.OutOfMemory, Retriable: true, Message: "torch.OutOfMemoryError"},
		} {
			_, err := newConnector(t, addr).Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Steps(color(), 1, 0, kind)), nil))
			f := connector.Describe(err)
			require.Equal(t, want.Code, f.Code)
			require.Equal(t, want.Retriable, f.Retriable)
			require.Contains(t, f.Message, want.Message)
		}
	})
}

// TestInterruptedByAnotherClient: cancel is pressed in ComfyUI's own page.
func TestInterruptedByAnotherClient(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		c := newConnector(t, addr)
		var once atomic.Bool
		a := connectortest.Attempt(t, "comfyui", job(comfytest.Steps(color(), 4000, 0.02, "no")), func(p queue.Progress) {
			if p.Value > 1 && once.CompareAndSwap(false, true) {
				resp, err := c.api.do(t.Context(), http.MethodPost, "/interrupt", nil, nil)
				if err == nil {
					_ = resp.Body.Close()
				}
			}
		})
		_, err := c.Run(t.Context(), a)
		require.Equal(t, connector.Interrupted, connector.Describe(err).Code)
	})
}

func TestHistoryIsLeftClean(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		c := newConnector(t, addr)
		for _, keep := range []bool{false, true} {
			c.keepHistory = keep
			before := history(t, c)
			_, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(comfytest.Image(color())), nil))
			require.NoError(t, err)
			require.Equal(t, keep, history(t, c) == before+1)
		}
	})
}

// history counts the server's records.
func history(t *testing.T, c *Connector) (n int) {
	resp, err := c.api.do(t.Context(), http.MethodGet, "/history", nil, nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	s := foreign.NewScanner(resp.Body)
	for range s.Fields() {
		n++
	}
	require.NoError(t, s.Err())
	return n
}

func TestSettings(t *testing.T) {
	for _, c := range []connector.Config{
		{Worker: manifest.Worker{Name: "w"}},
		{Worker: manifest.Worker{Name: "w", Settings: map[string]string{"keep_history": "often"}}, Addr: "127.0.0.1:1"},
		{Worker: manifest.Worker{Name: "w", Settings: map[string]string{"keep": "true"}}, Addr: "127.0.0.1:1"},
	} {
		_, err := New(c)
		require.ErrorContains(t, err, `worker "w"`)
	}
}
