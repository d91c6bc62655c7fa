package client_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// script is a server that answers one request after another, and keeps what it was sent.
type script struct {
	mu   sync.Mutex
	next []http.HandlerFunc
	seen []*http.Request
	sent []string // bodies
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.seen, s.sent = append(s.seen, r), append(s.sent, string(body))
	n := min(len(s.seen), len(s.next)) - 1
	answer := s.next[n]
	s.mu.Unlock()
	answer(w, r)
}

func (s *script) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func serve(t *testing.T, o client.Options, answers ...http.HandlerFunc) (*client.Client, *script) {
	t.Helper()
	s := &script{next: answers}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	o.HTTP = server.Client()
	c, err := client.New(server.URL+"/", o)
	require.NoError(t, err)
	return c, s
}

func answer(status int, kind, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func problem(status int, code, field, detail string) http.HandlerFunc {
	return answer(status, "application/problem+json", fmt.Sprintf(`{"type": "urn:x", "title": "x", "status": %d, "code": %q, "field": %q, "detail": %q}`, status, code, field, detail), "Retry-After", "0")
}

const job = `{"id": "simulation-1", "state": "completed", "parameters": {"seed": 18446744073709551615}}`

func TestARequestHasItsTokenAndNoEmptyParameters(t *testing.T) {
	c, s := serve(t, client.Options{Token: "secret"}, answer(200, "application/json", `{"jobs": [], "next": "x"}`))
	page, err := c.Jobs(t.Context(), &client.ListJobsParams{Tenant: "0", Limit: new(0)})
	require.NoError(t, err)
	require.Equal(t, "x", page.Next)
	require.Equal(t, "Bearer secret", s.seen[0].Header.Get("Authorization"))
	require.Equal(t, "/v1/jobs?limit=0&tenant=0", s.seen[0].URL.String())
}

func TestParametersStayExact(t *testing.T) {
	c, _ := serve(t, client.Options{}, answer(200, "application/json", job))
	j, err := c.Job(t.Context(), "simulation-1")
	require.NoError(t, err)
	require.JSONEq(t, `{"seed": 18446744073709551615}`, string(j.Parameters))
	require.Contains(t, string(j.Parameters), "18446744073709551615")
	require.True(t, j.State.Final())
}

func TestARefusalIsAProblem(t *testing.T) {
	c, _ := serve(t, client.Options{}, problem(400, "invalid", "priority", "is 101, want a whole number from 0 to 100"))
	_, err := c.Submit(t.Context(), &client.Submission{Type: "simulation"})
	var p *client.Problem
	require.ErrorAs(t, err, &p)
	require.Equal(t, client.ProblemCodeInvalid, p.Code)
	require.True(t, client.Is(err, client.ProblemCodeInvalid))
	require.EqualError(t, err, "the dispatcher refuses it: priority: is 101, want a whole number from 0 to 100")
}

func TestAnotherProgramListensThere(t *testing.T) {
	for name, other := range map[string]http.HandlerFunc{
		"an error that is not a problem": answer(404, "text/plain", "404 page not found"),
		"an answer that is not JSON":     answer(200, "text/html", "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, client.Options{}, other)
			_, err := c.Pools(t.Context())
			var silent *client.UnreachableError
			require.ErrorAs(t, err, &silent)
		})
	}
}

func TestWhatIsRepeated(t *testing.T) {
	away := problem(503, "unavailable", "", "Redis can't be reached")
	cut := func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }
	submitted := answer(201, "application/json", `{"id": "simulation-1"}`)
	patient := client.Options{Patience: time.Minute}
	for _, tc := range []struct {
		name     string
		o        client.Options
		key      string
		first    http.HandlerFunc
		requests int
	}{
		{"a submission with a key, while Redis is away", patient, "k", away, 2},
		{"a submission with a key whose answer was cut off", patient, "k", cut, 2},
		{"a submission without a key may have been applied", patient, "", away, 1},
		{"a submission without a key whose answer was cut off", patient, "", cut, 1},
		{"one that was refused for its number", patient, "", problem(429, "too_many_requests", "", "slower"), 2},
		{"one that is wrong", patient, "k", problem(400, "invalid", "type", "is missing"), 1},
		{"nothing without patience", client.Options{}, "k", away, 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, s := serve(t, tc.o, tc.first, submitted)
			_, err := c.Submit(t.Context(), &client.Submission{Type: "simulation", IdempotencyKey: tc.key})
			require.Equal(t, tc.requests, s.requests())
			require.Equal(t, tc.requests == 2, err == nil, err)
			for _, body := range s.sent {
				require.Equal(t, s.sent[0], body, "each attempt has the whole body")
			}
		})
	}
}

