package alert

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/hcl/alertfile"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const soon = 30 * time.Second

// inbox is a receiver that notes what it is sent.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	status atomic.Int64
}

func newInbox(t *testing.T) *inbox {
	i := &inbox{}
	i.status.Store(http.StatusNoContent)
	i.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		i.mu.Lock()
		i.bodies = append(i.bodies, string(body))
		i.mu.Unlock()
		if i.status.Load() == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(int(i.status.Load()))
	}))
	t.Cleanup(i.Close)
	return i
}

func (i *inbox) all() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{}, i.bodies...)
}

// TestSend: the forms that receivers get, and their failures, without the URL.
func TestSend(t *testing.T) {
	s := newSender(slog.New(slog.DiscardHandler))
	t.Cleanup(s.close)
	box := newInbox(t)
	end := at(90 * time.Second)
	a := Alert{Rule: "crash_loop", Subject: "pool gpu", Severity: "page", State: Firing, Text: "agent fails: <a & b>", Since: start}
	resolved := a
	resolved.State, resolved.ResolvedAt = Resolved, &end
	for _, m := range []message{{alertfile.Receiver{Kind: alertfile.Webhook}, a}, {alertfile.Receiver{Kind: alertfile.Slack}, a}, {alertfile.Receiver{Kind: alertfile.Slack}, resolved}} {
		m.receiver.URL = box.URL + "/t0psecret"
		require.NoError(t, s.send(t.Context(), m))
	}
	got := box.all()
	require.Len(t, got, 3)
	require.JSONEq(t, `{"version":1,"rule":"crash_loop","subject":"pool gpu","severity":"page","state":"firing","text":"agent fails: <a & b>","since":"2026-03-01T12:00:00Z"}`, got[0])
	require.JSONEq(t, `{"text":"PAGE: crash_loop, pool gpu: agent fails: &lt;a &amp; b&gt;"}`, got[1])
	require.JSONEq(t, `{"text":"Resolved: crash_loop, pool gpu (after 1m30s)"}`, got[2])

	to := func(url string) error {
		err := s.send(t.Context(), message{alertfile.Receiver{Kind: alertfile.Webhook, URL: url}, a})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "t0psecret")
		return err
	}
	for _, status := range []int{302, 404, 500} {
		box.status.Store(int64(status))
		require.ErrorContains(t, to(box.URL+"/t0psecret"), fmt.Sprintf("status %d", status))
	}
	require.Len(t, box.all(), 6, "a redirect is not followed")
	require.EqualError(t, to("http://127.0.0.1:1/t0psecret"), "the receiver does not answer: connection refused")
	to("http://host.invalid/t0psecret")
	to("http://127.0.0.1:port/t0psecret")
}

// runner is one dispatcher's, over a Redis.
func runner(t *testing.T, redis *queuetest.Redis, config alertfile.Config, leads *atomic.Bool, facts func() Facts, log io.Writer) *Runner {
	client, err := queue.Connect(queue.Options{URL: redis.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	r := NewRunner(Options{
		Config: config, Store: NewStore(client, "t"), Lead: func(context.Context) (bool, error) { return leads.Load(), nil }, Facts: func(context.Context) Facts { return facts() },
		Every: time.Millisecond, Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-done })
	return r
}

// TestLeaders: another leader goes on where the former stopped, tells nothing twice, and every dispatcher shows the same.
func TestLeaders(t *testing.T) {
	redis := queuetest.StartRedis(t)
	box := newInbox(t)
	config := alertfile.Config{Receivers: []alertfile.Receiver{{Name: "ops", Kind: alertfile.Webhook, URL: box.URL}}}
	for _, r := range alertfile.Rules() {
		config.Rules = append(config.Rules, alertfile.Setting{Rule: r, Receivers: []string{"ops"}})
	}
	var down atomic.Bool
	var now atomic.Int64
	facts := func() Facts {
		f := calm(time.Duration(now.Add(int64(time.Second))))
		if down.Load() {
			f.NomadDown = "it does not answer"
		}
		return f
	}
	var first, second atomic.Bool
	first.Store(true)
	runner(t, redis, config, &first, facts, io.Discard)
	other := runner(t, redis, config, &second, facts, io.Discard)
	state := func(want string) func() bool {
		return func() bool {
			doc, err := other.o.Store.Read(t.Context())
			return err == nil && len(doc.Alerts) == 1 && doc.Alerts[0].State == want && doc.Alerts[0].Told["ops"].State == want
		}
	}
	down.Store(true)
	require.Eventually(t, state(Firing), soon, time.Millisecond)
	first.Store(false)
	second.Store(true)
	down.Store(false)
	require.Eventually(t, state(Resolved), soon, time.Millisecond)
	var states []string
	for _, body := range box.all() {
		var told struct {
			State string `json:"state"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &told))
		states = append(states, told.State)
	}
	require.Equal(t, []string{Firing, Resolved}, states)
}

// TestRedisGone: without Redis nothing is judged by one that would have to tell everything again, and it is logged once.
func TestRedisGone(t *testing.T) {
	redis := queuetest.StartRedis(t)
	redis.Kill()
	var leads atomic.Bool
	leads.Store(true)
	var log lockedBuffer
	r := runner(t, redis, alertfile.Default(), &leads, func() Facts { f := calm(time.Hour); f.NomadDown = "x"; return f }, &log)
	_, err := r.o.Store.Read(t.Context())
	require.ErrorIs(t, err, queue.ErrUnavailable)
	require.Eventually(t, func() bool { return log.count("alerts cannot be kept") > 0 }, soon, time.Millisecond)
	require.Zero(t, log.count("alert firing"))
	redis.Start()
	require.Eventually(t, func() bool { doc, err := r.o.Store.Read(t.Context()); return err == nil && len(doc.Alerts) == 1 }, soon, time.Millisecond)
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return bytes.Count(l.b.Bytes(), []byte(text))
}
