package standin

import (
	"fmt"
	"net/http"

	"github.com/hashicorp/nomad/api"
)

const (
	keptVersions      = 6
	keptScalingEvents = 20
)

// register stores a new or changed job and evaluates it. As in Nomad, an unchanged job is not stored but still
// evaluated. The returned index is the new JobModifyIndex or, for an unchanged job, its ModifyIndex, which is what
// Nomad answers.
func (tx *txn) register(job *api.Job, preserveCounts bool) (*api.Evaluation, uint64) {
	k := jobKey{*job.Namespace, *job.ID}
	rec := tx.jobs[k]
	if rec == nil {
		rec = &jobRecord{scaling: map[string][]api.ScalingEvent{}}
		tx.jobs[k] = rec
	}
	if rec.job != nil && preserveCounts {
		keepCounts(rec.job, job)
	}
	if rec.job == nil || specChanged(rec.job, job) {
		tx.putVersion(k, rec, job)
		tx.event(api.TopicJob, "JobRegistered", *job.ID, nil, rec.job)
	}
	index := *rec.job.ModifyIndex
	tx.advance()
	return tx.evaluate(k, "job-register"), index
}

// specChanged reports whether b's specification differs from a's, where being stopped counts as a difference. As in
// Nomad, a scaling block always differs, because the stored one has indexes.
func specChanged(a, b *api.Job) bool {
	for _, tg := range b.TaskGroups {
		if tg.Scaling != nil {
			return true
		}
	}
	return deref(a.Stop) != deref(b.Stop) || !same(specOf(a), specOf(b))
}

func keepCounts(old, job *api.Job) {
	for _, tg := range job.TaskGroups {
		if was := old.LookupTaskGroup(*tg.Name); was != nil {
			tg.Count = clone(was.Count)
		}
	}
}

// putVersion makes job its record's current version.
func (tx *txn) putVersion(k jobKey, rec *jobRecord, job *api.Job) {
	created, version := tx.index, uint64(0)
	if rec.job != nil {
		created, version = deref(rec.job.CreateIndex), deref(rec.job.Version)+1
	}
	now, index := tx.now().UnixNano(), tx.index
	job.CreateIndex, job.ModifyIndex, job.JobModifyIndex = &created, &index, &index
	job.Version, job.SubmitTime = &version, &now
	job.Status = ptr(jobPending)
	for _, tg := range job.TaskGroups {
		if p := tg.Scaling; p != nil {
			p.ID, p.Namespace = policyID(k, *tg.Name), k.namespace
			p.Target = map[string]string{"Namespace": k.namespace, "Job": k.id, "Group": *tg.Name}
			p.CreateIndex, p.ModifyIndex = created, index
		}
	}
	rec.job = job
	rec.versions = append([]*api.Job{job}, rec.versions...)
	rec.forget()
	tx.touch(tableJobs)
}

// checkIndex checks the condition of a registration's compare-and-set: 0 means that the job must not exist.
func (s *store) checkIndex(k jobKey, want uint64) error {
	const prefix = "Enforcing job modify index"
	rec := s.jobs[k]
	switch {
	case rec == nil && want != 0:
		return httpErrorf(http.StatusInternalServerError, "%s %d: job does not exist", prefix, want)
	case rec != nil && want == 0:
		return httpErrorf(http.StatusInternalServerError, "%s 0: job already exists", prefix)
	case rec != nil && want != deref(rec.job.JobModifyIndex):
		return httpErrorf(http.StatusInternalServerError, "%s %d: job exists with conflicting job modify index: %d", prefix, want, *rec.job.JobModifyIndex)
	}
	return nil
}

// deregister stops a job, and removes it if purge is true.
func (tx *txn) deregister(k jobKey, purge bool) *api.Evaluation {
	rec := tx.jobs[k]
	if rec == nil {
		return tx.evaluate(k, "job-deregister")
	}
	if purge {
		delete(tx.jobs, k)
		tx.touch(tableJobs)
	} else if !deref(rec.job.Stop) {
		job := clone(rec.job)
		job.Stop = ptr(true)
		tx.putVersion(k, rec, job)
	}
	tx.event(api.TopicJob, "JobDeregistered", k.id, nil, rec.job)
	tx.advance()
	return tx.evaluate(k, "job-deregister")
}

