package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/emprops/machinectl/queue"
)

// Sender delivers webhooks; see the package documentation.
type Sender struct {
	o       Options
	client  *http.Client
	secrets *Secrets
	slots   *slots
	metrics *metrics
	kick    chan struct{}
	failing bool // the queue failed in the last pass
}

const (
	// filing is how many ends of a type's jobs one pass files before it delivers.
	filing = 1000
	// coalesce is the shortest time between two passes.
	coalesce = 10 * time.Millisecond
	// grace is how long attempts that are under way may go on when the sender is stopped. What is cut off is delivered again.
	grace = 5 * time.Second
)

// NewSender returns a sender that signs with the given secrets.
func NewSender(o Options, secrets *Secrets) (*Sender, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Sender{o: o, secrets: secrets, slots: newSlots(o.Total, o.PerHost), kick: make(chan struct{}, 1)}
	s.metrics = newMetrics(o.Registry)
	s.client = &http.Client{
		Transport:     o.Guard.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// Run delivers webhooks until ctx ends, and then lets attempts that are under way finish for a short while.
func (s *Sender) Run(ctx context.Context) {
	work, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var attempts sync.WaitGroup
	defer s.client.CloseIdleConnections()
	tick := time.NewTicker(s.o.Every)
	defer tick.Stop()
	for {
		s.pass(ctx, work, &attempts)
		select {
		case <-ctx.Done():
			timer := time.AfterFunc(grace, cut)
			attempts.Wait()
			timer.Stop()
			return
		case <-tick.C:
		case <-s.kick:
			select {
			case <-ctx.Done():
			case <-time.After(coalesce):
			}
		}
	}
}

// pass starts as many attempts as are due and allowed.
func (s *Sender) pass(ctx, work context.Context, attempts *sync.WaitGroup) {
	err := s.start(ctx, work, attempts)
	if ctx.Err() != nil {
		return
	}
	if failing := err != nil; failing != s.failing {
		s.failing = failing
		switch {
		case !failing:
			s.o.Logger.Info("recovered", "from", "cannot deliver webhooks")
		case errors.Is(err, queue.ErrUnavailable):
			s.o.Logger.Warn("cannot deliver webhooks", "error", err)
		default:
			s.o.Logger.Error("cannot deliver webhooks", "error", err)
		}
	}
}

func (s *Sender) start(ctx, work context.Context, attempts *sync.WaitGroup) error {
	c, err := s.o.Queue()
	if err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if n, err := c.FileEnds(limited, filing); err != nil {
		return err
	} else if n >= filing {
		s.again()
	}
	// Hosts with more work than slots are due all the time. Reading more hosts than there are such hosts finds the others.
	hosts, err := c.DueHosts(limited, s.o.Total+s.slots.forget())
	if err != nil {
		return err
	}
	for _, at := range hosts {
		n := s.slots.free(at.Host)
		if n == 0 {
			continue
		}
		taken, err := c.TakeDeliveries(limited, at, n, s.o.hold())
		if err != nil {
			return err
		}
		for _, d := range taken {
			s.slots.take(at.Host)
			attempts.Go(func() {
				failed := s.deliver(work, c, d)
				s.slots.give(at.Host, failed)
				s.again()
			})
		}
	}
	return nil
}

// again asks for another pass soon.
func (s *Sender) again() {
	select {
	case s.kick <- struct{}{}:
	default: // it is already asked for
	}
}

// deliver makes one attempt and records it. It reports whether the host failed. If the queue fails, the delivery is not
// recorded, and is made again when it isn't held any longer.
func (s *Sender) deliver(ctx context.Context, c *queue.Client, d queue.HeldDelivery) (failed bool) {
	log := s.o.Logger.With("event", d.Event, "url", endpointOf(d.URL))
	off, err := c.EndpointDisabled(ctx, endpointOf(d.URL))
	if err != nil {
		log.Debug("webhook left for later", "error", err)
		return false
	}
	if off {
		s.record(ctx, c, d, nil, queue.Outcome{GivenUp: "the endpoint is disabled, because it once answered 410 Gone"})
		return false
	}
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	begin := time.Now()
	a, err := s.request(ctx, d.JobEnd)
	if err != nil || ctx.Err() != nil {
		log.Debug("webhook left for later", "error", errors.Join(err, ctx.Err()))
		return false
	}
	took := time.Since(begin)
	s.metrics.attempted(a, took)
	o := next(d.Delivery.Attempts+1, a)
	if a.gone() {
		if err := c.DisableEndpoint(ctx, endpointOf(d.URL)); err != nil {
			log.Debug("webhook left for later", "error", err)
			return true
		}
		log.Warn("webhook endpoint disabled", "reason", "410 Gone")
	}
	s.record(ctx, c, d, &queue.DeliveryAttempt{At: begin.UTC().Truncate(time.Millisecond), Millis: took.Milliseconds(), Status: a.status, Problem: a.problem}, o)
	return a.problem != ""
}

// record records an attempt. It tries again while Redis can't be reached, for as long as the delivery is held.
func (s *Sender) record(ctx context.Context, c *queue.Client, d queue.HeldDelivery, a *queue.DeliveryAttempt, o queue.Outcome) {
	log := s.o.Logger.With("event", d.Event, "url", endpointOf(d.URL))
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = 100*time.Millisecond, 5*time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := c.RecordDelivery(ctx, d, a, o)
		if err != nil && !errors.Is(err, queue.ErrUnavailable) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(s.o.hold()-s.o.Timeout))
	switch {
	case errors.Is(err, queue.ErrStale): // held for too long, or Redis lost it
		log.Debug("webhook recorded by another dispatcher")
	case err != nil:
		log.Warn("webhook delivered again later, this attempt is not recorded", "error", err)
	case o.GivenUp != "":
		s.metrics.ended("given_up", d.At)
		log.Error("webhook given up", "job", d.JobID, "state", string(d.State), "reason", o.GivenUp)
	case o.After == 0:
		s.metrics.ended("delivered", d.At)
		log.Debug("webhook delivered", "job", d.JobID)
	default:
		log.Info("webhook failed", "problem", a.Problem, "next", o.After.Round(time.Second))
	}
}
