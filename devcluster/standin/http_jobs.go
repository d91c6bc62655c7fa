package standin

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/hashicorp/nomad/api"
)

func (h *httpAPI) jobRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /v1/jobs", h.query(h.listJobs, tableJobs))
	for _, method := range []string{"PUT ", "POST "} {
		mux.HandleFunc(method+"/v1/jobs", h.register)
		mux.HandleFunc(method+"/v1/job/{id}", h.register)
		mux.HandleFunc(method+"/v1/job/{id}/plan", h.plan)
		mux.HandleFunc(method+"/v1/validate/job", h.validate)
		mux.HandleFunc(method+"/v1/job/{id}/evaluate", h.change(h.evaluate))
		mux.HandleFunc(method+"/v1/job/{id}/scale", h.scale)
		mux.HandleFunc(method+"/v1/job/{id}/versions/{tag}/tag", h.change(h.tagVersion))
	}
	mux.HandleFunc("GET /v1/job/{id}", h.query(h.readJob, tableJobs))
	mux.HandleFunc("DELETE /v1/job/{id}", h.change(h.deregister))
	mux.HandleFunc("GET /v1/job/{id}/scale", h.query(h.scaleStatus, tableJobs, tableAllocs))
	mux.HandleFunc("GET /v1/job/{id}/versions", h.query(h.versions, tableJobs))
	mux.HandleFunc("DELETE /v1/job/{id}/versions/{tag}/tag", h.change(h.untagVersion))
	mux.HandleFunc("GET /v1/job/{id}/summary", h.query(h.summary, tableJobs, tableAllocs))
	mux.HandleFunc("GET /v1/job/{id}/allocations", h.query(h.jobAllocations, tableAllocs))
	mux.HandleFunc("GET /v1/job/{id}/evaluations", h.query(h.jobEvaluations, tableEvals))
	mux.HandleFunc("GET /v1/job/{id}/services", h.query(h.jobServices, tableServices))
	mux.HandleFunc("GET /v1/job/{id}/deployments", h.query(none[*api.Deployment], tableJobs))
	mux.HandleFunc("GET /v1/job/{id}/deployment", h.query(func(*http.Request) (any, error) { return json.RawMessage("null"), nil }, tableJobs))
	mux.HandleFunc("GET /v1/deployments", h.query(none[*api.Deployment], tableJobs))
	mux.HandleFunc("GET /v1/scaling/policies", h.query(h.listPolicies, tableJobs))
	mux.HandleFunc("GET /v1/scaling/policy/{id}", h.query(h.readPolicy, tableJobs))
}

// none answers with an empty list: the stand-in has no deployments.
func none[T any](*http.Request) (any, error) { return []T{}, nil }

func (h *httpAPI) key(r *http.Request) jobKey { return jobKey{namespaceOf(r), r.PathValue("id")} }

func (h *httpAPI) record(r *http.Request) (*jobRecord, error) {
	rec := h.store.jobs[h.key(r)]
	if rec == nil {
		return nil, httpErrorf(http.StatusNotFound, "job not found")
	}
	return rec, nil
}

// prepareJob completes and checks a submitted job as Nomad's server does before storing it.
func (h *httpAPI) prepareJob(r *http.Request, job *api.Job) error {
	if job == nil || deref(job.ID) == "" {
		return httpErrorf(http.StatusBadRequest, "Job ID must be specified")
	}
	if deref(job.Namespace) == "" {
		job.Namespace = ptr(namespaceOf(r))
	}
	job.Canonicalize()
	if deref(job.NodePool) == "" {
		job.NodePool = ptr(nodePool)
	}
	if !h.store.hasNamespace(*job.Namespace) {
		return httpErrorf(http.StatusInternalServerError, "job %q is in nonexistent namespace %q", *job.ID, *job.Namespace)
	}
	if errs := validateJob(job); len(errs) > 0 {
		return httpErrorf(http.StatusInternalServerError, "%s", problems(errs))
	}
	return nil
}

func (h *httpAPI) register(w http.ResponseWriter, r *http.Request) {
	h.change(func(r *http.Request, tx *txn) (any, error) {
		var req api.JobRegisterRequest
		if err := decodeBody(r, &req); err != nil {
			return nil, err
		}
		if err := h.prepareJob(r, req.Job); err != nil {
			return nil, err
		}
		k := jobKey{*req.Job.Namespace, *req.Job.ID}
		if req.EnforceIndex {
			if err := tx.checkIndex(k, req.JobModifyIndex); err != nil {
				return nil, err
			}
		}
		eval, index := tx.register(req.Job, req.PreserveCounts)
		return &api.JobRegisterResponse{
			EvalID: eval.ID, EvalCreateIndex: index, JobModifyIndex: index, QueryMeta: api.QueryMeta{LastIndex: tx.index},
		}, nil
	})(w, r)
}

