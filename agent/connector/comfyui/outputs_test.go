package comfyui

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
	"github.com/emprops/machinectl/agent/connector/comfyui/comfytest"
	"github.com/emprops/machinectl/agent/connector/connectortest"
	"github.com/emprops/machinectl/queue"
)

// leave puts a file into one of a server's folders.
func leave(t *testing.T, dir, name string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(t, os.WriteFile(file, []byte("content of "+name), 0o644))
}

// TestNothingIsDropped: every output of a node is stored, returned or listed as missing.
func TestNothingIsDropped(t *testing.T) {
	for name, c := range map[string]struct {
		ui           string
		text, data   string // JSON of node 5's
		files        []string
		notCollected string // key: reason
		simulated    bool   // a real server takes a text apart into its letters
	}{
		"a text":                   {ui: `{"text": "a cat"}`, text: `["a cat"]`, simulated: true},
		"texts":                    {ui: `{"text": ["a", "b"]}`, text: `["a", "b"]`},
		"text with a number":       {ui: `{"text": ["a", 5]}`, data: `{"text": ["a", 5]}`},
		"under another key":        {ui: `{"string": ["a cat"]}`, data: `{"string": ["a cat"]}`},
		"tags":                     {ui: `{"tags": ["a", "b"], "text": ["c"]}`, data: `{"tags": ["a", "b"]}`, text: `["c"]`},
		"an object":                {ui: `{"stats": {"mean": 0.5, "n": [1, 2]}}`, data: `{"stats": {"mean": 0.5, "n": [1, 2]}}`, simulated: true},
		"a number":                 {ui: `{"value": 7, "yes": true}`, data: `{"value": 7, "yes": true}`, simulated: true},
		"a model's path":           {ui: `{"result": ["3D/x.glb", {"position": [1, 2]}, null]}`, data: `{"result": ["3D/x.glb", {"position": [1, 2]}, null]}`, files: []string{"3D-x.glb"}},
		"a model's path, and kind": {ui: `{"result": ["3D/x.glb [output]"]}`, data: `{"result": ["3D/x.glb [output]"]}`, files: []string{"3D-x.glb"}},
		"no such file":             {ui: `{"result": ["3D/none.glb"]}`, data: `{"result": ["3D/none.glb"]}`},
		"a file's name as text":    {ui: `{"text": ["3D/x.glb"]}`, text: `["3D/x.glb"]`},
		"no type":                  {ui: `{"images": [{"filename": "x.png", "subfolder": ""}]}`, files: []string{"x.png"}},
		"no subfolder":             {ui: `{"audio": [{"filename": "x.png", "type": "output"}]}`, files: []string{"x.png"}},
		"type is null":             {ui: `{"gifs": [{"filename": "x.png", "type": null, "subfolder": null}]}`, files: []string{"x.png"}},
		"folder in the name":       {ui: `{"3d": [{"filename": "3D/x.glb", "type": "output"}]}`, files: []string{"3D-x.glb"}},
		"a file deep inside":       {ui: `{"video": [{"clips": [{"filename": "x.png", "type": "output", "fps": NaN}]}]}`, files: []string{"x.png"}},
		"a file's frame rate":      {ui: `{"gifs": [{"filename": "x.png", "frame_rate": 8}]}`, files: []string{"x.png"}, data: `{"gifs": [{"filename": "x.png", "frame_rate": 8}]}`},
		"a file's caption":         {ui: `{"a": {"filename": "x.png", "note": "a cat"}}`, files: []string{"x.png"}, data: `{"a": {"filename": "x.png", "note": "a cat"}}`, simulated: true},
		"files and flags":          {ui: `{"images": [{"filename": "x.png", "type": "output"}], "animated": [true]}`, files: []string{"x.png"}, data: `{"animated": [true]}`},
		"a file not in a list":     {ui: `{"mesh": {"filename": "x.png"}}`, files: []string{"x.png"}, simulated: true},
		"one file twice":           {ui: `{"a": [{"filename": "x.png"}, {"filename": "x.png"}]}`, files: []string{"x.png"}},
		"an unknown type":          {ui: `{"images": [{"filename": "x.png", "type": "cloud"}]}`, notCollected: "images: ComfyUI refuses to serve the file x.png"},
		"outside":                  {ui: `{"images": [{"filename": "x.png", "subfolder": "../../etc"}]}`, notCollected: "images: ComfyUI refuses to serve the file x.png"},
		"an input file alone":      {ui: `{"images": [{"filename": "in.png", "type": "input"}]}`, files: []string{"in.png"}},
		"input beside output":      {ui: `{"a": [{"filename": "in.png", "type": "input"}], "b": [{"filename": "x.png"}]}`, files: []string{"x.png"}, notCollected: "a: files of type input"},
		"nothing":                  {ui: `{}`, notCollected: ": the output node produced nothing"},
		"empty lists":              {ui: `{"images": [], "text": []}`, notCollected: ": the output node produced nothing"},
		"null":                     {ui: `{"value": null}`, notCollected: ": the output node produced nothing", simulated: true},
		"huge":                     {ui: `{"text": ["` + strings.Repeat("x", 65<<10) + `"], "a": [1]}`, data: `{"a": [1]}`, notCollected: "text: too large"},
	} {
		t.Run(name, func(t *testing.T) {
			onServersWithFolders(t, func(t *testing.T, addr, dir string) {
				if c.simulated && strings.HasSuffix(t.Name(), "real") {
					t.Skip("skipped: a real server changes it")
				}
				leave(t, dir, "output/x.png")
				leave(t, dir, "output/3D/x.glb")
				leave(t, dir, "input/in.png")
				small := newConnector(t, addr)
				small.api.room.value = 64 << 10
				r, err := run(t, small, comfytest.Output(c.ui))
				require.NoError(t, err)
				got := dataOf(t, r)
				require.Equal(t, c.text, jsonOf(t, got.Text["5"]))
				requireSame(t, c.data, got.Data["5"])
				var names []string
				for _, b := range r.Blobs {
					names = append(names, b.Name)
				}
				require.Equal(t, c.files, names)
				if c.notCollected == "" {
					require.Empty(t, got.NotCollected)
					return
				}
				require.Len(t, got.NotCollected, 1)
				require.Equal(t, "5", got.NotCollected[0].Node)
				require.Equal(t, "SimulatedOutput", got.NotCollected[0].Class)
				require.Contains(t, got.NotCollected[0].Key+": "+got.NotCollected[0].Reason, c.notCollected)
			})
		})
	}
}

