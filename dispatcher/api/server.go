package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/alert"
	"github.com/emprops/machinectl/dispatcher/api/wire"
	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/resize"
	"github.com/emprops/machinectl/dispatcher/webhook"
	"github.com/emprops/machinectl/queue"
)

// Queue is what the API needs of the queue. Every method wraps queue.ErrUnavailable while Redis can't be reached.
type Queue interface {
	Submit(ctx context.Context, s queue.Submission) (*queue.Job, error)
	SubmitBatch(ctx context.Context, all []queue.Submission) ([]*queue.Job, error)
	DryRun(ctx context.Context, s queue.Submission) (*queue.Job, *queue.Explanation, error)
	Get(ctx context.Context, id string) (*queue.Job, error)
	List(ctx context.Context, f queue.ListFilter) (jobs []queue.Job, next string, err error)
	Cancel(ctx context.Context, id, reason string) (*queue.Job, error)
	Requeue(ctx context.Context, id string) (*queue.Job, error)
	Pause(ctx context.Context, jobType, reason string) error
	Resume(ctx context.Context, jobType string) error
	Types(ctx context.Context) ([]queue.TypeState, error)
	Limits(ctx context.Context, jobType string) (queue.Limits, error)
	SetLimits(ctx context.Context, jobType string, l queue.Limits) error
	Explain(ctx context.Context, id string) (*queue.Explanation, error)
	Events(ctx context.Context, id, after string) (*queue.EventStream, error)
	Demand(ctx context.Context) ([]queue.ClassDemand, error)
	Machines(ctx context.Context) ([]queue.Machine, error)
	DrainFor(ctx context.Context, machine, reason string, d time.Duration) (*queue.OperatorDrain, error)
	EndDrain(ctx context.Context, machine string) error
	OperatorDrain(ctx context.Context, machine string) (*queue.OperatorDrain, error)
	InFlight(ctx context.Context, machine string) (int, error)
	PoolOrders(ctx context.Context) (map[string]map[string]queue.PoolOrder, error)
	OrderPool(ctx context.Context, pool, kind string, o queue.PoolOrder) error
	WithdrawOrder(ctx context.Context, pool, kind string) (bool, error)
	Ping(ctx context.Context) error
}

// Pools is what the API needs of the resize loop.
type Pools interface {
	Pools(ctx context.Context) []resize.PoolView
	// Pool returns a pool by its name, which may be shortened as far as it fits one pool.
	Pool(ctx context.Context, name string) (resize.PoolView, error)
	// PoolOf returns the full name of a machine's pool, or "" if it isn't known.
	PoolOf(machine string) string
	// Unread returns the places in Nomad that could not be read last.
	Unread(ctx context.Context) []fleet.Unread
	// Able returns the names of the pools whose machines could serve such a job, including pools without a machine now.
	Able(r capability.Requirements) []string
	// Kick asks for a decision soon instead of at the next interval.
	Kick()
	// Leads reports whether this dispatcher is the one of several that resizes pools.
	Leads() bool
	// Health returns why Nomad could not be read the last time, or nil if it could.
	Health() error
}

// Options configure a [Server]. Queue, Pools and Access are required.
type Options struct {
	Listen string // host:port, ":0" picks a port; default 127.0.0.1:8650
	Queue  Queue
	Pools  Pools
	// Access checks each request's token.
	Access *access.Access
	// Certificate makes it HTTPS; nil is plain HTTP.
	Certificate *Certificate
	// OpenMetrics serves /metrics without a token.
	OpenMetrics bool
	// Hosts are names under which the API is reached beside its addresses, the host's name and those in the certificate.
	Hosts []string
	// TrustedProxies are the networks whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Situation returns which dispatcher resizes pools, and the namespaces whose pools none resizes. May be nil.
	Situation func() Situation
	// Alerts returns what is wrong, from what the leading dispatcher keeps. May be nil: there are none.
	Alerts func(context.Context) (alert.Document, error)
	// Webhooks announces jobs' ends. If it is nil, webhooks are refused.
	Webhooks *webhook.Sender
	// BlobRoot is the folder of the file:// blob store whose files are served; if empty, none are. It need not exist yet:
	// the agent that stores the first file creates it.
	BlobRoot string
	Registry *prometheus.Registry // metrics are registered and served from here; default a new one
	Logger   *slog.Logger         // default discards
	MaxBody  int64                // bytes of a request body; default 4 MiB
	// MaxStreams bounds the open event streams, default 1000. StreamBeat is the time between two comments in a quiet stream,
	// default 15 s. WriteTimeout bounds one write to a slow client, default 10 s.
	MaxStreams   int
	StreamBeat   time.Duration
	WriteTimeout time.Duration
	// Timeout bounds the work for one request that is not a stream, default 15 s.
	Timeout time.Duration
}

