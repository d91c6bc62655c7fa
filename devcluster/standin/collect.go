package standin

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/nomad/api"
)

const (
	// collectEvery is the interval between garbage collections.
	collectEvery = time.Minute
	// keptFor is how long ended allocations, evaluations and jobs remain visible. Nomad also keeps evaluations and
	// allocations for an hour.
	keptFor = time.Hour
	// keptAtMost bounds how many ended allocations, and how many evaluations, are kept, however young they are.
	keptAtMost = 500
)

// collectGarbage regularly removes what has ended, until ctx ends.
func (s *Server) collectGarbage(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.removeFolders(s.store.collect()); err != nil {
			s.client.log.Warn("can't remove folders of ended allocations", "error", err)
		}
	}
}

func (s *Server) removeFolders(allocs []string) error {
	var errs []error
	for _, id := range allocs {
		errs = append(errs, os.RemoveAll(string(s.client.allocDir(id))))
	}
	return errors.Join(errs...)
}

// collect removes ended allocations, completed evaluations, and stopped jobs of which nothing else is left. It returns
// the ids of the removed allocations.
func (s *store) collect() (ids []string) {
	s.mustWrite(func(tx *txn) {
		before := tx.now().Add(-keptFor).UnixNano()
		for _, a := range expired(tx.endedAllocs(), before, func(a *api.Allocation) (int64, uint64) { return a.ModifyTime, a.ModifyIndex }) {
			delete(tx.allocs, a.ID)
			ids = append(ids, a.ID)
			tx.touch(tableAllocs)
		}
		for _, e := range expired(tx.doneEvals(), before, func(e *api.Evaluation) (int64, uint64) { return e.ModifyTime, e.ModifyIndex }) {
			delete(tx.evals, e.ID)
			tx.touch(tableEvals)
		}
		for k, rec := range tx.jobs {
			if deref(rec.job.Stop) && deref(rec.job.SubmitTime) < before && len(tx.jobAllocs(k)) == 0 {
				delete(tx.jobs, k)
				tx.touch(tableJobs)
			}
		}
	})
	return ids
}

// endedAllocs returns the allocations that nothing depends on any more. A failed one keeps its place, and thus its
// entry, until it is replaced.
func (s *store) endedAllocs() []*api.Allocation {
	var out []*api.Allocation
	for _, a := range s.allocs {
		rec := s.jobs[jobKey{a.Namespace, a.JobID}]
		holds := rec != nil && !deref(rec.job.Stop) && a.ClientStatus == api.AllocClientStatusFailed &&
			a.DesiredStatus == api.AllocDesiredStatusRun && a.NextAllocation == ""
		if a.ClientTerminalStatus() && !holds {
			out = append(out, a)
		}
	}
	return out
}

func (s *store) doneEvals() []*api.Evaluation {
	var out []*api.Evaluation
	for _, e := range s.evals {
		if e.Status != api.EvalStatusBlocked {
			out = append(out, e)
		}
	}
	return out
}

// expired returns the elements last changed before a time, and the oldest of the others beyond keptAtMost. changed
// returns the time in ns and the index of an element's last change.
func expired[T any](all []T, before int64, changed func(T) (int64, uint64)) []T {
	slices.SortFunc(all, func(a, b T) int { // newest first
		at, ai := changed(a)
		bt, bi := changed(b)
		return cmp.Or(cmp.Compare(bt, at), cmp.Compare(bi, ai))
	})
	for i, e := range all {
		if at, _ := changed(e); i >= keptAtMost || at < before {
			return all[i:]
		}
	}
	return nil
}
