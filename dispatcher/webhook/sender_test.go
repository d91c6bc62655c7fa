package webhook

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
)

// verify checks a request with an independent implementation.
func verify(t *testing.T, r received, secret string) error {
	t.Helper()
	wh, err := standardwebhooks.NewWebhook(secret)
	require.NoError(t, err)
	return wh.Verify(r.body, r.header)
}

func TestDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rotated, err := w.secrets.Rotate(t.Context(), "", time.Hour)
	require.NoError(t, err)
	own, err := w.secrets.Create(t.Context(), "owner")
	require.NoError(t, err)
	r := newReceiver(t, nil)
	s := w.sender(nil)
	w.start(s)

	j := w.completed(queue.Submission{
		Webhook: r.URL + "/hook?x=y", Parameters: json.RawMessage(`{"prompt":"canary-p"}`), Metadata: map[string]string{"note": "canary-m"},
	}, queue.Result{Data: json.RawMessage(`"canary-r"`), Blobs: []queue.Blob{{Name: "a b.png", URL: "s3://canary-b", ContentType: "image/png", Size: 7}}})
	w.delivery(j.ID, is(queue.Delivered))
	got := r.all()
	require.Len(t, got, 1)
	require.NoError(t, verify(t, got[0], w.secret), "the former secret")
	require.NoError(t, verify(t, got[0], rotated.Secret), "the new secret")
	require.Error(t, verify(t, got[0], own.Secret))
	require.Equal(t, "application/json", got[0].header.Get("Content-Type"))
	require.NotContains(t, string(got[0].body), "canary")
	full, err := w.Get(t.Context(), j.ID)
	require.NoError(t, err)
	want := fmt.Sprintf(`{"type": "job.completed", "timestamp": %q, "data": {"id": %q, "type": "sim", "state": "completed", "class": %q,
		"job": "https://api.example/v1/jobs/%s",
		"results": [{"name": "a b.png", "content_type": "image/png", "size": 7, "url": "https://api.example/v1/jobs/%s/blobs/a%%20b.png"}]}}`,
		full.EndedAt.Format(time.RFC3339Nano), j.ID, j.Class, j.ID, j.ID)
	require.JSONEq(t, want, string(got[0].body))

	j = w.cancel(queue.Submission{Type: "sim", Webhook: r.URL, Tenant: "owner"})
	w.delivery(j.ID, is(queue.Delivered))
	got = r.all()
	require.NoError(t, verify(t, got[1], own.Secret))
	require.Error(t, verify(t, got[1], w.secret), "a tenant with a secret of its own has no other")
	require.Contains(t, string(got[1].body), `"type":"job.cancelled"`)
	require.Contains(t, string(got[1].body), `"error":"cancelled"`)
	require.InEpsilon(t, 2, counted(s.metrics.deliveries, "delivered"), 0)
}

// A receiver that is down for a day gets each event once when it is back, after attempts at the times of the schedule.
func TestReceiverDownForADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const back = 7 // the attempt that finds it up again, after 17.6 to 32 h
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n < back {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	w.start(w.sender(nil))
	j := w.ended(r.URL)
	var passed time.Duration
	for n := 1; n < back; n++ {
		d := w.delivery(j.ID, attempted(n))
		require.Equal(t, queue.DeliveryPending, d.Status)
		require.Equal(t, http.StatusServiceUnavailable, d.History[n-1].Status)
		require.Equal(t, "the receiver answered 503 Service Unavailable", d.History[n-1].Problem)
		wait := d.NextAt.Sub(d.History[n-1].At)
		require.InDelta(t, schedule[n-1].Seconds(), wait.Seconds(), schedule[n-1].Seconds()/10+60, "attempt %d", n)
		require.Len(t, r.all(), n)
		w.advance(wait)
		passed += wait
	}
	require.Greater(t, passed, 15*time.Hour)
	d := w.delivery(j.ID, is(queue.Delivered))
	require.Equal(t, back, d.Attempts)
	require.Equal(t, slices.Repeat([]string{d.Event}, back), r.ids())
}