func (h *httpAPI) plan(w http.ResponseWriter, r *http.Request) {
	var req api.JobPlanRequest
	err := decodeBody(r, &req)
	if err == nil {
		if err = h.prepare(r, req.Job); err == nil && *req.Job.ID != r.PathValue("id") {
			err = httpErrorf(http.StatusBadRequest, "Job ID does not match")
		}
	}
	var out *api.JobPlanResponse
	var index uint64
	if err == nil {
		h.store.read(func() { out, index = clone(h.store.plan(req.Job, req.Diff)), h.store.index })
	}
	h.answer(w, index, out, err)
}

// prepare is like prepareJob, for callers that don't hold the lock.
func (h *httpAPI) prepare(r *http.Request, job *api.Job) (err error) {
	h.store.read(func() { err = h.prepareJob(r, job) })
	return err
}

func (h *httpAPI) validate(w http.ResponseWriter, r *http.Request) {
	var req api.JobValidateRequest
	if err := decodeBody(r, &req); err != nil {
		h.answer(w, 0, nil, err)
		return
	}
	if req.Job == nil {
		h.answer(w, 0, nil, httpErrorf(http.StatusBadRequest, "Job must be specified"))
		return
	}
	req.Job.Canonicalize()
	out := &api.JobValidateResponse{DriverConfigValidated: true}
	if errs := validateJob(req.Job); len(errs) > 0 {
		out.ValidationErrors, out.Error = errs, problems(errs)
	}
	h.answer(w, 0, out, nil)
}

func problems(errs []string) string {
	return strconv.Itoa(len(errs)) + " error(s) occurred:\n\n* " + strings.Join(errs, "\n* ")
}

func (h *httpAPI) evaluate(r *http.Request, tx *txn) (any, error) {
	if _, err := h.record(r); err != nil {
		return nil, err
	}
	eval := tx.evaluate(h.key(r), "job-register")
	return &api.JobRegisterResponse{EvalID: eval.ID, EvalCreateIndex: tx.index}, nil
}

func (h *httpAPI) scale(w http.ResponseWriter, r *http.Request) {
	h.change(func(r *http.Request, tx *txn) (any, error) {
		var req api.ScalingRequest
		if err := decodeBody(r, &req); err != nil {
			return nil, err
		}
		if job := req.Target["Job"]; job != "" && job != r.PathValue("id") {
			return nil, httpErrorf(http.StatusBadRequest, "job ID in payload did not match URL")
		}
		return tx.scale(h.key(r), &req)
	})(w, r)
}

func (h *httpAPI) deregister(r *http.Request, tx *txn) (any, error) {
	purge := r.URL.Query().Get("purge") == "true"
	eval := tx.deregister(h.key(r), purge)
	return &api.JobDeregisterResponse{EvalID: eval.ID, EvalCreateIndex: tx.index, JobModifyIndex: tx.index}, nil
}

func (h *httpAPI) readJob(r *http.Request) (any, error) {
	rec, err := h.record(r)
	if err != nil {
		return nil, err
	}
	return rec.job, nil
}

func (h *httpAPI) scaleStatus(r *http.Request) (any, error) {
	rec, err := h.record(r)
	if err != nil {
		return nil, err
	}
	return h.store.scaleStatus(rec), nil
}

func (h *httpAPI) versions(r *http.Request) (any, error) {
	rec, err := h.record(r)
	if err != nil {
		return nil, httpErrorf(http.StatusNotFound, "job versions not found")
	}
	out := api.JobVersionsResponse{Versions: rec.versions}
	if r.URL.Query().Get("diffs") == "true" {
		for i := range len(rec.versions) - 1 {
			out.Diffs = append(out.Diffs, jobDiff(rec.versions[i+1], rec.versions[i]))
		}
	}
	return out, nil
}

func (h *httpAPI) summary(r *http.Request) (any, error) {
	rec, err := h.record(r)
	if err != nil {
		return nil, err
	}
	return h.store.summary(rec.job), nil
}

