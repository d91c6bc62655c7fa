package standin

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/nomad/api"
)

func (h *httpAPI) allocRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/allocations", h.query(h.listAllocs, tableAllocs))
	mux.HandleFunc("GET /v1/allocation/{id}", h.query(h.readAlloc, tableAllocs))
	mux.HandleFunc("GET /v1/allocation/{id}/services", h.query(h.allocServices, tableServices))
	mux.HandleFunc("GET /v1/client/allocation/{id}/checks", h.allocChecks)
	mux.HandleFunc("GET /v1/evaluations", h.query(h.listEvals, tableEvals))
	mux.HandleFunc("GET /v1/evaluation/{id}", h.query(h.readEval, tableEvals))
	mux.HandleFunc("GET /v1/evaluation/{id}/allocations", h.query(h.evalAllocs, tableAllocs))
	for _, method := range []string{"PUT ", "POST "} {
		mux.HandleFunc(method+"/v1/allocation/{id}/stop", h.change(h.stopAlloc))
		mux.HandleFunc(method+"/v1/client/allocation/{id}/restart", h.restart)
		mux.HandleFunc(method+"/v1/client/allocation/{id}/signal", h.signal)
	}
}

// alloc finds an allocation by its id or, as in Nomad's lists, by an unambiguous prefix of it.
func (h *httpAPI) alloc(r *http.Request) (*api.Allocation, error) {
	if a := h.store.allocs[r.PathValue("id")]; a != nil {
		return a, nil
	}
	return nil, httpErrorf(http.StatusNotFound, "alloc not found")
}

func (h *httpAPI) readAlloc(r *http.Request) (any, error) {
	a, err := h.alloc(r)
	if err != nil {
		return nil, err
	}
	return a, nil
}

func (h *httpAPI) listAllocs(r *http.Request) (any, error) {
	out := []*api.AllocationListStub{}
	prefix, full := r.URL.Query().Get("prefix"), r.URL.Query().Get("resources") == "true"
	for _, a := range h.store.allocs {
		if !inNamespace(r, a.Namespace) || !strings.HasPrefix(a.ID, prefix) {
			continue
		}
		stub := stubOf(a)
		if full {
			stub.AllocatedResources = a.AllocatedResources
		}
		out = append(out, stub)
	}
	sortAllocs(out)
	return out, nil
}

// stubOf returns [api.Allocation.Stub] plus the fields that it leaves out.
func stubOf(a *api.Allocation) *api.AllocationListStub {
	s := a.Stub()
	s.JobType, s.JobVersion = *a.Job.Type, deref(a.Job.Version)
	s.NextAllocation = a.NextAllocation
	s.AllocatedResources = nil
	return s
}

func sortAllocs(list []*api.AllocationListStub) {
	slices.SortFunc(list, func(a, b *api.AllocationListStub) int {
		return cmp.Or(cmp.Compare(b.CreateIndex, a.CreateIndex), cmp.Compare(a.Name, b.Name))
	})
}

func (h *httpAPI) allocServices(r *http.Request) (any, error) {
	out := []*api.ServiceRegistration{}
	for _, s := range h.store.service {
		if s.AllocID == r.PathValue("id") {
			out = append(out, s)
		}
	}
	return out, nil
}

func (h *httpAPI) allocChecks(w http.ResponseWriter, r *http.Request) {
	out := api.AllocCheckStatuses{}
	if run := h.client.runner(r.PathValue("id")); run != nil {
		run.mu.Lock()
		maps.Copy(out, run.checks)
		run.mu.Unlock()
	}
	h.answer(w, 0, out, nil)
}

func (h *httpAPI) stopAlloc(r *http.Request, tx *txn) (any, error) {
	a, err := h.alloc(r)
	if err != nil {
		return nil, err
	}
	moved := *a
	moved.DesiredTransition.Migrate = ptr(true)
	tx.putAlloc(&moved)
	eval := tx.evaluate(jobKey{a.Namespace, a.JobID}, "alloc-stop")
	return map[string]any{"EvalID": eval.ID, "Index": tx.index}, nil
}

// running finds the runner of a live allocation.
func (h *httpAPI) running(r *http.Request) (*allocRunner, error) {
	var err error
	h.store.read(func() { _, err = h.alloc(r) })
	if err != nil {
		return nil, err
	}
	run := h.client.runner(r.PathValue("id"))
	if run == nil {
		return nil, httpErrorf(http.StatusNotFound, "Unknown allocation %q", r.PathValue("id"))
	}
	return run, nil
}

// eachTask calls f for the named task, or for every running one if the name is empty.
func (r *allocRunner) eachTask(name string, f func(*taskRunner) error) error {
	found := false
	for _, t := range r.tasks {
		if name != "" && t.name != name || name == "" && t.snapshot().State != taskRunning {
			continue
		}
		found = true
		if err := f(t); err != nil {
			return httpErrorf(http.StatusInternalServerError, "%s", err)
		}
	}
	if !found && name != "" {
		return httpErrorf(http.StatusBadRequest, "Unknown task name %q", name)
	}
	return nil
}

func (h *httpAPI) restart(w http.ResponseWriter, r *http.Request) {
	var req api.AllocationRestartRequest
	err := decodeBody(r, &req)
	if err == nil && req.AllTasks && req.TaskName != "" {
		err = httpErrorf(http.StatusBadRequest, "cannot specify task name and all tasks")
	}
	if err == nil && req.AllTasks {
		err = httpErrorf(http.StatusNotImplemented, "devcluster's stand-in restarts running tasks only, not all of an allocation's")
	}
	var run *allocRunner
	if err == nil {
		run, err = h.running(r)
	}
	if err == nil {
		err = run.eachTask(req.TaskName, (*taskRunner).restart)
	}
	h.answer(w, 0, map[string]any{}, err)
}

func (h *httpAPI) signal(w http.ResponseWriter, r *http.Request) {
	var req api.AllocSignalRequest
	err := decodeBody(r, &req)
	var run *allocRunner
	if err == nil {
		run, err = h.running(r)
	}
	if err == nil {
		if _, ok := signalNumber(req.Signal); !ok {
			req.Signal = "SIGINT" // what raw_exec uses for an unknown signal
		}
		err = run.eachTask(req.Task, func(t *taskRunner) error { return t.signal(req.Signal) })
	}
	h.answer(w, 0, map[string]any{}, err)
}

func (h *httpAPI) listEvals(r *http.Request) (any, error) {
	out := []*api.Evaluation{}
	for _, e := range h.store.evals {
		if inNamespace(r, e.Namespace) {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *api.Evaluation) int { return cmp.Compare(b.CreateIndex, a.CreateIndex) })
	return out, nil
}

func (h *httpAPI) readEval(r *http.Request) (any, error) {
	if e := h.store.evals[r.PathValue("id")]; e != nil {
		return e, nil
	}
	return nil, httpErrorf(http.StatusNotFound, "eval not found")
}

func (h *httpAPI) evalAllocs(r *http.Request) (any, error) {
	out := []*api.AllocationListStub{}
	for _, a := range h.store.allocs {
		if a.EvalID == r.PathValue("id") {
			out = append(out, stubOf(a))
		}
	}
	sortAllocs(out)
	return out, nil
}