// What no attempt delivers is given up, and everybody is told.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, status(http.StatusInternalServerError))
	s := w.sender(nil)
	w.start(s)
	watch, err := w.Watch(t.Context())
	require.NoError(t, err)
	j := w.ended(r.URL + "/hook?token=canary")
	for n := 1; n <= len(schedule); n++ {
		w.delivery(j.ID, attempted(n))
		w.advance(30 * time.Hour)
	}
	d := w.delivery(j.ID, is(queue.DeliveryGivenUp))
	require.Equal(t, "10 attempts failed, the last: the receiver answered 500 Internal Server Error", d.Reason)
	require.Len(t, r.all(), 10)
	for e := range watch {
		if e.Kind == "webhook_given_up" {
			require.Equal(t, j.ID, e.JobID)
			require.Contains(t, e.Error.Message, d.Event+" was not delivered: 10 attempts failed")
			break
		}
	}
	list, err := w.GivenUpDeliveries(t.Context(), 10)
	require.NoError(t, err)
	require.Equal(t, []queue.Delivery{d}, list)
	require.Eventually(t, func() bool { return strings.Contains(w.logs.String(), `level=ERROR msg="webhook given up"`) }, 30*time.Second, 5*time.Millisecond)
	require.NotContains(t, w.logs.String(), "canary", "a URL's query may be a secret")
	require.InEpsilon(t, 1, counted(s.metrics.deliveries, "given_up"), 0)
	require.InEpsilon(t, 10, counted(s.metrics.attempts, "refused"), 0)
}

// One receiver that doesn't answer delays no other.
func TestSlowReceiver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	release := make(chan struct{})
	slow := newReceiver(t, func(_ int, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	t.Cleanup(func() { close(release) })
	fast := newReceiver(t, nil)
	s := w.sender(func(o *Options) { o.PerHost, o.Timeout = 2, 20*time.Second })
	w.start(s)
	for range 20 {
		w.ended(slow.URL)
	}
	require.Eventually(t, func() bool { return len(slow.all()) == 2 }, 30*time.Second, 5*time.Millisecond)
	j := w.ended(fast.URL)
	w.delivery(j.ID, is(queue.Delivered))
	require.Len(t, slow.all(), 2, "no more than two at a time")
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := newReceiver(t, func(_ int, _ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	w.start(w.sender(func(o *Options) { o.Timeout = 50 * time.Millisecond }))
	d := w.delivery(w.ended(slow.URL).ID, attempted(1))
	require.Equal(t, "no answer within 0.05 s", d.History[0].Problem)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	target := newReceiver(t, nil)
	r := newReceiver(t, func(_ int, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target.URL, http.StatusTemporaryRedirect)
	})
	w.start(w.sender(nil))
	d := w.delivery(w.ended(r.URL).ID, attempted(1))
	require.Equal(t, "the receiver answered 307 Temporary Redirect: redirects are not followed", d.History[0].Problem)
	require.Empty(t, target.all())
}

// 410 disables the endpoint, whatever the query, until it is enabled.
func TestGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.WriteHeader(http.StatusGone)
		}
	})
	s := w.sender(nil)
	w.start(s)
	first := w.delivery(w.ended(r.URL+"/hook?job=1").ID, is(queue.DeliveryGivenUp))
	require.Equal(t, "the receiver answered 410 Gone, which disabled the endpoint", first.Reason)
	off, err := w.DisabledEndpoints(t.Context())
	require.NoError(t, err)
	require.Len(t, off, 1)
	require.Equal(t, r.URL+"/hook", off[0].URL)
	second := w.delivery(w.ended(r.URL+"/hook?job=2").ID, is(queue.DeliveryGivenUp))
	require.Equal(t, "the endpoint is disabled, because it once answered 410 Gone", second.Reason)
	require.Zero(t, second.Attempts)
	require.Len(t, r.all(), 1)
	w.delivery(w.ended(r.URL+"/other").ID, is(queue.Delivered))

	require.NoError(t, w.EnableEndpoint(t.Context(), off[0].URL))
	_, err = w.Redeliver(t.Context(), first.Event)
	require.NoError(t, err)
	again := w.delivery(first.JobID, is(queue.Delivered))
	require.Equal(t, first.Event, again.Event)
	require.Equal(t, first.Event, r.ids()[2])
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(_ int, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	w.start(w.sender(nil))
	d := w.delivery(w.ended(r.URL).ID, attempted(1))
	require.InDelta(t, time.Hour.Seconds(), d.NextAt.Sub(d.History[0].At).Seconds(), 60)

	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"": 0, "x": 0, "-1": 0, "1.5": 0, "120": 2 * time.Minute, "Sat, 31 Jan 2026 12:01:00 GMT": time.Minute, "Sat, 31 Jan 2026 11:01:00 GMT": 0,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {text}}, now), text)
	}
	require.Equal(t, maxRetryAfter, next(1, answer{problem: "x", retryAfter: 100 * time.Hour}).After)
	require.Greater(t, next(9, answer{problem: "x", retryAfter: time.Second}).After, 20*time.Hour, "the schedule is the least")
}

