package webhook

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/netguard"
	"github.com/emprops/machinectl/netguard/netguardtest"
	"github.com/emprops/machinectl/queue"
)

// A name that was public when the job was submitted, and resolves to loopback when its webhook is due, doesn't reach it.
func TestRebinding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dns := netguardtest.StartDNS(t)
	dns.Set("receiver.example.", "1.1.1.1")
	r := newReceiver(t, nil)
	u, err := url.Parse(r.URL)
	require.NoError(t, err)
	s := w.sender(func(o *Options) {
		o.Guard = &netguard.Guard{Resolver: dns.Resolver(), Allow: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	})
	hook := "http://receiver.example:" + u.Port()
	problem, err := s.Refuse(t.Context(), hook, "")
	require.NoError(t, err)
	require.Empty(t, problem)
	dns.Set("receiver.example.", "127.0.0.1")
	w.start(s)
	d := w.delivery(w.ended(hook).ID, attempted(1))
	require.Equal(t, "the address 127.0.0.1 is not in an allowed network, so that it needs https", d.History[0].Problem)
	require.Empty(t, r.all())
}

// A dispatcher that dies between an attempt and its record leaves the delivery to another one, under the same event id.
func TestKilledBeforeTheRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, nil)
	j := w.ended(r.URL)
	killed := w.sender(nil)
	_, err := w.FileEnds(t.Context(), 10)
	require.NoError(t, err)
	hosts, err := w.DueHosts(t.Context(), 10)
	require.NoError(t, err)
	taken, err := w.TakeDeliveries(t.Context(), hosts[0], 10, killed.o.hold())
	require.NoError(t, err)
	require.Len(t, taken, 1)
	a, err := killed.request(t.Context(), taken[0].JobEnd)
	require.NoError(t, err)
	require.Empty(t, a.problem)
	killed.client.CloseIdleConnections()

	w.start(w.sender(nil))
	w.start(w.sender(nil))
	require.Empty(t, w.delivery(j.ID, is(queue.DeliveryPending)).History, "it is the dead dispatcher's")
	w.advance(killed.o.hold())
	d := w.delivery(j.ID, is(queue.Delivered))
	require.Equal(t, 1, d.Attempts)
	require.Equal(t, []string{d.Event, d.Event}, r.ids())
	require.ErrorIs(t, w.RecordDelivery(t.Context(), taken[0], nil, queue.Outcome{}), queue.ErrStale)
}

// While Redis is away nothing is delivered twice or lost.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	r := newReceiver(t, func(n int, _ http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			close(arrived)
			<-answer
		}
	})
	w.start(w.sender(nil))
	first := w.ended(r.URL)
	<-arrived
	w.redis.Kill() // between the attempt and its record
	close(answer)
	w.redis.Start()
	w.delivery(first.ID, is(queue.Delivered))
	second := w.ended(r.URL)
	w.delivery(second.ID, is(queue.Delivered))
	require.Len(t, r.all(), 2)
}

// After Redis was emptied, what it lost is lost, and everything new works.
func TestRedisEmptied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	r := newReceiver(t, func(n int, _ http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			close(arrived)
			<-answer
		}
	})
	s := w.sender(nil)
	w.start(s)
	lost := w.ended(r.URL)
	<-arrived
	require.NoError(t, w.redis.Flush())
	close(answer)
	_, err := w.Deliveries(t.Context(), lost.ID)
	require.ErrorIs(t, err, queue.ErrNotFound)
	made, err := w.secrets.Create(t.Context(), "")
	require.NoError(t, err)
	j := w.ended(r.URL)
	w.delivery(j.ID, is(queue.Delivered))
	got := r.all()
	require.Len(t, got, 2)
	require.NoError(t, verify(t, got[1], made.Secret))
}

