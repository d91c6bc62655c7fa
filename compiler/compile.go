package compiler

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/hcl/profile"
)

// Pool is a compiled pool. Its Nomad job is the one to register in a cluster where the pool doesn't run yet: it has a
// single group, at the pool's minimum.
type Pool struct {
	Name string
	// Job is canonical. Its id is the pool's name; its only group is the wanted revision's.
	Job *nomad.Job
	// Revision is the eight digits at the end of the group's name.
	Revision string
	// Policy is the content of the group's scaling block.
	Policy manifest.Policy
	// Hidden holds the places of sensitive values in Job, as sorted JSON pointers.
	Hidden []string
	// NomadSet holds the paths that the profile's nomad blocks set, such as "group: max_run_duration" or "task agent: vault.role".
	NomadSet []string
	// Source is what was compiled.
	Source *profile.Pool
}

// Group returns the pool's task group.
func (p *Pool) Group() *nomad.TaskGroup { return p.Job.TaskGroups[0] }

// Compile turns every pool of a profile into a Nomad job, in the profile's order. It omits pools that have errors among
// the diagnostics.
func Compile(p *profile.Profile) ([]*Pool, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	var pools []*Pool
	for i, source := range p.Pools {
		if source.Machine == nil {
			continue // the loader has reported why
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
	return pools, diag.Sort(diags, p.Order) // a machine's diagnostics are repeated for each of its pools
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

	pool := &Pool{Name: source.Name, Job: job, Revision: manifest.Revision(*group.Name), Source: source, NomadSet: m.nomadSet}
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

// job returns the canonical job, with the group as it is hashed. It is made canonical before hashing, so that the revision
// covers what Nomad stores, including Nomad's defaults.
func (m *machine) job() *nomad.Job {
	m.layOut()
	group := m.group()
	job := newJob(m.pool)
	m.mergeIntoJob(job)
	job.TaskGroups = []*nomad.TaskGroup{group}
	job.Canonicalize()
	job.Region, job.Namespace = orUnset(m.pool.Placement.Region), orUnset(m.pool.Placement.Namespace)
	return job
}

// readingURL is the page that explains a pool to people who find it in Nomad's UI.
const readingURL = "https://github.com/emprops/machinectl/blob/HEAD/docs/nomad-ui.md"

// newJob returns the pool's job without its groups. Nothing in it may depend on the machine: see the package's invariants.
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

// noDeployments returns an update block with which Nomad makes no deployments, so that none can block resizing.
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

// orUnset returns nil for a name that the profile leaves open. The client that submits the job then decides it, as with
// Nomad's own tools.
func orUnset(name string) *string {
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