func jsonOf(t *testing.T, texts []string) string {
	t.Helper()
	if texts == nil {
		return ""
	}
	quoted := make([]string, 0, len(texts))
	for _, s := range texts {
		quoted = append(quoted, fmt.Sprintf("%q", s))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

func requireSame(t *testing.T, want string, got map[string]json.RawMessage) {
	t.Helper()
	if want == "" {
		require.Empty(t, got)
		return
	}
	text, err := json.Marshal(got)
	require.NoError(t, err)
	require.JSONEq(t, want, string(text))
}

// TestLeftOutIsNamed: previews beside output files.
func TestLeftOutIsNamed(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		r, err := run(t, newConnector(t, addr), comfytest.Batch(color()))
		require.NoError(t, err)
		require.Len(t, r.Blobs, 3)
		got := dataOf(t, r)
		require.Len(t, got.NotCollected, 1)
		require.Equal(t, "4", got.NotCollected[0].Node)
		require.Equal(t, "images", got.NotCollected[0].Key)
	})
}

// TestMuchIsStored: data that is too large for the queue goes into a file, with the list of missing outputs.
func TestMuchIsStored(t *testing.T) {
	s := simulated(t, comfysim.Options{})
	words := strings.Repeat(`"word", `, 10000)
	r, err := run(t, newConnector(t, s.Addr()), comfytest.Output(`{"tags": [`+words+`"end"], "images": [{"filename": "x", "type": "cloud"}]}`))
	require.NoError(t, err)
	require.LessOrEqual(t, len(r.Data), queue.MaxInlineResult)
	require.Len(t, r.Blobs, 1)
	require.Equal(t, "data.json", r.Blobs[0].Name)
	content, err := os.ReadFile(strings.TrimPrefix(r.Blobs[0].URL, "file://"))
	require.NoError(t, err)
	stored := dataOf(t, queue.Result{Data: content})
	require.Contains(t, string(stored.Data["5"]["tags"]), `"end"`)
	require.Len(t, dataOf(t, r).NotCollected, 1)

	var gaps strings.Builder
	for i := range 400 {
		fmt.Fprintf(&gaps, `"key%d": [{"filename": "x%d", "type": "cloud"}], `, i, i)
	}
	r, err = run(t, newConnector(t, s.Addr()), comfytest.Output(`{`+gaps.String()+`"end": []}`))
	require.NoError(t, err)
	require.LessOrEqual(t, len(r.Data), queue.MaxInlineResult)
	require.Contains(t, string(r.Data), "400 outputs")
}