// Without a secret nothing is sent; as soon as there is one, the next attempt is.
func TestNoSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, err := w.secrets.List(t.Context())
	require.NoError(t, err)
	require.Empty(t, all[0].Secret, "a list shows no secrets")
	s := w.sender(nil)
	problem, err := s.Refuse(t.Context(), "https://example.com/", "t")
	require.NoError(t, err)
	require.Empty(t, problem)
	require.NoError(t, w.secrets.Revoke(t.Context(), all[0].ID))
	require.ErrorIs(t, w.secrets.Revoke(t.Context(), all[0].ID), queue.ErrNotFound)
	problem, err = s.Refuse(t.Context(), "https://example.com/", "t")
	require.NoError(t, err)
	require.Contains(t, problem, "POST /v1/webhooks/secrets")
	r := newReceiver(t, nil)
	w.start(s)
	j := w.ended(r.URL)
	d := w.delivery(j.ID, attempted(1))
	require.Contains(t, d.History[0].Problem, "no secret signs this webhook")
	require.Empty(t, r.all())
	_, err = w.secrets.Create(t.Context(), "")
	require.NoError(t, err)
	w.advance(time.Minute)
	w.delivery(j.ID, is(queue.Delivered))
}

func TestSecretsRotate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.secrets.Rotate(t.Context(), "", time.Hour)
	require.NoError(t, err)
	all, err := w.secrets.List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 2)
	require.WithinDuration(t, time.Now().Add(time.Hour), *all[0].ExpiresAt, time.Minute)
	require.Nil(t, all[1].ExpiresAt)
	keys, err := w.secrets.signing(t.Context(), "any")
	require.NoError(t, err)
	require.Len(t, keys, 2)
	_, err = w.secrets.Rotate(t.Context(), "", 0) // the leaked secret ends now
	require.NoError(t, err)
	all, err = w.secrets.List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 1)
	require.NotEqual(t, made.ID, all[0].ID)
	for range maxSecrets {
		_, err = w.secrets.Create(t.Context(), "t")
		require.NoError(t, err)
	}
	var invalid *queue.InvalidError
	_, err = w.secrets.Create(t.Context(), "t")
	require.ErrorAs(t, err, &invalid)
	for _, overlap := range []time.Duration{-1, 31 * 24 * time.Hour} {
		_, err = w.secrets.Rotate(t.Context(), "t2", overlap)
		require.ErrorAs(t, err, &invalid)
	}
}

// A stop lets an attempt that is under way finish and be recorded.
func TestStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	arrived, answer := make(chan struct{}), make(chan struct{})
	r := newReceiver(t, func(int, http.ResponseWriter, *http.Request) {
		close(arrived)
		<-answer
	})
	stop := w.start(w.sender(nil))
	j := w.ended(r.URL)
	<-arrived
	stopped := make(chan struct{})
	go func() { defer close(stopped); stop() }()
	close(answer)
	<-stopped
	w.delivery(j.ID, is(queue.Delivered))
}

// A job that ends twice is announced in order, although the first announcement failed at first.
func TestOrderOfEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := newReceiver(t, func(n int, w http.ResponseWriter, _ *http.Request) {
		if n == 1 {
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	w.start(w.sender(nil))
	j := w.ended(r.URL)
	first := w.delivery(j.ID, attempted(1))
	_, err := w.Requeue(t.Context(), j.ID)
	require.NoError(t, err)
	_, err = w.Cancel(t.Context(), j.ID, "again")
	require.NoError(t, err)
	other := w.ended(r.URL)
	w.delivery(other.ID, is(queue.Delivered))
	require.NotContains(t, r.ids()[1:], first.Event)
	w.advance(time.Minute)
	require.Eventually(t, func() bool { return len(r.all()) == 4 }, 30*time.Second, 5*time.Millisecond)
	ids := slices.DeleteFunc(r.ids(), func(id string) bool { return len(id) < len(j.ID) || id[:len(j.ID)] != j.ID })
	require.Equal(t, []string{first.Event, first.Event}, ids[:2])
	require.Len(t, ids, 3)
	require.NotEqual(t, first.Event, ids[2])
}
