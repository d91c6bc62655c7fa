package api_test

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/queue"
)

// stream reads server-sent events as "event id" lines, comments as ": text".
type stream struct {
	t    *testing.T
	resp *http.Response
	sc   *bufio.Scanner
}

func (v *site) stream(path string, header ...string) *stream {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	v.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+path, nil)
	require.NoError(v.t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := v.client.Do(req)
	require.NoError(v.t, err)
	v.t.Cleanup(func() { _ = resp.Body.Close() })
	require.Equal(v.t, http.StatusOK, resp.StatusCode)
	require.Equal(v.t, "text/event-stream", resp.Header.Get("Content-Type"))
	return &stream{t: v.t, resp: resp, sc: bufio.NewScanner(resp.Body)}
}

// next returns the kind and id of the next event, or the comment; empty at the end.
func (s *stream) next() (kind, id string) {
	for s.sc.Scan() {
		line := s.sc.Text()
		switch {
		case strings.HasPrefix(line, "id: "):
			id = line[4:]
		case strings.HasPrefix(line, "event: "):
			kind = line[7:]
		case strings.HasPrefix(line, ": "):
			return line, ""
		case line == "" && kind != "":
			return kind, id
		}
	}
	return "", ""
}

func (s *stream) rest() (kinds []string) {
	for {
		kind, _ := s.next()
		if kind == "" {
			return kinds
		}
		if !strings.HasPrefix(kind, ":") {
			kinds = append(kinds, kind)
		}
	}
}

func TestEvents(t *testing.T) {
	v := start(t, nil)
	w := v.worker()
	id := v.submit(`{"type": "simulation"}`)
	s := v.stream("/v1/jobs/" + id + "/events")
	kind, first := s.next()
	require.Equal(t, "submitted", kind)
	c := v.claim(w)
	kind, second := s.next()
	require.Equal(t, "claimed", kind)
	require.NoError(t, v.queue.Progress(t.Context(), c.Lease, queue.Progress{Value: 1, Max: 2}))
	require.NoError(t, v.queue.Complete(t.Context(), c.Lease, queue.Result{}))
	require.Equal(t, []string{"progress", "completed", "end"}, s.rest())

	require.Equal(t, []string{"claimed", "progress", "completed", "end"}, v.stream("/v1/jobs/"+id+"/events?after="+first).rest())
	require.NotContains(t, v.stream("/v1/jobs/"+id+"/events", "Last-Event-ID", second).rest(), "claimed")
}

func TestStreamsAreBoundedAndEndWithTheServer(t *testing.T) {
	v := start(t, func(o *api.Options) { o.MaxStreams, o.StreamBeat = 1, 20*time.Millisecond })
	id := v.submit(`{"type": "simulation"}`)
	s := v.stream("/v1/jobs/" + id + "/events")
	s.next()
	status, out := v.do("GET", "/v1/jobs/"+id+"/events", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, "too_many_streams", out["code"])
	comment, _ := s.next()
	require.Equal(t, ": still here", comment)

	began := time.Now()
	require.NoError(t, v.server.Stop(t.Context()))
	require.Less(t, time.Since(began), 20*time.Second)
	last := ""
	for kind, _ := s.next(); kind != ""; kind, _ = s.next() {
		last = kind
	}
	require.Equal(t, ": the dispatcher is stopping, come back", last)
}

func TestRedisAway(t *testing.T) {
	v := start(t, nil)
	id := v.submit(`{"type": "simulation"}`)
	v.redis.Kill()
	for _, path := range []string{"/v1/jobs/" + id, "/v1/jobs", "/v1/machines", "/v1/jobs/" + id + "/events", "/v1/jobs/" + id + "/explain"} {
		resp, body := v.raw("GET", path, "")
		require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode, "%s: %s", path, body)
		require.Equal(t, "2", resp.Header.Get("Retry-After"))
	}
	status, out := v.do("GET", "/readyz", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	require.Equal(t, false, out["ready"])
	status, _ = v.do("GET", "/healthz", "")
	require.Equal(t, http.StatusOK, status)
	_, body := v.raw("GET", "/metrics", "")
	require.Contains(t, string(body), `machinectl_up{backend="redis"} 0`)
	v.redis.Start()
	require.Eventually(t, func() bool { s, _ := v.do("GET", "/v1/jobs/"+id, ""); return s == http.StatusOK }, time.Minute, 50*time.Millisecond)
	_, body = v.raw("GET", "/metrics", "")
	require.Contains(t, string(body), `machinectl_jobs{state="waiting",type="simulation"} 1`)
	require.Contains(t, string(body), `machinectl_http_request_duration_seconds_count{code="200",method="GET",route="/v1/jobs/:id"}`)
	require.Contains(t, string(body), `machinectl_pool_machines{pool="global/default/standard",state="ready"} 1`)
}