// TestImagesOverTheSocket: a node that sends its images and has no file.
func TestImagesOverTheSocket(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		for range 2 {
			r, err := run(t, newConnector(t, addr), comfytest.Websocket(color(), 3))
			require.NoError(t, err)
			require.Len(t, r.Blobs, 3)
			require.Empty(t, dataOf(t, r).NotCollected)
			for i, b := range r.Blobs {
				require.Equal(t, fmt.Sprintf("SaveImageWebsocket_2_%05d.png", i+1), b.Name)
				require.Equal(t, "image/png", b.ContentType)
				requirePNG(t, b, 64, 32)
			}
		}
		previews, err := run(t, newConnector(t, addr), comfytest.Steps(color(), 3, 0.01, "no"))
		require.NoError(t, err)
		require.Len(t, previews.Blobs, 1, "previews are not part of the result")
	})
}

// TestImagesAreMissed: the WebSocket was not connected when they were sent.
func TestImagesAreMissed(t *testing.T) {
	s := simulated(t, comfysim.Options{})
	_, err := run(t, quick(newConnector(t, startProxy(t, s.Addr()))), comfytest.Websocket(color(), 1))
	f := connector.Describe(err)
	require.Equal(t, connector.OutputMissing, f.Code)
	require.Contains(t, f.Message, "SaveImageWebsocket (node 2)")
	require.True(t, f.Retriable)
}

// TestBinaryMessages: those of other kinds and broken ones.
func TestBinaryMessages(t *testing.T) {
	message := func(event, rest uint32, more ...string) string {
		b := binary.BigEndian.AppendUint32(nil, event)
		return string(binary.BigEndian.AppendUint32(b, rest)) + strings.Join(more, "")
	}
	origin := `{"node_id": "7", "prompt_id": "p", "x": NaN, "image_type": "image/jpeg"}`
	i := newImages(func(id string) bool { return id == "7" }, newConnector(t, "127.0.0.1:1").log)
	defer i.clean()
	i.observe(event{kind: "executing", node: "7"})
	for _, m := range []string{
		"", "abc", message(3, 1, "7 some text"), message(2, 1, "x"), message(99, 1, "x"), message(4, 1<<30, "x"), message(4, 5, "abc"), message(1, 2),
	} {
		i.take(strings.NewReader(m))
	}
	require.Empty(t, i.kept)
	i.take(strings.NewReader(message(1, 2, "\x89PNG\r\n\x1a\nmore")))
	i.take(strings.NewReader(message(1, 1, "RIFF1234WEBPVP8 ")))
	i.observe(event{kind: "executing", node: "8"})
	i.take(strings.NewReader(message(1, 2, "\x89PNG of another node")))
	i.take(strings.NewReader(message(4, uint32(len(origin)), origin, "\xff\xd8\xff of node 7")))
	var kinds []string
	for _, k := range i.kept["7"] {
		kinds = append(kinds, k.kind)
	}
	require.Equal(t, []string{"image/png", "image/webp", "image/jpeg"}, kinds)
	require.Len(t, i.kept, 1)
}

// TestFileOfCachedResultIsGone: the same workflow again, after the output folder was cleaned up, is computed again.
func TestFileOfCachedResultIsGone(t *testing.T) {
	onServersWithFolders(t, func(t *testing.T, addr, dir string) {
		for name, workflow := range map[string]json.RawMessage{
			"one":                        comfytest.Image(color()),
			"several":                    comfytest.Files(color()),
			"below what is computed now": comfytest.Steps(color(), 2, 0.01, "no"),
			"a preview":                  comfytest.Preview(color()),
		} {
			c := newConnector(t, addr)
			first, err := run(t, c, workflow)
			require.NoError(t, err, name)
			for _, folder := range []string{"output", "temp"} {
				require.NoError(t, os.RemoveAll(filepath.Join(dir, folder)))
				require.NoError(t, os.MkdirAll(filepath.Join(dir, folder), 0o755))
			}
			best := 0.0
			second, err := c.Run(t.Context(), connectortest.Attempt(t, "comfyui", job(workflow), func(p queue.Progress) {
				require.GreaterOrEqual(t, p.Value, best, "progress went back")
				best = p.Value
			}))
			require.NoError(t, err, name)
			require.Len(t, second.Blobs, len(first.Blobs), name)
			for i := range second.Blobs {
				require.Equal(t, first.Blobs[i].SHA256, second.Blobs[i].SHA256, name)
				require.Equal(t, strings.Contains(first.Blobs[i].Name, "-2."), strings.Contains(second.Blobs[i].Name, "-2."), "stored twice: %s", second.Blobs[i].Name)
			}
			requireIdle(t, addr)
		}
	})
}