// An answer that breaks off does not count; one whose body breaks off does.
func TestCutConnection(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		text := "HTTP/1.1 20"
		if n == 2 {
			text = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart"
		}
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	})
	w.start(w.sender(nil))
	j := w.ended(r.URL)
	d := w.delivery(j.ID, attempted(1))
	require.Contains(t, d.History[0].Problem, "no answer from the receiver: ")
	require.Zero(t, d.History[0].Status)
	w.advance(time.Minute)
	d = w.delivery(j.ID, is(queue.Delivered))
	require.Equal(t, []string{d.Event, d.Event}, r.ids())
}

func TestNothingListens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	r.Close()
	w.start(w.sender(nil))
	d := w.delivery(w.ended(r.URL).ID, attempted(1))
	require.Equal(t, "no answer from the receiver: connection refused", d.History[0].Problem)
}

func TestBodyIsSmall(t *testing.T) {
	t.Parallel()
	e := queue.JobEnd{Event: "sim-1-2", JobID: "sim-1", State: queue.Completed, Class: "c", Tenant: strings.Repeat("t", 128)}
	for _, n := range []int{0, 1, maxResults, maxResults + 1, 10_000} {
		for _, long := range []int{1, 1000, 30_000} {
			job := &queue.Job{ID: e.JobID, State: queue.Completed, Result: &queue.Result{}, Error: &queue.Failure{Code: strings.Repeat("c", 500)}}
			for i := range n {
				job.Result.Blobs = append(job.Result.Blobs, queue.Blob{Name: fmt.Sprint(i, strings.Repeat("x", long))})
			}
			text, err := makeBody(e, job, "")
			require.NoError(t, err)
			require.Less(t, len(text), maxBody)
			var b Body
			require.NoError(t, json.Unmarshal(text, &b))
			require.Equal(t, n, len(b.Data.Results)+b.Data.MoreResults)
			require.Equal(t, "/v1/jobs/sim-1", b.Data.Job)
			if long == 1 {
				require.Len(t, b.Data.Results, min(n, maxResults))
			}
		}
	}
}

// A sender without a list reaches nothing on this machine, however the address is written or found.
func TestNothingReachesLoopback(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	u, err := url.Parse(r.URL)
	require.NoError(t, err)
	s := w.sender(func(o *Options) { o.Guard = nil })
	w.start(s)
	for _, host := range []string{"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "127.1", "2130706433", "0.0.0.0", "[::]"} {
		for _, scheme := range []string{"http", "https"} {
			hook := scheme + "://" + host + ":" + u.Port() + "/"
			problem, err := s.Refuse(t.Context(), hook, "")
			require.NoError(t, err)
			require.NotEmpty(t, problem, hook)
			d := w.delivery(w.ended(hook).ID, attempted(1)) // as if it had been accepted
			require.NotEmpty(t, d.History[0].Problem, hook)
		}
	}
	require.Empty(t, r.all())
}
