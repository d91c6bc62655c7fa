package webhook

import (
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/emprops/machinectl/netguard"
	"github.com/emprops/machinectl/queue"
)

// Options configure a [Sender]. Queue is required.
type Options struct {
	// Queue returns the queue, or an error that wraps queue.ErrUnavailable until it is open.
	Queue func() (*queue.Client, error)
	// Guard decides which addresses may be reached; default public ones over https.
	Guard *netguard.Guard
	// PublicURL is where clients reach the dispatcher's API, for the links in a body. Without it the links are paths.
	PublicURL string
	// Timeout bounds one attempt, default 15 s.
	Timeout time.Duration
	// PerHost bounds the attempts at a time to one host, default 8; Total to all hosts, default 512.
	PerHost, Total int
	// Every is the time between two searches for deliveries that are due, default 500 ms.
	Every    time.Duration
	Registry *prometheus.Registry // default a new one
	Logger   *slog.Logger         // default discards
}

func (o Options) withDefaults() (Options, error) {
	if o.Queue == nil {
		return o, errors.New("webhook: the queue is missing")
	}
	if o.Guard == nil {
		o.Guard = &netguard.Guard{}
	}
	if o.Timeout == 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Every == 0 {
		o.Every = 500 * time.Millisecond
	}
	if o.PerHost == 0 {
		o.PerHost = 8
	}
	if o.Total == 0 {
		o.Total = 512
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.PublicURL = strings.TrimRight(o.PublicURL, "/")
	return o, nil
}

// hold is how long a delivery is this dispatcher's: an attempt, and the time to record it.
func (o Options) hold() time.Duration { return o.Timeout + 45*time.Second }