// TestFileWasNeverThere: recomputing does not help, and ends.
func TestFileWasNeverThere(t *testing.T) {
	onServers(t, func(t *testing.T, addr string) {
		_, err := run(t, newConnector(t, addr), comfytest.Output(`{"images": [{"filename": "never.png"}]}`))
		f := connector.Describe(err)
		require.Equal(t, connector.OutputMissing, f.Code)
		require.Contains(t, f.Message, "never.png")
		require.Contains(t, f.Message, "after recomputing")
		require.True(t, f.Retriable, "another machine may have the file")
	})
}

// TestFilesAreNotServed: the server lists a file and doesn't deliver it. The code is the fault's, not that of a missing file.
func TestFilesAreNotServed(t *testing.T) {
	for name, c := range map[string]struct {
		serve   http.HandlerFunc
		code    string
		message string
	}{
		"status 500":         {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) }, connector.Protocol, "status 500"},
		"a gateway's status": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, connector.ServiceUnreachable, "status 502"},
		"cut at once":        {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, connector.ServiceUnreachable, "cannot fetch"},
		"cut in the middle": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(make([]byte, 500))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, connector.ServiceUnreachable, "the download of"},
		"gone": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusNotFound) }, connector.OutputMissing, "after recomputing"},
	} {
		t.Run(name, func(t *testing.T) {
			s := simulated(t, comfysim.Options{})
			pass := proxyTo(t, s.Addr(), nil)
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/view" && r.Method == http.MethodGet {
					c.serve(w, r)
					return
				}
				pass.ServeHTTP(w, r)
			}))
			t.Cleanup(front.Close)
			_, err := run(t, quick(newConnector(t, front.Listener.Addr().String())), comfytest.Image(color()))
			f := connector.Describe(err)
			require.Equal(t, c.code, f.Code, f.Message)
			require.Contains(t, f.Message, c.message)
			require.True(t, f.Retriable)
		})
	}
}

// TestImagesBeyondTheLimit: an image that doesn't fit is left out, not cut, and smaller ones are still kept.
func TestImagesBeyondTheLimit(t *testing.T) {
	i := newImages(func(string) bool { return true }, slog.New(slog.DiscardHandler))
	defer i.clean()
	i.max = 3000
	i.observe(event{kind: "executing", node: "7"})
	for _, size := range []int{1000, 2001, 1500, 501, 500, 1} {
		i.take(strings.NewReader("\x00\x00\x00\x01\x00\x00\x00\x02" + strings.Repeat("x", size)))
	}
	kept, dropped := i.from("7")
	var sizes []int64
	for _, k := range kept {
		info, err := os.Stat(k.path)
		require.NoError(t, err)
		sizes = append(sizes, info.Size())
	}
	require.Equal(t, []int64{1000, 1500, 500}, sizes)
	require.Equal(t, 3, dropped)
}

// TestImageStalls: while an image's bytes fail to come, nobody else waits for them.
func TestImageStalls(t *testing.T) {
	i := newImages(func(string) bool { return true }, slog.New(slog.DiscardHandler))
	r, w := io.Pipe()
	taken := make(chan struct{})
	go func() {
		defer close(taken)
		i.take(r)
	}()
	_, err := w.Write([]byte("\x00\x00\x00\x01\x00\x00\x00\x02begin")) // returns when it has been read
	require.NoError(t, err)
	asked := make(chan bool, 1)
	go func() {
		i.miss()
		asked <- i.lost()
	}()
	select {
	case lost := <-asked:
		require.True(t, lost)
	case <-time.After(30 * time.Second):
		t.Error("waits for the image")
	}
	require.NoError(t, w.CloseWithError(errors.New("cut")))
	<-taken
	i.clean()
	_, dropped := i.from("")
	require.Equal(t, 1, dropped)
}
