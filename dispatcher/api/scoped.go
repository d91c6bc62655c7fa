package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/queue"
)

// scoped is the queue as the identity in a request's context may use it: for a token with a tenant, other tenants' jobs don't
// exist. It embeds nothing, so that a new method of [Queue] has to be considered here.
type scoped struct{ all Queue }

var _ Queue = scoped{}

// visible returns the job if it exists for the identity.
func (s scoped) visible(ctx context.Context, id string) (*queue.Job, error) {
	job, err := s.all.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	if !access.FromContext(ctx).Sees(job.Tenant) {
		return nil, queue.ErrNotFound
	}
	return job, nil
}

// check is visible for callers that don't need the job. It costs nothing where the identity sees all jobs.
func (s scoped) check(ctx context.Context, id string) error {
	if access.FromContext(ctx).Tenant == "" {
		return nil
	}
	_, err := s.visible(ctx, id)
	return err
}

// tenant returns the tenant that a request is for, given the one that it names.
func tenant(ctx context.Context, named string) (string, error) {
	who := access.FromContext(ctx)
	switch {
	case who.Tenant == "" || named == who.Tenant:
		return named, nil
	case named == "":
		return who.Tenant, nil
	default:
		return "", refuse(http.StatusForbidden, codeForbidden, "tenant", "the token %q is for tenant %q only", who.Name, who.Tenant)
	}
}

func (s scoped) Submit(ctx context.Context, sub queue.Submission) (job *queue.Job, err error) {
	if sub.Tenant, err = tenant(ctx, sub.Tenant); err != nil {
		return nil, err
	}
	return s.all.Submit(ctx, sub)
}

func (s scoped) SubmitBatch(ctx context.Context, all []queue.Submission) ([]*queue.Job, error) {
	all = slices.Clone(all)
	for i := range all {
		var err error
		if all[i].Tenant, err = tenant(ctx, all[i].Tenant); err != nil {
			return nil, err
		}
	}
	return s.all.SubmitBatch(ctx, all)
}

func (s scoped) DryRun(ctx context.Context, sub queue.Submission) (job *queue.Job, why *queue.Explanation, err error) {
	if sub.Tenant, err = tenant(ctx, sub.Tenant); err != nil {
		return nil, nil, err
	}
	return s.all.DryRun(ctx, sub)
}

func (s scoped) Get(ctx context.Context, id string) (*queue.Job, error) { return s.visible(ctx, id) }

func (s scoped) List(ctx context.Context, f queue.ListFilter) (jobs []queue.Job, next string, err error) {
	if f.Tenant, err = tenant(ctx, f.Tenant); err != nil {
		return nil, "", err
	}
	return s.all.List(ctx, f)
}

func (s scoped) Cancel(ctx context.Context, id, reason string) (*queue.Job, error) {
	if err := s.check(ctx, id); err != nil {
		return nil, err
	}
	return s.all.Cancel(ctx, id, reason)
}

func (s scoped) Requeue(ctx context.Context, id string) (*queue.Job, error) {
	if err := s.check(ctx, id); err != nil {
		return nil, err
	}
	return s.all.Requeue(ctx, id)
}

func (s scoped) Explain(ctx context.Context, id string) (*queue.Explanation, error) {
	if err := s.check(ctx, id); err != nil {
		return nil, err
	}
	return s.all.Explain(ctx, id)
}

func (s scoped) Events(ctx context.Context, id, after string) (*queue.EventStream, error) {
	if err := s.check(ctx, id); err != nil {
		return nil, err
	}
	return s.all.Events(ctx, id, after)
}

// What follows reaches all tenants: a token with a tenant isn't admitted to the operations that use it.

func (s scoped) Pause(ctx context.Context, jobType, reason string) error {
	return s.all.Pause(ctx, jobType, reason)
}

func (s scoped) Resume(ctx context.Context, jobType string) error { return s.all.Resume(ctx, jobType) }

func (s scoped) Types(ctx context.Context) ([]queue.TypeState, error) { return s.all.Types(ctx) }

func (s scoped) Limits(ctx context.Context, jobType string) (queue.Limits, error) {
	return s.all.Limits(ctx, jobType)
}

func (s scoped) SetLimits(ctx context.Context, jobType string, l queue.Limits) error {
	return s.all.SetLimits(ctx, jobType, l)
}

func (s scoped) Demand(ctx context.Context) ([]queue.ClassDemand, error) { return s.all.Demand(ctx) }

func (s scoped) Machines(ctx context.Context) ([]queue.Machine, error) { return s.all.Machines(ctx) }

func (s scoped) DrainFor(ctx context.Context, machine, reason string, d time.Duration) (*queue.OperatorDrain, error) {
	return s.all.DrainFor(ctx, machine, reason, d)
}

func (s scoped) EndDrain(ctx context.Context, machine string) error {
	return s.all.EndDrain(ctx, machine)
}

func (s scoped) OperatorDrain(ctx context.Context, machine string) (*queue.OperatorDrain, error) {
	return s.all.OperatorDrain(ctx, machine)
}

func (s scoped) InFlight(ctx context.Context, machine string) (int, error) {
	return s.all.InFlight(ctx, machine)
}

func (s scoped) OrderPool(ctx context.Context, pool, kind string, o queue.PoolOrder) error {
	return s.all.OrderPool(ctx, pool, kind, o)
}

func (s scoped) WithdrawOrder(ctx context.Context, pool, kind string) (bool, error) {
	return s.all.WithdrawOrder(ctx, pool, kind)
}

func (s scoped) PoolOrders(ctx context.Context) (map[string]map[string]queue.PoolOrder, error) {
	return s.all.PoolOrders(ctx)
}

func (s scoped) Ping(ctx context.Context) error { return s.all.Ping(ctx) }