func (o Options) withDefaults() (Options, error) {
	if o.Queue == nil || o.Pools == nil || o.Access == nil {
		return o, errors.New("api: Queue, Pools and Access are required")
	}
	o.Queue = scoped{o.Queue}
	if o.Listen == "" {
		o.Listen = "127.0.0.1:8650"
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Situation == nil {
		o.Situation = func() Situation { return Situation{} }
	}
	if o.Alerts == nil {
		o.Alerts = func(context.Context) (alert.Document, error) { return alert.Document{}, nil }
	}
	if o.MaxBody <= 0 {
		o.MaxBody = 4 << 20
	}
	if o.MaxStreams <= 0 {
		o.MaxStreams = 1000
	}
	if o.StreamBeat <= 0 {
		o.StreamBeat = 15 * time.Second
	}
	if o.WriteTimeout <= 0 {
		o.WriteTimeout = 10 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	return o, nil
}

// Server serves the API on one listener. Start it once; Stop is idempotent and may be called at any time.
type Server struct {
	o        Options
	log      *slog.Logger
	metrics  *metrics
	document *document
	guard    *guard
	blobs    string // absolute folder of the files that are served; empty: none are
	http     *http.Server
	lis      net.Listener
	streams  atomic.Int64
	// stopping ends with endStreams, and all event streams with it.
	stopping   context.Context
	endStreams context.CancelFunc
	done       chan struct{}
	serveErr   error // set before done is closed
}

// New validates the options and opens the listener, so that Addr is known and a taken port fails immediately.
func New(o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, log: o.Logger, done: make(chan struct{})}
	if o.BlobRoot != "" {
		if s.blobs, err = blobFolder(o.BlobRoot, o.Logger); err != nil {
			return nil, err
		}
	}
	if s.document, err = loadDocument(); err != nil {
		return nil, err
	}
	if s.metrics, err = newMetrics(o.Registry, o); err != nil {
		return nil, err
	}
	if s.guard, err = newGuard(o, s.document.operations); err != nil {
		return nil, err
	}
	s.stopping, s.endStreams = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(o.Logger.Handler(), slog.LevelDebug),
	}
	var lc net.ListenConfig
	if s.lis, err = lc.Listen(s.stopping, "tcp", o.Listen); err != nil {
		s.endStreams()
		return nil, cannotListen(o.Listen, err)
	}
	return s, nil
}

// Addr returns the host:port that the server listens on.
func (s *Server) Addr() string { return s.lis.Addr().String() }

// Start serves in the background. Done is closed when serving has ended, whatever the reason.
func (s *Server) Start() {
	go func() {
		defer close(s.done)
		if err := s.serve(); !errors.Is(err, http.ErrServerClosed) {
			s.serveErr = fmt.Errorf("serving the API: %w", err)
		}
	}()
}

func (s *Server) serve() error {
	if s.o.Certificate == nil {
		return s.http.Serve(s.lis)
	}
	s.http.TLSConfig = s.o.Certificate.config()
	return s.http.ServeTLS(s.lis, "", "")
}

// Done returns a channel that is closed when serving has ended. Err then returns why.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err returns why serving has ended, nil after Stop. It may be called once Done is closed.
func (s *Server) Err() error { return s.serveErr }

// Stop ends the event streams, lets the other requests finish until ctx ends, and closes what is left.
func (s *Server) Stop(ctx context.Context) error {
	s.endStreams() // a stream that begins after this ends immediately
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.http.Close())
	}
	return nil
}

func (s *Server) handler() http.Handler {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.HTTPErrorHandler = s.writeError
	e.Binder = binder{}
	e.IPExtractor = clientAddress(s.o.TrustedProxies)
	e.Use(s.identify, s.secure, s.observe, s.recoverPanics, s.admission)
	each := make(map[string][]echo.MiddlewareFunc, len(s.document.operations))
	for _, op := range s.document.operations {
		each[op.id] = []echo.MiddlewareFunc{s.bound(op), s.validate(op)}
	}
	wire.RegisterHandlersWithOptions(e, wire.NewStrictHandler(s, nil), wire.RegisterHandlersOptions{OperationMiddlewares: each})
	return e
}
