package nettext_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/nettext"
)

// goText is what Go's packages call their errors and types.
var goText = regexp.MustCompile(`dial tcp|lookup |connect:|\bEOF\b|net/http|\bhttp: |json: |x509|tls: |invalid character|Get "|of type|\*`)

// TestReasonOfRequests checks that no failed HTTP request is reported in the words of Go's packages, against real servers.
func TestReasonOfRequests(t *testing.T) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/page":
			_, _ = w.Write([]byte("<html>")) // the client sees what went wrong
		case "/other":
			_, _ = w.Write([]byte(`"text"`))
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/slow":
			<-r.Context().Done()
		case "/short":
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{`))
		}
	}))
	t.Cleanup(web.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	for _, tc := range []struct{ url, want string }{
		{"http://127.0.0.1:1", "connection refused"},
		{"http://nomad.invalid", `the host "nomad.invalid" is not known`},
		{talk(t, ""), "it closed the connection before its answer was complete"},
		{talk(t, "SSH-2.0-x\r\n"), "it does not speak HTTP"},
		{strings.Replace(web.URL, "http:", "https:", 1), "it speaks HTTP, not HTTPS: write http:// in its URL"},
		{secure.URL, "its certificate is not trusted: certificate signed by unknown authority"},
		{"127.0.0.1:1", "its URL is not complete: write http:// or https:// before the host"},
		{"ftp://127.0.0.1", "its URL is not complete: write http:// or https:// before the host"},
		{web.URL + "/page", "it answers with something else than the expected JSON: another program listens there"},
		{web.URL + "/other", "it answers with something else than the expected JSON: another program listens there"},
		{web.URL + "/short", "it closed the connection before its answer was complete"},
		{web.URL + "/loop", "it redirects in a circle"},
		{web.URL + "/slow", "the request timed out"},
	} {
		t.Run(tc.url, func(t *testing.T) {
			err := fetch(tc.url)
			require.Error(t, err)
			require.Equal(t, tc.want, nettext.Reason(err))
			require.NotRegexp(t, goText, nettext.Reason(err))
		})
	}
}

// TestReason checks the words for the errors of all kinds of connections.
func TestReason(t *testing.T) {
	dial := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for want, err := range map[string]error{
		"connection refused":       dial(&os.SyscallError{Syscall: "connect", Err: syscall.ECONNREFUSED}),
		"connection reset by peer": &net.OpError{Op: "read", Net: "tcp", Err: &os.SyscallError{Syscall: "read", Err: syscall.ECONNRESET}},
		"no route to host":         dial(&os.SyscallError{Syscall: "connect", Err: syscall.EHOSTUNREACH}),
		"address already in use":   &net.OpError{Op: "listen", Net: "tcp", Err: &os.SyscallError{Syscall: "bind", Err: syscall.EADDRINUSE}},
		"the connection was closed": errors.Join(
			&net.OpError{Op: "write", Net: "tcp", Err: &os.SyscallError{Syscall: "write", Err: syscall.EPIPE}}),
		"the request timed out":                                   dial(os.ErrDeadlineExceeded),
		"the request was cancelled":                               fmt.Errorf("listing: %w", &url.Error{Op: "Get", URL: "http://nomad", Err: context.Canceled}),
		`the host "redis.invalid" is not known`:                   dial(&net.DNSError{Err: "no such host", Name: "redis.invalid", IsNotFound: true}),
		`the name server did not answer for the host "redis.lan"`: dial(&net.DNSError{Err: "i/o timeout", Name: "redis.lan", IsTimeout: true, IsTemporary: true}),
		`"rediss" is not a port`:                                  dial(&net.DNSError{Err: "unknown port", Name: "tcp/rediss", IsNotFound: true}),
		`"localhost" is not an address: missing port in address`:  dial(&net.AddrError{Err: "missing port in address", Addr: "localhost"}),
		"it does not speak TLS":                                   tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"it refuses the TLS connection: bad certificate":          &net.OpError{Op: "remote error", Err: errors.New("tls: bad certificate")},
		"its certificate is not trusted: certificate signed by unknown authority": &tls.CertificateVerificationError{
			Err: x509.UnknownAuthorityError{},
		},
		"it closed the connection before its answer was complete": io.EOF,
		"a line of its answer is too long":                        bufio.ErrTooLong,
		"the blob store is full":                                  errors.New("the blob store is full"),
	} {
		require.Equal(t, want, nettext.Reason(err), "%#v", err)
		require.NotRegexp(t, goText, nettext.Reason(err))
	}
}

// TestExplain checks that an explained error names the server if the error does, and keeps its cause.
func TestExplain(t *testing.T) {
	refused := fetch("http://127.0.0.1:1")
	for _, tc := range []struct {
		err  error
		want string
	}{
		{refused, "127.0.0.1:1: connection refused"},
		{&net.OpError{Op: "dial", Net: "unix", Addr: &net.UnixAddr{Name: "/secrets/api.sock", Net: "unix"}, Err: syscall.ENOENT}, "/secrets/api.sock: no such file or directory"},
		{&url.Error{Op: "Get", URL: "http://user:hunter2@nomad:4646/v1/jobs", Err: context.DeadlineExceeded}, "nomad:4646: the request timed out"},
		{io.EOF, "it closed the connection before its answer was complete"},
		{errors.New("status 403"), "status 403"},
		{&fs.PathError{Op: "open", Path: "/blobs/a", Err: syscall.EACCES}, "open /blobs/a: permission denied"},
	} {
		require.EqualError(t, nettext.Explain(tc.err), tc.want)
		require.ErrorIs(t, nettext.Explain(tc.err), tc.err)
	}
	require.NoError(t, nettext.Explain(nil))
	require.True(t, nettext.Refused(nettext.Explain(refused)))
	require.False(t, nettext.Refused(io.EOF))
	require.True(t, nettext.TimedOut(nettext.Explain(os.ErrDeadlineExceeded)))
	require.False(t, nettext.TimedOut(refused))
}

// fetch reads an object from a URL.
func fetch(url string) error {
	limit := time.Minute
	if strings.HasSuffix(url, "/slow") {
		limit = 100 * time.Millisecond
	}
	client := &http.Client{Timeout: limit, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var into map[string]any
	return json.NewDecoder(resp.Body).Decode(&into)
}

// talk listens on a free port and answers each request with text. It returns its URL.
func talk(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = http.ReadRequest(bufio.NewReader(conn)) // what was asked doesn't matter
			_, _ = conn.Write([]byte(text))
			_ = conn.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

func TestWithoutPassword(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:4646":         "http://127.0.0.1:4646",
		"http://user:hunter2@host:4646": "http://user:xxxxx@host:4646",
		"http://user:hunter2%zz@host":   "host",
		"user:hunter2@host":             "host",
		"host:8650":                     "host:8650",
		"":                              "",
	} {
		require.Equal(t, want, nettext.WithoutPassword(address), address)
	}
}
