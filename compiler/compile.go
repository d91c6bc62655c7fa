package compiler

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// Pool is a compiled pool: the Nomad job as it would be registered into a cluster where nothing of it runs yet, that is
// with a single group at the pool's minimum.
type Pool struct {
	Name string
	// Job is canonical. Its id is the pool's name; its only group is the wanted revision's.
	Job *nomad.Job
	// Revision is the eight digits at the end of the group's name.
	Revision string
	// Policy is what the group's scaling block says.
	Policy manifest.Policy
	// Hidden is where in Job sensitive values stand, as JSON pointers, in order.
	Hidden []string
	// Escaped is what the nomad blocks of the profile set, one path each: "group: max_run_duration", "task agent: vault.role".
	Escaped []string
	// Source is what was compiled.
	Source *profile.Pool
}

// Group is the pool's task group.
func (p *Pool) Group() *nomad.TaskGroup { return p.Job.TaskGroups[0] }

// Compile turns every pool of a profile into a Nomad job, in the profile's order. With errors among the diagnostics the
// pools they concern are left out.
func Compile(p *profile.Profile) ([]*Pool, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var pools []*Pool
	for i, source := range p.Pools {
		if source.Machine == nil {
			continue // the loader has said why
		}
		pool, poolDiags := compilePool(source, p)
		if p.Disguise != nil {
			poolDiags = pool.hide(p.Disguise.Pools[i], poolDiags)
		}
		diags = append(diags, poolDiags...)
		if !poolDiags.HasErrors() {
			pools = append(pools, pool)
		}
	}
	return pools, diag.Sort(diags, p.Order) // what a machine says comes with each of its pools
}

func compilePool(source *profile.Pool, p *profile.Profile) (*Pool, hcl.Diagnostics) {
	m := &machine{Machine: source.Machine, pool: source}
	job := m.job()
	if m.diags.HasErrors() {
		return nil, m.diags
	}
	group := job.TaskGroups[0]
	revision := revisionOf(group)
	group.Name = new(manifest.GroupName(source.Machine.Name, revision))

	pool := &Pool{Name: source.Name, Job: job, Revision: manifest.Revision(*group.Name), Source: source, Escaped: m.escaped}
	pool.Policy = m.policy(p.Project, pool.Revision)
	scaling, err := scalingBlock(pool.Policy, source.Max)
	if err != nil {
		m.fail(source.Range, "The pool's policy can't be encoded", err.Error(), "")
		return nil, m.diags
	}
	group.Scaling = scaling
	group.Count = new(source.Min)
	return pool, m.diags
}

// job is the canonical job, with the group as it is hashed. Canonical before hashing: the revision is that of what Nomad stores,
// not of what we left to defaults.
func (m *machine) job() *nomad.Job {
	m.layOut()
	group := m.group()
	job := newJob(m.pool)
	m.escapeJob(job)
	job.TaskGroups = []*nomad.TaskGroup{group}
	job.Canonicalize()
	job.Region, job.Namespace = said(m.pool.Placement.Region), said(m.pool.Placement.Namespace)
	return job
}

// readingURL is the page for those who come upon a pool in Nomad's UI.
const readingURL = "https://github.com/emprops/machinectl/blob/HEAD/docs/nomad-ui.md"

// newJob is the pool's job without its groups. Nothing in it may depend on the machine: see the package's invariants.
func newJob(pool *profile.Pool) *nomad.Job {
	job := nomad.NewServiceJob(pool.Name, pool.Name, nomad.GlobalRegion, priority(pool))
	job.Datacenters = []string{"*"}
	job.NodePool = new(nomad.NodePoolAll)
	job.Meta = map[string]string{manifest.MetaManaged: manifest.MetaManagedValue}
	job.Update = noDeployments()
	job.UI = &nomad.JobUIConfig{
		Description: description(pool),
		Links:       []*nomad.JobUILink{{Label: "How to read this page", URL: readingURL}},
	}
	return job
}

// noDeployments is an update block with which Nomad makes no deployment, so that resizing is never blocked by one.
func noDeployments() *nomad.UpdateStrategy {
	u := nomad.DefaultUpdateStrategy()
	u.MaxParallel = new(0)
	return u
}

func description(pool *profile.Pool) string {
	return fmt.Sprintf("A pool of %d to %d `%s` machines of kind %s, run by machinectl. "+
		"Its dispatcher sets the counts, and corrects what is set here by hand: to change the pool, change its profile and apply it.",
		pool.Min, pool.Max, pool.Machine.Name, pool.Machine.Kind)
}

// said is nil for what a profile leaves open: who submits the job then decides it, as with Nomad's own tools.
func said(name string) *string {
	if name == "" {
		return nil
	}
	return &name
}

func priority(pool *profile.Pool) int {
	if pool.Priority != 0 {
		return pool.Priority
	}
	return nomad.JobDefaultPriority
}