// A dispatcher that starts later is waited for, by requests that can't be repeated too: they were never sent.
func TestADispatcherThatStartsLater(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := lis.Addr().String()
	require.NoError(t, lis.Close())
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	failed := make(chan struct{}, 100)
	c, err := client.New("http://"+addr, client.Options{Patience: time.Minute, HTTP: &http.Client{Transport: watched{transport, failed}}})
	require.NoError(t, err)
	server := &http.Server{Handler: answer(201, "application/json", `{"id": "simulation-1"}`), ReadHeaderTimeout: time.Second}
	served := make(chan error, 1)
	go func() {
		<-failed
		lis, err := net.Listen("tcp", addr)
		if err == nil {
			err = server.Serve(lis)
		}
		served <- err
	}()
	_, err = c.Submit(t.Context(), &client.Submission{Type: "simulation"})
	require.NoError(t, err)
	require.NoError(t, server.Close())
	require.ErrorIs(t, <-served, http.ErrServerClosed)
}

// watched reports requests that failed.
type watched struct {
	http.RoundTripper

	failed chan struct{}
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := w.RoundTripper.RoundTrip(r)
	if err != nil {
		w.failed <- struct{}{}
	}
	return resp, err
}

func TestAddresses(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:8650", "dispatcher", "ftp://x", "http://", "://user:hunter2@x", "us er:hunter2@127.0.0.1:8650"} {
		_, err := client.New(addr, client.Options{})
		require.ErrorContains(t, err, "is not the URL of a dispatcher: write something like", addr)
		require.NotContains(t, err.Error(), "hunter2")
	}
	c, err := client.New("http://user:hunter2@127.0.0.1:1/", client.Options{})
	require.NoError(t, err)
	require.Equal(t, "http://user:xxxxx@127.0.0.1:1", c.At())
	_, err = c.Pools(t.Context())
	require.ErrorContains(t, err, "no answer from a dispatcher at http://user:xxxxx@127.0.0.1:1")
	require.NotContains(t, err.Error(), "hunter2")
}

// A stream that breaks off is resumed after its last event, until the job has ended.
func TestFollowingResumes(t *testing.T) {
	event := func(id int, state string) string {
		return fmt.Sprintf("id: %d\nevent: x\ndata: {\"id\": \"%d\",\ndata: \"kind\": \"x\", \"state\": %q}\n\n", id, id, state)
	}
	stream := func(text string) http.HandlerFunc {
		return answer(200, "text/event-stream", "retry: 2000\n\n: beat\n\n"+text)
	}
	c, s := serve(t, client.Options{},
		stream(event(1, "waiting")+event(2, "running")), stream(event(3, "completed")+"event: end\ndata: {}\n\n"), answer(200, "application/json", job))
	var seen []string
	j, err := c.Follow(t.Context(), "simulation-1", func(e client.Event) { seen = append(seen, e.ID) })
	require.NoError(t, err)
	require.Equal(t, []string{"1", "2", "3"}, seen)
	require.Equal(t, "simulation-1", j.ID)
	require.Empty(t, s.seen[0].Header.Values("Last-Event-ID"))
	require.Equal(t, "2", s.seen[1].Header.Get("Last-Event-ID"))

	c, s = serve(t, client.Options{}, problem(404, "not_found", "", "no such job"))
	_, err = c.Wait(t.Context(), "simulation-1")
	require.True(t, client.Is(err, client.ProblemCodeNotFound), err)
	require.Equal(t, 1, s.requests(), strconv.Itoa(s.requests()))
}