// scale changes one group's count, or only records an event if the request has no count.
func (tx *txn) scale(k jobKey, req *api.ScalingRequest) (*api.JobRegisterResponse, error) {
	rec := tx.jobs[k]
	group := req.Target["Group"]
	switch {
	case group == "":
		return nil, httpErrorf(http.StatusBadRequest, "missing task group name for scaling action")
	case req.Error && req.Count != nil:
		return nil, httpErrorf(http.StatusBadRequest, "scaling action should not contain count if error is true")
	case req.Count != nil && *req.Count < 0:
		return nil, httpErrorf(http.StatusBadRequest, "scaling action count can't be negative")
	case rec == nil:
		return nil, httpErrorf(http.StatusNotFound, "job %q not found", k.id)
	}
	tg := rec.job.LookupTaskGroup(group)
	if tg == nil {
		return nil, httpErrorf(http.StatusBadRequest, "task group %q specified for scaling does not exist in job", group)
	}
	out := &api.JobRegisterResponse{JobModifyIndex: deref(rec.job.ModifyIndex)}
	event := api.ScalingEvent{
		Count: req.Count, PreviousCount: int64(deref(tg.Count)), Error: req.Error, Message: req.Message, Meta: req.Meta,
		Time: uint64(tx.now().UnixNano()), CreateIndex: tx.index,
	}
	if req.Count != nil {
		if err := tx.checkScale(rec.job, tg, req); err != nil {
			return nil, err
		}
		job := clone(rec.job)
		job.LookupTaskGroup(group).Count = ptr(int(*req.Count))
		tx.putVersion(k, rec, job)
		tx.event(api.TopicJob, "JobRegistered", k.id, nil, job)
		out.JobModifyIndex, out.EvalCreateIndex = tx.index, tx.index
		tx.advance()
		eval := tx.evaluate(k, "job-scaling")
		event.EvalID, out.EvalID = &eval.ID, eval.ID
	}
	rec.scaling[group] = append([]api.ScalingEvent{event}, rec.scaling[group]...)
	if len(rec.scaling[group]) > keptScalingEvents {
		rec.scaling[group] = rec.scaling[group][:keptScalingEvents]
	}
	tx.touch(tableJobs)
	return out, nil
}

func (s *store) checkScale(job *api.Job, tg *api.TaskGroup, req *api.ScalingRequest) error {
	n := *req.Count
	if p := tg.Scaling; p != nil {
		if n < deref(p.Min) {
			return httpErrorf(http.StatusBadRequest, "group count was less than scaling policy minimum: %d < %d", n, deref(p.Min))
		}
		if n > deref(p.Max) {
			return httpErrorf(http.StatusBadRequest, "group count was greater than scaling policy maximum: %d > %d", n, deref(p.Max))
		}
	}
	if req.JobModifyIndex > 0 {
		return s.checkIndex(jobKey{*job.Namespace, *job.ID}, req.JobModifyIndex)
	}
	return nil
}

// scaleStatus returns the answer to GET …/scale. As in Nomad, its JobModifyIndex is the job's ModifyIndex.
func (s *store) scaleStatus(rec *jobRecord) *api.JobScaleStatusResponse {
	job := rec.job
	out := &api.JobScaleStatusResponse{
		JobID: *job.ID, Namespace: *job.Namespace, JobCreateIndex: *job.CreateIndex, JobModifyIndex: *job.ModifyIndex,
		JobStopped: deref(job.Stop), TaskGroups: map[string]api.TaskGroupScaleStatus{},
	}
	for _, tg := range job.TaskGroups {
		g := api.TaskGroupScaleStatus{Desired: deref(tg.Count), Events: rec.scaling[*tg.Name]}
		for _, a := range s.jobAllocs(jobKey{*job.Namespace, *job.ID}) {
			if a.TaskGroup != *tg.Name || a.ServerTerminalStatus() || a.ClientTerminalStatus() {
				continue
			}
			g.Placed++
			if a.ClientStatus == api.AllocClientStatusRunning {
				g.Running++
			}
		}
		out.TaskGroups[*tg.Name] = g
	}
	return out
}

// setJobStatus derives pending, running or dead from the job's allocations and evaluations.
func (tx *txn) setJobStatus(k jobKey) {
	rec := tx.jobs[k]
	if rec == nil {
		return
	}
	status := jobDead
	for _, a := range tx.jobAllocs(k) {
		if !a.ServerTerminalStatus() && !a.ClientTerminalStatus() {
			status = jobRunning
		}
	}
	if status == jobDead && tx.blockedEval(k) != nil {
		status = jobPending
	}
	if deref(rec.job.Status) == status {
		return
	}
	job := *rec.job // a shallow copy is enough: only direct fields change
	job.Status, job.ModifyIndex = &status, ptr(tx.index)
	rec.job, rec.versions[0] = &job, &job
	tx.touch(tableJobs)
}

func policyID(k jobKey, group string) string {
	return uuidOf(fmt.Sprintf("%s\x00%s\x00%s", k.namespace, k.id, group))
}

func ptr[T any](v T) *T { return &v }

// A job's states.
const (
	jobPending = "pending"
	jobRunning = "running"
	jobDead    = "dead"
)
