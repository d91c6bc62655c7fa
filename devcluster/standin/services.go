package standin

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"
)

// checkStatus is a service check's last result, as GET /v1/client/allocation/:id/checks shows it.
type checkStatus = api.AllocCheckStatus

// serviceRunner registers an allocation's services and runs their checks. Group services are registered as soon as the
// allocation's tasks run, a task's when that task runs.
type serviceRunner struct {
	alloc  *allocRunner
	mu     sync.Mutex
	live   map[string]context.CancelFunc // registration id → ends its checks
	closed bool
	wait   sync.WaitGroup
}

func newServiceRunner(r *allocRunner) *serviceRunner {
	return &serviceRunner{alloc: r, live: map[string]context.CancelFunc{}}
}

// update registers services of tasks that have started and deregisters those of tasks that have ended.
func (s *serviceRunner) update() {
	a := s.alloc.current()
	tg := a.GetTaskGroup()
	if tg == nil {
		return
	}
	running := map[string]bool{}
	for _, t := range s.alloc.tasks {
		running[t.name] = t.snapshot().State == taskRunning
	}
	want := map[string]func(){}
	for _, svc := range tg.Services {
		if len(running) > 0 && s.alloc.anyRunning() {
			s.want(want, a, svc, "group-"+*tg.Name)
		}
	}
	for _, t := range tg.Tasks {
		for _, svc := range t.Services {
			if running[t.Name] {
				s.want(want, a, svc, t.Name)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	for id, stop := range s.live {
		if want[id] == nil {
			s.remove(id, stop)
		}
	}
	for id, register := range want {
		if s.live[id] == nil {
			register()
		}
	}
}

func (r *allocRunner) anyRunning() bool {
	for _, t := range r.tasks {
		if t.snapshot().State == taskRunning {
			return true
		}
	}
	return false
}

// want records that a service must be registered. The function that it adds is called with the lock held.
func (s *serviceRunner) want(want map[string]func(), a *api.Allocation, svc *api.Service, owner string) {
	if svc.Provider != "nomad" {
		return // for Consul, which the stand-in doesn't have
	}
	name := s.alloc.interpolate(svc.Name)
	id := fmt.Sprintf("_nomad-task-%s-%s-%s-%s", a.ID, owner, name, svc.PortLabel)
	addr, port := portOf(a, svc.PortLabel)
	reg := &api.ServiceRegistration{
		ID: id, ServiceName: name, Namespace: a.Namespace, NodeID: a.NodeID, Datacenter: datacenter, JobID: a.JobID, AllocID: a.ID,
		Tags: append([]string{}, svc.Tags...), Address: addr, Port: port,
	}
	for i, tag := range reg.Tags {
		reg.Tags[i] = s.alloc.interpolate(tag)
	}
	want[id] = func() {
		ctx, cancel := context.WithCancel(s.alloc.client.ctx)
		s.live[id] = cancel
		s.alloc.client.store.putService(reg)
		for i, c := range svc.Checks {
			s.wait.Go(func() { s.alloc.check(ctx, reg, svc, c, i) })
		}
	}
}

func (s *serviceRunner) remove(id string, stop context.CancelFunc) {
	stop()
	delete(s.live, id)
	s.alloc.client.store.dropService(id)
}

// close removes all registrations and waits for the checks. Calling it again does nothing.
func (s *serviceRunner) close() {
	s.mu.Lock()
	s.closed = true
	for id, stop := range s.live {
		s.remove(id, stop)
	}
	s.mu.Unlock()
	s.wait.Wait()
}

// interpolate fills in group-level names: a group service sees what the first task sees, except the task's name.
func (r *allocRunner) interpolate(s string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	a := r.current()
	return newTaskEnv(r.client.store.node, a, a.GetTaskGroup().Tasks[0], r.dir, "").replace(s)
}

func portOf(a *api.Allocation, label string) (string, int) {
	for _, p := range a.AllocatedResources.Shared.Ports {
		if p.Label == label {
			return p.HostIP, p.Value
		}
	}
	return "127.0.0.1", 0
}

func (s *store) putService(reg *api.ServiceRegistration) {
	s.mustWrite(func(tx *txn) {
		reg.CreateIndex, reg.ModifyIndex = tx.index, tx.index
		tx.service[reg.ID] = reg
		tx.touch(tableServices)
		tx.event(api.TopicService, "ServiceRegistration", reg.ID, []string{reg.JobID, reg.ServiceName, reg.AllocID}, reg)
	})
}

func (s *store) dropService(id string) {
	s.mustWrite(func(tx *txn) {
		if reg := tx.service[id]; reg != nil {
			delete(tx.service, id)
			tx.touch(tableServices)
			tx.event(api.TopicService, "ServiceDeregistration", id, []string{reg.JobID, reg.ServiceName, reg.AllocID}, reg)
		}
	})
}

// mustWrite is like write, for changes that can't fail.
func (s *store) mustWrite(f func(*txn)) {
	if _, err := s.write(func(tx *txn) error { f(tx); return nil }); err != nil {
		panic("standin: a change that can't fail has: " + err.Error())
	}
}

// check runs one check at its interval until ctx ends.
func (r *allocRunner) check(ctx context.Context, reg *api.ServiceRegistration, svc *api.Service, c api.ServiceCheck, n int) {
	id := uuidOf(fmt.Sprintf("%s %d", reg.ID, n))
	status := checkStatus{
		ID: id, Check: c.Name, Group: r.current().Name, Service: reg.ServiceName, Mode: "healthiness", Status: "pending",
		Output: "nomad: waiting to run",
	}
	if status.Check == "" {
		status.Check = fmt.Sprintf("service: %q check", svc.Name)
	}
	r.setCheck(status)
	defer r.dropCheck(id)
	addr, port := reg.Address, reg.Port
	if c.PortLabel != "" {
		addr, port = portOf(r.current(), c.PortLabel)
	}
	tick := time.NewTicker(max(c.Interval, 100*time.Millisecond))
	defer tick.Stop()
	for {
		status.Status, status.Output, status.StatusCode = runCheck(ctx, c, fmt.Sprintf("%s:%d", addr, port), r.interpolate(c.Path))
		status.Timestamp = time.Now().Unix()
		if ctx.Err() != nil {
			return
		}
		r.setCheck(status)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (r *allocRunner) setCheck(s checkStatus) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks[s.ID] = s
}

func (r *allocRunner) dropCheck(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.checks, id)
}

func runCheck(ctx context.Context, c api.ServiceCheck, addr, path string) (status, output string, code int) {
	ctx, cancel := context.WithTimeout(ctx, max(c.Timeout, 10*time.Millisecond))
	defer cancel()
	if c.Type == "tcp" {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
		if err != nil {
			return "failure", "nomad: " + err.Error(), 0
		}
		if err := conn.Close(); err != nil {
			return "failure", "nomad: " + err.Error(), 0
		}
		return "success", "nomad: tcp ok", 0
	}
	scheme, method := c.Protocol, c.Method
	if scheme == "" {
		scheme = "http"
	}
	if method == "" {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(ctx, method, scheme+"://"+addr+path, strings.NewReader(c.Body))
	if err != nil {
		return "failure", "nomad: " + err.Error(), 0
	}
	for k, v := range c.Header {
		req.Header[k] = v
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "failure", "nomad: " + err.Error(), 0
	}
	if err := res.Body.Close(); err != nil {
		return "failure", "nomad: " + err.Error(), 0
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return "failure", "nomad: http " + res.Status, res.StatusCode
	}
	return "success", "nomad: http ok", res.StatusCode
}
