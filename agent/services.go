package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/nettext"
	"github.com/emprops/machinectl/queue"
)

// The holders of a worker's gate.
const (
	holdService = "service"
	holdGPU     = "gpu"
)

// failuresToUnready is how many checks in a row must fail before a ready service is considered unready. ComfyUI doesn't
// answer for seconds while it loads a model.
const failuresToUnready = 3

// service watches one service instance and holds its workers back while it isn't ready.
type service struct {
	spec    manifest.Service
	addr    string
	workers []*worker
	changed func() // called after each change

	mu    sync.Mutex
	ready bool
	err   string
}

func newService(s manifest.Service, addr string, workers []*worker, changed func()) *service {
	v := &service{spec: s, addr: addr, workers: workers, changed: changed}
	v.set(false, "not checked yet")
	return v
}

// watch checks the service until life ends.
func (s *service) watch(life context.Context) {
	every, timeout := time.Second, 2*time.Second
	if r := s.spec.Ready; r != nil {
		if r.Interval > 0 {
			every = r.Interval.D()
		}
		if r.Timeout > 0 {
			timeout = r.Timeout.D()
		}
	}
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	failures := 0
	for {
		ctx, done := context.WithTimeout(life, timeout)
		err := s.check(ctx, client)
		done()
		switch {
		case life.Err() != nil:
			return
		case err == nil:
			failures = 0
			s.set(true, "")
		default:
			failures++
			s.set(s.isReady() && failures < failuresToUnready, s.problem(err, timeout))
		}
		pause(life, every)
	}
}

// problem describes the error of a check that took at most timeout, for operators.
func (s *service) problem(err error, timeout time.Duration) string {
	var answered *statusError
	switch {
	case errors.As(err, &answered):
		return answered.Error()
	case nettext.TimedOut(err):
		return fmt.Sprintf("%s did not answer within %s", s.addr, timetext.Duration(timeout))
	default:
		return s.addr + ": " + nettext.Reason(err)
	}
}

// statusError is an answer other than 2xx.
type statusError struct{ url, status string }

func (e *statusError) Error() string { return fmt.Sprintf("GET %s: status %s", e.url, e.status) }

// check returns why the service isn't ready, or nil if it is. A service without a readiness check is ready when its port
// accepts connections; one without a port always is.
func (s *service) check(ctx context.Context, client *http.Client) error {
	switch {
	case s.addr == "":
		return nil
	case s.spec.Ready == nil:
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", s.addr)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+s.spec.Ready.Path, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // lets the server finish writing; only the status matters
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return &statusError{url: req.URL.String(), status: resp.Status}
	}
	return nil
}

func (s *service) isReady() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready
}

func (s *service) set(ready bool, problem string) {
	s.mu.Lock()
	same := s.ready == ready && s.err == problem
	s.ready, s.err = ready, problem
	s.mu.Unlock()
	reason := ""
	if !ready {
		reason = fmt.Sprintf("service %s is not ready: %s", s.spec.Name, problem)
	}
	for _, w := range s.workers {
		w.gate.set(holdService, reason)
	}
	if !same {
		s.changed()
	}
}

func (s *service) status() queue.ServiceStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return queue.ServiceStatus{Name: s.spec.Name, Ready: s.ready, Addr: s.addr, Error: s.err}
}
