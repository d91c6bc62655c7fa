package standin

import (
	"cmp"
	"slices"

	"github.com/hashicorp/nomad/api"
)

// evaluate brings a job's allocations in line with the job, where there is room. What doesn't fit waits in a blocked
// evaluation until something is freed.
func (tx *txn) evaluate(k jobKey, trigger string) *api.Evaluation {
	var job *api.Job
	if rec := tx.jobs[k]; rec != nil {
		job = rec.job
	}
	eval := &api.Evaluation{
		ID: newID(), Type: api.JobTypeService, TriggeredBy: trigger, Namespace: k.namespace, JobID: k.id, Status: api.EvalStatusComplete,
		QueuedAllocations: map[string]int{}, CreateIndex: tx.index, ModifyIndex: tx.index,
		CreateTime: tx.now().UnixNano(), ModifyTime: tx.now().UnixNano(),
	}
	if job != nil {
		eval.Priority, eval.JobModifyIndex = deref(job.Priority), deref(job.JobModifyIndex)
	}
	c := reconcile(job, tx.jobAllocs(k), tx.now(), tx.feasible(job))
	for _, s := range c.stop {
		tx.stopAlloc(s.alloc, s.why)
	}
	for _, a := range c.inPlace {
		updated := *a
		updated.Job, updated.DesiredDescription, updated.AllocModifyIndex = job, whyInPlace, tx.index
		tx.putAlloc(&updated)
		tx.syncLater(a.ID)
	}
	eval.FailedTGAllocs = tx.placeAll(job, c, eval)
	for group, m := range eval.FailedTGAllocs {
		eval.QueuedAllocations[group] = m.CoalescedFailures + 1
	}
	if old := tx.blockedEval(k); old != nil {
		done := *old
		done.Status, done.ModifyIndex = api.EvalStatusCancelled, tx.index
		tx.putEval(&done)
	}
	tx.putEval(eval)
	if len(eval.FailedTGAllocs) > 0 {
		tx.block(eval)
	}
	if !c.later.IsZero() {
		tx.after = append(tx.after, func() { tx.timers.at(k, c.later) })
	}
	tx.setJobStatus(k)
	return eval
}

func (tx *txn) feasible(job *api.Job) func(*api.TaskGroup) bool {
	return func(tg *api.TaskGroup) bool { return infeasible(tx.node, job, tg) == "" }
}

// placeAll makes the placements and returns, by group, the reasons of those that found no room.
func (tx *txn) placeAll(job *api.Job, c *changes, eval *api.Evaluation) map[string]*api.AllocationMetric {
	return tx.findRoom(job, c, func(p placement, res *api.AllocatedResources, m *api.AllocationMetric) {
		a := &api.Allocation{
			ID: newID(), Namespace: *job.Namespace, EvalID: eval.ID, Name: p.name, NodeID: tx.node.id, NodeName: tx.node.name,
			JobID: *job.ID, Job: job, TaskGroup: *p.group.Name, AllocatedResources: res, Metrics: m,
			DesiredStatus: api.AllocDesiredStatusRun, ClientStatus: api.AllocClientStatusPending,
		}
		if p.previous != nil {
			tx.replace(p, a)
		}
		tx.putAlloc(a)
		tx.syncLater(a.ID)
	})
}

// findRoom calls found for each placement that fits, and returns the reasons of the others by group. It uses what the
// plan stops. It also uses what a replaced allocation holds if its successor fits; otherwise the allocation stays.
func (s *store) findRoom(job *api.Job, c *changes, found func(placement, *api.AllocatedResources, *api.AllocationMetric)) map[string]*api.AllocationMetric {
	failed := map[string]*api.AllocationMetric{}
	leaving := map[string]bool{}
	for _, stop := range c.stop {
		leaving[stop.alloc.ID] = true
	}
	u := inUse(s.allocs, leaving)
	for _, p := range c.ordered() {
		if m := failed[*p.group.Name]; m != nil {
			m.CoalescedFailures++
			continue
		}
		replaces := p.previous != nil && !p.previous.ClientTerminalStatus()
		if replaces {
			u.add(p.previous.AllocatedResources, p.previous.GetTaskGroup(), -1)
		}
		res, m := place(s.node, u, job, p.group)
		switch {
		case res != nil:
			found(p, res, m)
		case replaces:
			u.add(p.previous.AllocatedResources, p.previous.GetTaskGroup(), 1)
			failed[*p.group.Name] = m
		default:
			failed[*p.group.Name] = m
		}
	}
	return failed
}

// ordered returns the placements, lowest index first.
func (c *changes) ordered() []placement {
	return slices.SortedStableFunc(slices.Values(c.place), func(a, b placement) int {
		return cmp.Or(cmp.Compare(*a.group.Name, *b.group.Name), cmp.Compare(indexOf(a.name), indexOf(b.name)))
	})
}

