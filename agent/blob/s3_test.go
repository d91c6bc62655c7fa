package blob

import (
	"bytes"
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/agent/connector"
)

// s3Server implements the part of S3 that an upload needs. It checks no signatures.
type s3Server struct {
	mu      sync.Mutex
	objects map[string][]byte
	kinds   map[string]string
	parts   map[string]map[int][]byte
	aborted int
	refuse  bool
	status  int // of refusals, and their code; default 403 AccessDenied
	code    string
}

func startS3(t *testing.T) (*s3Server, string) {
	s := &s3Server{objects: map[string][]byte{}, kinds: map[string]string{}, parts: map[string]map[int][]byte{}}
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	return s, web.URL
}

func (s *s3Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, q := r.URL.Path, r.URL.Query()
	body, err := io.ReadAll(r.Body)
	if err != nil || s.refuse || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=id/") {
		status, code := http.StatusForbidden, "AccessDenied"
		if s.code != "" {
			status, code = s.status, s.code
		}
		http.Error(w, "<Error><Code>"+code+"</Code><Message>no</Message></Error>", status)
		return
	}
	switch {
	case r.Method == http.MethodPost && q.Has("uploads"):
		s.parts[key] = map[int][]byte{}
		s.kinds[key] = r.Header.Get("Content-Type")
		fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>")
	case r.Method == http.MethodPut && q.Has("partNumber"):
		n, err := strconv.Atoi(q.Get("partNumber"))
		if err != nil {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		s.parts[key][n] = body
		w.Header().Set("ETag", fmt.Sprintf(`"%d"`, n))
	case r.Method == http.MethodPost && q.Has("uploadId"):
		var done struct {
			Part []struct {
				PartNumber int `xml:"PartNumber"`
			} `xml:"Part"`
		}
		if xml.Unmarshal(body, &done) != nil {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		for _, p := range done.Part {
			s.objects[key] = append(s.objects[key], s.parts[key][p.PartNumber]...)
		}
		fmt.Fprint(w, "<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
	case r.Method == http.MethodPut:
		s.objects[key], s.kinds[key] = body, r.Header.Get("Content-Type")
	case r.Method == http.MethodDelete:
		s.aborted++
		w.WriteHeader(http.StatusNoContent)
	}
}

func TestS3(t *testing.T) {
	server, endpoint := startS3(t)
	s, err := Open(t.Context(), "s3://results/team/a?region=eu-central-1&path_style=true&endpoint="+endpoint)
	require.NoError(t, err)
	files := s.Attempt("job-1", 2)
	small, err := files.Store(t.Context(), "small.png", "image/png", strings.NewReader("picture"))
	require.NoError(t, err)
	require.Equal(t, "s3://results/team/a/job-1/2/small.png", small.URL)
	require.Equal(t, "picture", string(server.objects["/results/team/a/job-1/2/small.png"]))
	require.Equal(t, "image/png", server.kinds["/results/team/a/job-1/2/small.png"])

	content := make([]byte, 2*partSize+1234)
	_, _ = rand.Read(content)
	large, err := files.Store(t.Context(), "large.mp4", "video/mp4", io.MultiReader(bytes.NewReader(content)))
	require.NoError(t, err)
	require.Equal(t, int64(len(content)), large.Size)
	require.True(t, bytes.Equal(content, server.objects["/results/team/a/job-1/2/large.mp4"]), "the parts came together wrong")
	require.Len(t, server.parts["/results/team/a/job-1/2/large.mp4"], 3)
}

func TestS3Fails(t *testing.T) {
	server, endpoint := startS3(t)
	s, err := Open(t.Context(), "s3://results?region=x&path_style=true&endpoint="+endpoint)
	require.NoError(t, err)
	broken := fmt.Errorf("the source broke")
	_, err = s.Attempt("j", 1).Store(t.Context(), "a", "", io.MultiReader(bytes.NewReader(make([]byte, partSize+1)), failing{broken}))
	require.Equal(t, broken, err)
	require.Empty(t, server.objects)

	server.refuse = true
	_, err = s.Attempt("j", 1).Store(t.Context(), "a", "", strings.NewReader("x"))
	f := connector.Describe(err)
	require.Equal(t, connector.Store, f.Code)
	require.Contains(t, f.Message, "AccessDenied")
}

// TestS3Unreachable checks that the failure names the server and the fault, without texts of the S3 library.
func TestS3Unreachable(t *testing.T) {
	_, _ = startS3(t) // sets the credentials
	s, err := Open(t.Context(), "s3://results?region=x&path_style=true&endpoint=http://127.0.0.1:1")
	require.NoError(t, err)
	_, err = s.Attempt("j", 1).Store(t.Context(), "a", "", strings.NewReader("x"))
	f := connector.Describe(err)
	require.Equal(t, "cannot write j/1/a: 127.0.0.1:1: connection refused", f.Message)
	require.True(t, f.Retriable)
}

// TestS3Refuses: a refusal that another attempt would get too is final.
func TestS3Refuses(t *testing.T) {
	server, endpoint := startS3(t)
	server.refuse = true
	s, err := Open(t.Context(), "s3://results?region=x&path_style=true&endpoint="+endpoint)
	require.NoError(t, err)
	for _, c := range []struct {
		status    int
		code      string
		retriable bool
	}{
		{403, "AccessDenied", false},
		{403, "InvalidAccessKeyId", false},
		{403, "SignatureDoesNotMatch", false},
		{404, "NoSuchBucket", false},
		{400, "EntityTooLarge", false},
		{301, "PermanentRedirect", false},
		{405, "MethodNotAllowed", false},
		{403, "RequestTimeTooSkewed", true},
		{400, "ExpiredToken", true},
		{500, "InternalError", true},
		{503, "SlowDown", true},
		{409, "OperationAborted", true},
		{429, "TooManyRequests", true},
	} {
		server.status, server.code = c.status, c.code
		for name, content := range map[string]io.Reader{"small": strings.NewReader("x"), "large": bytes.NewReader(make([]byte, partSize+1))} {
			_, err = s.Attempt("j", 1).Store(t.Context(), "a", "", content)
			f := connector.Describe(err)
			require.Equal(t, connector.Store, f.Code)
			require.Equal(t, c.retriable, f.Retriable, "%s %s: %s", c.code, name, f.Message)
			require.Contains(t, f.Message, c.code, name)
			require.NotRegexp(t, `operation error|https response error|RequestID`, f.Message)
		}
	}
}
