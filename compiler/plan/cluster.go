package plan

import (
	"context"
	"errors"
	"net/http"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/nettext"
)

// jobs is the part of Nomad's job endpoints that this package reads and tags; *nomad.Jobs implements it.
type jobs interface {
	Info(id string, q *nomad.QueryOptions) (*nomad.Job, *nomad.QueryMeta, error)
	ListOptions(opts *nomad.JobListOptions, q *nomad.QueryOptions) ([]*nomad.JobListStub, *nomad.QueryMeta, error)
	Allocations(id string, all bool, q *nomad.QueryOptions) ([]*nomad.AllocationListStub, *nomad.QueryMeta, error)
	Versions(id string, diffs bool, q *nomad.QueryOptions) ([]*nomad.Job, []*nomad.JobDiff, *nomad.QueryMeta, error)
	TagVersionOpts(id, name string, req *nomad.TagVersionRequest, q *nomad.WriteOptions) (*nomad.WriteMeta, error)
	Evaluations(id string, q *nomad.QueryOptions) ([]*nomad.Evaluation, *nomad.QueryMeta, error)
	UntagVersion(id, name string, q *nomad.WriteOptions) (*nomad.WriteMeta, error)
}

// planner is the part that changes jobs, or computes what would change; *nomad.Jobs implements it.
type planner interface {
	PlanOpts(job *nomad.Job, opts *nomad.PlanOptions, q *nomad.WriteOptions) (*nomad.JobPlanResponse, *nomad.WriteMeta, error)
	RegisterOpts(job *nomad.Job, opts *nomad.RegisterOptions, q *nomad.WriteOptions) (*nomad.JobRegisterResponse, *nomad.WriteMeta, error)
	DeregisterOpts(id string, opts *nomad.DeregisterOptions, q *nomad.WriteOptions) (string, *nomad.WriteMeta, error)
}

// checker reads the results of an allocation's service checks; *nomad.Allocations implements it.
type checker interface {
	Checks(allocID string, q *nomad.QueryOptions) (nomad.AllocCheckStatuses, error)
}

// logReader reads the output of tasks; *nomad.AllocFS implements it.
type logReader interface {
	Logs(alloc *nomad.Allocation, follow bool, task, kind, origin string, offset int64, cancel <-chan struct{}, q *nomad.QueryOptions) (<-chan *nomad.StreamFrame, <-chan error)
}

// Cluster is a Nomad cluster, accessed through its HTTP API.
type Cluster struct {
	address string
	jobs    jobs
	planner planner
	checks  checker
	logs    logReader
	foreign *censor
}

// NewCluster returns a cluster that uses Nomad's official client.
func NewCluster(c *nomad.Client) *Cluster {
	return &Cluster{address: nettext.WithoutPassword(c.Address()), jobs: c.Jobs(), planner: c.Jobs(), checks: c.Allocations(), logs: c.AllocFS(), foreign: &censor{}}
}

// Address returns the URL of Nomad's API, without any password in it.
func (c *Cluster) Address() string { return c.address }

// Place is where a pool's job lives.
type Place struct {
	Region    string `json:"region,omitempty"`
	Namespace string `json:"namespace"`
}

// PlaceOf returns the place for a compiled pool's job.
func PlaceOf(pool *compiler.Pool) Place { return placeOf(pool.Job) }

func placeOf(job *nomad.Job) Place {
	return Place{Region: deref(job.Region), Namespace: deref(job.Namespace)}
}

func (p Place) query(ctx context.Context) *nomad.QueryOptions {
	return (&nomad.QueryOptions{Region: p.Region, Namespace: p.Namespace}).WithContext(ctx)
}

func (p Place) write(ctx context.Context) *nomad.WriteOptions {
	return (&nomad.WriteOptions{Region: p.Region, Namespace: p.Namespace}).WithContext(ctx)
}

// lookup returns a job, or nil if it doesn't exist.
func (c *Cluster) lookup(ctx context.Context, id string, at Place) (*nomad.Job, error) {
	job, _, err := c.jobs.Info(id, at.query(ctx))
	if isNotFound(err) {
		return nil, nil //nolint:nilnil // "there is none" is an answer
	}
	c.foreign.learnOf(job)
	return job, err
}

func isNotFound(err error) bool {
	var unexpected nomad.UnexpectedResponseError
	return errors.As(err, &unexpected) && unexpected.StatusCode() == http.StatusNotFound
}

// deref returns what p points to, or the zero value if p is nil.
func deref[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}