// replace links an allocation with the one that it replaces, which is stopped.
func (tx *txn) replace(p placement, a *api.Allocation) {
	prev := *p.previous
	a.PreviousAllocation, prev.NextAllocation = prev.ID, a.ID
	if p.failed {
		t := &api.RescheduleTracker{}
		if prev.RescheduleTracker != nil {
			t.Events = slices.Clone(prev.RescheduleTracker.Events)
		}
		t.Events = append(t.Events, &api.RescheduleEvent{
			RescheduleTime: tx.now().UnixNano(), PrevAllocID: prev.ID, PrevNodeID: prev.NodeID,
		})
		a.RescheduleTracker = t
	}
	tx.stopAlloc(&prev, p.why)
}

// stopAlloc marks an allocation as to be stopped; its runner stops it.
func (tx *txn) stopAlloc(a *api.Allocation, why string) {
	stopped := *a
	stopped.DesiredStatus, stopped.DesiredDescription, stopped.AllocModifyIndex = api.AllocDesiredStatusStop, why, tx.index
	tx.putAlloc(&stopped)
	tx.syncLater(a.ID)
}

func (tx *txn) syncLater(allocID string) {
	tx.after = append(tx.after, func() { tx.client.sync(allocID) })
}

func (tx *txn) putEval(e *api.Evaluation) {
	tx.evals[e.ID] = e
	tx.touch(tableEvals)
	tx.event(api.TopicEvaluation, "EvaluationUpdated", e.ID, []string{e.JobID}, e)
}

// block stores a blocked evaluation for an evaluation that didn't find room for everything.
func (tx *txn) block(of *api.Evaluation) {
	b := *of
	b.ID, b.Status, b.TriggeredBy, b.PreviousEval = newID(), api.EvalStatusBlocked, "queued-allocs", of.ID
	b.StatusDescription = "created to place remaining allocations"
	of.BlockedEval = b.ID
	tx.putEval(&b)
}

func (s *store) blockedEval(k jobKey) *api.Evaluation {
	for _, e := range s.evals {
		if e.JobID == k.id && e.Namespace == k.namespace && e.Status == api.EvalStatusBlocked {
			return e
		}
	}
	return nil
}

// unblock retries every job that waits for room, ordered by priority and then by waiting time.
func (tx *txn) unblock() {
	var waiting []*api.Evaluation
	for _, e := range tx.evals {
		if e.Status == api.EvalStatusBlocked {
			waiting = append(waiting, e)
		}
	}
	slices.SortFunc(waiting, func(a, b *api.Evaluation) int {
		return cmp.Or(cmp.Compare(b.Priority, a.Priority), cmp.Compare(a.CreateIndex, b.CreateIndex))
	})
	for _, e := range waiting {
		tx.evaluate(jobKey{e.Namespace, e.JobID}, "queued-allocs")
	}
}

// plan returns what registering the job would do, without doing it.
func (s *store) plan(job *api.Job, withDiff bool) *api.JobPlanResponse {
	k := jobKey{*job.Namespace, *job.ID}
	out := &api.JobPlanResponse{Annotations: &api.PlanAnnotations{}}
	var old *api.Job
	next := ptr(s.index + 1)
	if rec := s.jobs[k]; rec != nil {
		old = rec.job
		out.JobModifyIndex = deref(old.JobModifyIndex)
		if !specChanged(old, job) {
			next = old.JobModifyIndex
		}
	}
	job.JobModifyIndex = next
	feasible := func(tg *api.TaskGroup) bool { return infeasible(s.node, job, tg) == "" }
	c := reconcile(job, s.jobAllocs(k), s.now(), feasible)
	out.Annotations.DesiredTGUpdates = c.updates
	out.FailedTGAllocs = s.findRoom(job, c, func(placement, *api.AllocatedResources, *api.AllocationMetric) {})
	if withDiff {
		out.Diff = jobDiff(old, job)
		for _, g := range out.Diff.TaskGroups {
			g.Updates = updateCounts(c.updates[g.Name])
		}
	}
	return out
}

// updateCounts returns a group's changes under the names that a plan's diff uses.
func updateCounts(u *api.DesiredUpdates) map[string]uint64 {
	if u == nil {
		return nil
	}
	out := map[string]uint64{}
	for name, n := range map[string]uint64{
		"ignore": u.Ignore, "create": u.Place, "migrate": u.Migrate, "destroy": u.Stop,
		"in-place update": u.InPlaceUpdate, "create/destroy update": u.DestructiveUpdate,
	} {
		if n > 0 {
			out[name] = n
		}
	}
	return out
}

func indexOf(name string) int { return allocIndex(&api.Allocation{Name: name}) }
