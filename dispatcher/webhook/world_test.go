package webhook

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/netguard"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

// world is a queue with senders and a receiver.
type world struct {
	*queue.Client
	t       *testing.T
	redis   *queuetest.Redis
	rdb     *redis.Client
	secrets *Secrets
	secret  string // global
	logs    *logs
}

// logs collects what is logged.
type logs struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, redis: queuetest.StartRedis(t), logs: &logs{}}
	w.rdb = redis.NewClient(&redis.Options{Addr: w.redis.Addr})
	t.Cleanup(func() { require.NoError(t, w.rdb.Close()) })
	var err error
	w.Client, err = queue.Open(t.Context(), queue.Options{URL: w.redis.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Close()) })
	w.secrets = NewSecrets(w.queue)
	made, err := w.secrets.Create(t.Context(), "")
	require.NoError(t, err)
	w.secret = made.Secret
	return w
}

func (w *world) queue() (*queue.Client, error) { return w.Client, nil }

// loopback allows the tests' receivers.
func loopback() *netguard.Guard {
	return &netguard.Guard{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}
}

func (w *world) sender(change func(*Options)) *Sender {
	w.t.Helper()
	o := Options{
		Queue: w.queue, Guard: loopback(), Every: 20 * time.Millisecond, Registry: prometheus.NewRegistry(), PublicURL: "https://api.example/",
		Logger: slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&o)
	}
	s, err := NewSender(o, w.secrets)
	require.NoError(w.t, err)
	return s
}

// start runs a sender until the test, or the returned function, ends it.
func (w *world) start(s *Sender) (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-done
	}
	w.t.Cleanup(stop)
	return stop
}

// ended submits a job with a webhook and cancels it.
func (w *world) ended(hook string) *queue.Job {
	w.t.Helper()
	return w.cancel(queue.Submission{Type: "sim", Webhook: hook})
}

func (w *world) cancel(s queue.Submission) *queue.Job {
	w.t.Helper()
	j, err := w.Submit(w.t.Context(), s)
	require.NoError(w.t, err)
	j, err = w.Cancel(w.t.Context(), j.ID, "because")
	require.NoError(w.t, err)
	return j
}

// completed submits a job with a webhook and completes it.
func (w *world) completed(s queue.Submission, r queue.Result) *queue.Job {
	w.t.Helper()
	s.Type = "sim"
	j, err := w.Submit(w.t.Context(), s)
	require.NoError(w.t, err)
	worker := queue.WorkerInfo{Machine: "m", Name: "w", Offer: capability.Offer{Type: "sim"}}
	require.NoError(w.t, w.Register(w.t.Context(), worker))
	got, err := w.Claim(w.t.Context(), worker, 1, 0)
	require.NoError(w.t, err)
	require.Len(w.t, got, 1)
	require.NoError(w.t, w.Complete(w.t.Context(), got[0].Lease, r))
	return j
}

// delivery waits until the only delivery of a job is as wanted.
func (w *world) delivery(id string, wanted func(queue.Delivery) bool) queue.Delivery {
	w.t.Helper()
	var last queue.Delivery
	require.Eventually(w.t, func() bool {
		all, err := w.Deliveries(w.t.Context(), id)
		if err != nil || len(all) != 1 {
			return false
		}
		last = all[0]
		return wanted(last)
	}, 40*time.Second, 5*time.Millisecond, "%+v", &last)
	return last
}

func is(status queue.DeliveryStatus) func(queue.Delivery) bool {
	return func(d queue.Delivery) bool { return d.Status == status }
}

// attempted reports whether a delivery has failed n times and waits for its next attempt.
func attempted(n int) func(queue.Delivery) bool {
	return func(d queue.Delivery) bool { return d.Attempts == n && d.NextAt != nil }
}

// advance lets time pass for the deliveries that wait.
func (w *world) advance(d time.Duration) {
	w.t.Helper()
	// The queues of the hosts come first: a sender that found a host due and nothing in its queue would put it off again.
	for _, pattern := range []string{"mq:{sim}:hookq:*", "mq:{sim}:hookhosts"} {
		keys, err := w.rdb.Keys(w.t.Context(), pattern).Result()
		require.NoError(w.t, err)
		for _, key := range keys {
			members, err := w.rdb.ZRange(w.t.Context(), key, 0, -1).Result()
			require.NoError(w.t, err)
			for _, m := range members {
				require.NoError(w.t, w.rdb.ZIncrBy(w.t.Context(), key, -float64(d.Milliseconds()), m).Err())
			}
		}
	}
}

// received is one request to a receiver.
type received struct {
	header http.Header
	body   []byte
}

// receiver is a server that hands requests to a test and answers as it is told.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []received
	answer func(n int, w http.ResponseWriter, r *http.Request) // n is the number of the request, from 1
}

func newReceiver(t *testing.T, answer func(n int, w http.ResponseWriter, r *http.Request)) *receiver {
	t.Helper()
	r := &receiver{answer: answer}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	if err != nil {
		return // the client is gone
	}
	r.mu.Lock()
	r.got = append(r.got, received{request.Header.Clone(), body})
	n := len(r.got)
	r.mu.Unlock()
	if r.answer != nil {
		r.answer(n, w, request)
	}
}

func (r *receiver) all() []received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]received(nil), r.got...)
}

// ids returns the event ids of all requests, in order.
func (r *receiver) ids() []string {
	var out []string
	for _, one := range r.all() {
		out = append(out, one.header.Get("Webhook-Id"))
	}
	return out
}

func status(code int) func(int, http.ResponseWriter, *http.Request) {
	return func(_ int, w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

// counted returns the value of a counter.
func counted(c *prometheus.CounterVec, label string) float64 {
	return testutil.ToFloat64(c.WithLabelValues(label))
}