func TestBlobs(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "blobs")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "a"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "a", "x.png"), []byte("0123456789"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(filepath.Join(dir, "secret"), filepath.Join(root, "link")))
	v := start(t, func(o *api.Options) { o.BlobRoot = root })
	w := v.worker()
	id := v.submit(`{"type": "simulation"}`)
	var blobs []queue.Blob
	for name, url := range map[string]string{
		"x.png": "file://" + root + "/a/x.png", "odd %2F name.png": "file://" + root + "/a/x.png",
		"up": "file://" + root + "/../secret", "link": "file://" + root + "/link", "gone": "file://" + root + "/gone",
		"far": "s3://bucket/x.png", "folder": "file://" + root + "/a", "out": "file://" + dir + "/secret", "host": "file://host" + root + "/a/x.png",
	} {
		blobs = append(blobs, queue.Blob{Name: name, URL: url, ContentType: "image/png", Size: 10})
	}
	require.NoError(t, v.queue.Complete(t.Context(), v.claim(w).Lease, queue.Result{Blobs: blobs}))

	base := "/v1/jobs/" + id + "/blobs/"
	resp, body := v.raw("GET", base+"x.png", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "0123456789", string(body))
	require.Equal(t, "image/png", resp.Header.Get("Content-Type"))
	require.Equal(t, "nosniff", resp.Header.Get("X-Content-Type-Options"))
	resp, body = v.raw("GET", base+"x.png", "", "Range", "bytes=2-4")
	require.Equal(t, http.StatusPartialContent, resp.StatusCode)
	require.Equal(t, "234", string(body))
	resp, _ = v.raw("GET", base+"odd%20%252F%20name.png", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	resp, _ = v.raw("GET", base+"odd%20%252F%20name%2Epng", "")
	require.Equal(t, http.StatusOK, resp.StatusCode, "escaped in another way")
	for _, name := range []string{"up", "link", "gone", "far", "folder", "out", "host", "none"} {
		resp, body := v.raw("GET", base+name, "")
		require.Equal(t, http.StatusNotFound, resp.StatusCode, "%s: %s", name, body)
		require.NotContains(t, string(body), "0123")
	}
	_, out := v.do("GET", base+"far", "")
	require.Contains(t, out["detail"], "fetch it from s3://bucket/x.png")
}

// The folder is created by the agent that stores the first file, which may be after the dispatcher started.
func TestABlobFolderThatComesLater(t *testing.T) {
	root := filepath.Join(t.TempDir(), "blobs")
	v := start(t, func(o *api.Options) { o.BlobRoot = root })
	w := v.worker()
	id := v.submit(`{"type": "simulation"}`)
	blob := queue.Blob{Name: "x", URL: "file://" + root + "/x", Size: 1}
	require.NoError(t, v.queue.Complete(t.Context(), v.claim(w).Lease, queue.Result{Blobs: []queue.Blob{blob}}))
	status, out := v.do("GET", "/v1/jobs/"+id+"/blobs/x", "")
	require.Equal(t, http.StatusNotFound, status)
	require.Contains(t, out["detail"], "is not in the store")
	require.NoDirExists(t, root, "reading makes nothing")
	require.NoError(t, os.Mkdir(root, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "x"), []byte("1"), 0o600))
	resp, body := v.raw("GET", "/v1/jobs/"+id+"/blobs/x", "")
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "1", string(body))

	_, err := api.New(api.Options{Listen: "127.0.0.1:0", Queue: v.queue, Pools: v.pools, Access: v.access, BlobRoot: filepath.Join(root, "x")})
	require.ErrorContains(t, err, "is a file: name the folder")
}

// A job that Redis has lost has no more events: its clients are told so, and don't reconnect forever.
func TestTheStreamOfALostJobEnds(t *testing.T) {
	v := start(t, nil)
	id := v.submit(`{"type": "simulation"}`)
	s := v.stream("/v1/jobs/" + id + "/events")
	kind, first := s.next()
	require.Equal(t, "submitted", kind)
	require.NoError(t, v.redis.Flush())
	require.Equal(t, []string{"end"}, s.rest())
	status, _ := v.do("GET", "/v1/jobs/"+id+"/events?after="+first, "")
	require.Equal(t, http.StatusNotFound, status)
}
