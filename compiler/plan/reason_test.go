package plan_test

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/compiler/plan"
)

// goText is what Go's packages call their errors and types.
var goText = regexp.MustCompile(`dial tcp|lookup |connect:|\bEOF\b|net/http|\bhttp: |json: |x509|tls: |invalid character|Get "|of type|\*`)

// TestReason checks that no failed request is reported in the words of Go's packages.
func TestReason(t *testing.T) {
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
			require.Equal(t, tc.want, plan.Reason(err))
			require.NotRegexp(t, goText, plan.Reason(err))
		})
	}
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
		require.Equal(t, want, plan.WithoutPassword(address), address)
	}
}