func (s *store) summary(job *api.Job) *api.JobSummary {
	k := jobKey{*job.Namespace, *job.ID}
	out := &api.JobSummary{JobID: k.id, Namespace: k.namespace, Summary: map[string]api.TaskGroupSummary{}, CreateIndex: *job.CreateIndex, ModifyIndex: s.touched[tableAllocs]}
	for _, tg := range job.TaskGroups {
		out.Summary[*tg.Name] = api.TaskGroupSummary{}
	}
	for _, a := range s.jobAllocs(k) {
		g := out.Summary[a.TaskGroup]
		switch a.ClientStatus {
		case api.AllocClientStatusPending:
			g.Starting++
		case api.AllocClientStatusRunning:
			g.Running++
		case api.AllocClientStatusComplete:
			g.Complete++
		case api.AllocClientStatusFailed:
			g.Failed++
		}
		out.Summary[a.TaskGroup] = g
	}
	if e := s.blockedEval(k); e != nil {
		for group, n := range e.QueuedAllocations {
			g := out.Summary[group]
			g.Queued = n
			out.Summary[group] = g
		}
	}
	return out
}

func (h *httpAPI) listJobs(r *http.Request) (any, error) {
	out := []*api.JobListStub{}
	prefix, meta := r.URL.Query().Get("prefix"), r.URL.Query().Get("meta") == "true"
	for k, rec := range h.store.jobs {
		if !inNamespace(r, k.namespace) || !strings.HasPrefix(k.id, prefix) {
			continue
		}
		j := rec.job
		stub := &api.JobListStub{
			ID: k.id, Name: *j.Name, Namespace: k.namespace, Datacenters: j.Datacenters, Type: *j.Type, Priority: *j.Priority,
			Status: deref(j.Status), Stop: deref(j.Stop), JobSummary: h.store.summary(j), CreateIndex: *j.CreateIndex,
			ModifyIndex: *j.ModifyIndex, JobModifyIndex: *j.JobModifyIndex, SubmitTime: deref(j.SubmitTime),
		}
		if meta {
			stub.Meta = j.Meta
		}
		out = append(out, stub)
	}
	slices.SortFunc(out, func(a, b *api.JobListStub) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func (h *httpAPI) jobAllocations(r *http.Request) (any, error) {
	out := []*api.AllocationListStub{}
	for _, a := range h.store.jobAllocs(h.key(r)) {
		out = append(out, stubOf(a))
	}
	sortAllocs(out)
	return out, nil
}

func (h *httpAPI) jobEvaluations(r *http.Request) (any, error) {
	out := []*api.Evaluation{}
	k := h.key(r)
	for _, e := range h.store.evals {
		if e.JobID == k.id && e.Namespace == k.namespace {
			out = append(out, e)
		}
	}
	slices.SortFunc(out, func(a, b *api.Evaluation) int { return cmp.Compare(b.CreateIndex, a.CreateIndex) })
	return out, nil
}

func (h *httpAPI) jobServices(r *http.Request) (any, error) {
	if _, err := h.record(r); err != nil {
		return nil, err
	}
	out := []*api.ServiceRegistration{}
	k := h.key(r)
	for _, s := range h.store.service {
		if s.JobID == k.id && s.Namespace == k.namespace {
			out = append(out, s)
		}
	}
	slices.SortFunc(out, func(a, b *api.ServiceRegistration) int { return cmp.Compare(a.ID, b.ID) })
	return out, nil
}

func (h *httpAPI) policies(r *http.Request) []*api.ScalingPolicy {
	var out []*api.ScalingPolicy
	for k, rec := range h.store.jobs {
		if !inNamespace(r, k.namespace) || deref(rec.job.Stop) {
			continue
		}
		if id := r.URL.Query().Get("job"); id != "" && id != k.id {
			continue
		}
		for _, tg := range rec.job.TaskGroups {
			if tg.Scaling != nil {
				out = append(out, tg.Scaling)
			}
		}
	}
	slices.SortFunc(out, func(a, b *api.ScalingPolicy) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func (h *httpAPI) listPolicies(r *http.Request) (any, error) {
	out := []*api.ScalingPolicyListStub{}
	for _, p := range h.policies(r) {
		out = append(out, &api.ScalingPolicyListStub{
			ID: p.ID, Enabled: deref(p.Enabled), Type: p.Type, Target: p.Target, CreateIndex: p.CreateIndex, ModifyIndex: p.ModifyIndex,
		})
	}
	return out, nil
}

func (h *httpAPI) readPolicy(r *http.Request) (any, error) {
	q := r.URL.Query()
	q.Set("namespace", "*")
	r.URL.RawQuery = q.Encode()
	for _, p := range h.policies(r) {
		if p.ID == r.PathValue("id") {
			return p, nil
		}
	}
	return nil, httpErrorf(http.StatusNotFound, "policy not found")
}
