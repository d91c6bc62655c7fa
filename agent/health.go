package agent

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/queue"
)

// health is the body of /health and /ready.
type health struct {
	Status   string   `json:"status"` // ok or failing
	State    string   `json:"state"`  // of the machine, see queue.Machine
	Problems []string `json:"problems,omitempty"`
}

// fullStatus is the body of /status: the machine's report and the state of its agent.
type fullStatus struct {
	queue.Machine
	PID        int       `json:"pid"`
	Uptime     string    `json:"uptime"`
	QueueUp    bool      `json:"queue_up"`
	QueueSince time.Time `json:"queue_since"` // of queue_up's last change
	QueueError string    `json:"queue_error,omitempty"`
	CanRestart bool      `json:"can_restart"` // POST /restart/service works (with the token)
}

// serve answers on l until the returned function is called.
func (a *agent) serve(l net.Listener) (stop func()) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", a.getHealth)
	mux.HandleFunc("GET /ready", a.getReady)
	mux.HandleFunc("GET /status", a.getStatus)
	mux.HandleFunc("POST /restart/service", a.postRestart)
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 30 * time.Second,
		ReadTimeout: 10 * time.Second, WriteTimeout: 40 * time.Second, // longer than Nomad may take to restart a task
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("health server failed", "error", err)
		}
	}()
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), readersGrace)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close() // cuts off requests in progress
		}
		<-done
	}
}

// getHealth answers 200 if everything the machine needs is healthy, else 503 with the problems.
func (a *agent) getHealth(w http.ResponseWriter, _ *http.Request) {
	h := health{State: a.status().State, Problems: a.problems()}
	a.answer(w, h)
}

// getReady answers 200 if the machine takes jobs, else 503 with the reason.
func (a *agent) getReady(w http.ResponseWriter, _ *http.Request) {
	m := a.status()
	h := health{State: m.State}
	if m.State != queue.MachineReady {
		h.Problems = append(h.Problems, stateProblem(m))
	}
	if since, err := a.link.state(); err != nil {
		h.Problems = append(h.Problems, queueProblem(since, err))
	}
	a.answer(w, h)
}

// stateProblem describes why a machine takes no jobs. Not every state has a reason.
func stateProblem(m queue.Machine) string {
	if m.Reason == "" {
		return m.State
	}
	return m.State + ": " + m.Reason
}

func (a *agent) problems() (found []string) {
	if since, err := a.link.state(); err != nil {
		found = append(found, queueProblem(since, err))
	}
	for _, s := range a.services {
		if st := s.status(); !st.Ready {
			found = append(found, fmt.Sprintf("service %s is not ready: %s", st.Name, st.Error))
		}
	}
	for _, w := range a.workers {
		if w.gate.held(holdGPU) {
			found = append(found, fmt.Sprintf("worker %s: %s", w.spec.Name, w.gate.reason()))
		}
	}
	return found
}

func queueProblem(since time.Time, err error) string {
	return fmt.Sprintf("the queue has not answered for %s: %v", timetext.Duration(time.Since(since).Round(time.Second)), err)
}

func (a *agent) answer(w http.ResponseWriter, h health) {
	code := http.StatusOK
	h.Status = "ok"
	if len(h.Problems) > 0 {
		h.Status, code = "failing", http.StatusServiceUnavailable
	}
	writeJSON(w, code, h)
}

func (a *agent) getStatus(w http.ResponseWriter, _ *http.Request) {
	since, err := a.link.state()
	s := fullStatus{
		Machine: a.status(), PID: os.Getpid(), Uptime: time.Since(a.startedAt).Round(time.Second).String(),
		QueueUp: err == nil, QueueSince: since.UTC(), CanRestart: a.o.Token != "" && a.o.Tasks != nil,
	}
	if err != nil {
		s.QueueError = err.Error()
	}
	writeJSON(w, http.StatusOK, s)
}

// postRestart restarts the Nomad task of one service. It requires the agent's token, so that neither a web page nor another
// host on the network can do it. If the agent's environment has no token, restarts are refused.
func (a *agent) postRestart(w http.ResponseWriter, r *http.Request) {
	refuse := func(code int, format string, args ...any) {
		writeJSON(w, code, map[string]string{"error": fmt.Sprintf(format, args...)})
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case a.o.Token == "":
		refuse(http.StatusForbidden, "restarts are off: the machine's agent has no %s", EnvToken)
		return
	case !ok || subtle.ConstantTimeCompare([]byte(given), []byte(a.o.Token)) != 1:
		w.Header().Set("WWW-Authenticate", "Bearer")
		refuse(http.StatusUnauthorized, "want the header Authorization: Bearer <%s>", EnvToken)
		return
	case a.o.Tasks == nil:
		refuse(http.StatusServiceUnavailable, "this agent has no Nomad Task API: the task needs an identity block with env = true")
		return
	}
	name := r.URL.Query().Get("service")
	if !slices.ContainsFunc(a.services, func(s *service) bool { return s.spec.Name == name }) {
		refuse(http.StatusNotFound, "no service %q on this machine; /status lists them", name)
		return
	}
	if err := a.o.Tasks.Restart(r.Context(), name); err != nil {
		a.log.Error("cannot restart a service", "service", name, "error", err)
		refuse(http.StatusBadGateway, "Nomad did not restart %s: %v", name, err)
		return
	}
	a.log.Info("service restarted", "service", name, "client", r.RemoteAddr)
	writeJSON(w, http.StatusOK, map[string]string{"restarted": name})
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // all bodies can be encoded; the client may be gone
}
