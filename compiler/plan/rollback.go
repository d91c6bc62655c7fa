package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/hcl/manifest"
)

// Nomad keeps a job's last few versions, and every resize makes one. It keeps a version with a tag for good. Therefore the
// last version of each replaced revision is tagged, and the oldest tags are removed. The current version never has a tag,
// because every resize would copy it, and Nomad would keep all those versions, too.
const (
	tagPrefix  = "revision-"
	tagText    = "kept by machinectl, to roll back to"
	taggedKept = 5
)

// tagFormer tags the last version of the previous revision, so that [Former] finds it no matter how often the pool is
// resized from now on.
func (c *Cluster) tagFormer(ctx context.Context, pool *Pool) error {
	versions, err := c.versions(ctx, pool.Name, pool.Place)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(versions, func(v *nomad.Job) bool {
		group, policy := wantedGroup(v)
		return group != nil && policy.Revision != pool.To
	})
	if at < 0 {
		return nil
	}
	_, policy := wantedGroup(versions[at])
	name, kept := tagPrefix+policy.Revision, 1
	for _, v := range versions {
		tag := tagOf(v)
		switch {
		case tag == "":
			continue
		case tag == name && v == versions[at]:
			return nil
		case tag != name && kept < taggedKept:
			kept++
			continue
		}
		if _, err := c.jobs.UntagVersion(pool.Name, tag, pool.Place.write(ctx)); err != nil {
			return err
		}
	}
	request := &nomad.TagVersionRequest{Version: deref(versions[at].Version), Description: tagText}
	_, err = c.jobs.TagVersionOpts(pool.Name, name, request, pool.Place.write(ctx))
	var unexpected nomad.UnexpectedResponseError
	if errors.As(err, &unexpected) && (unexpected.StatusCode() == http.StatusNotFound || unexpected.StatusCode() == http.StatusNotImplemented) {
		return nil // a Nomad before 1.9 has no tags; its last versions must suffice
	}
	return err
}

// untag removes all tags, because Nomad keeps a job that has one even after it is stopped.
func (c *Cluster) untag(ctx context.Context, pool string, at Place) error {
	versions, err := c.versions(ctx, pool, at)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if tag := tagOf(v); tag != "" {
			if _, err := c.jobs.UntagVersion(pool, tag, at.write(ctx)); err != nil {
				return err
			}
		}
	}
	return nil
}

// tagOf returns the tag that machinectl gave a version, or "".
func tagOf(v *nomad.Job) string {
	if v.VersionTag == nil || !strings.HasPrefix(v.VersionTag.Name, tagPrefix) {
		return ""
	}
	return v.VersionTag.Name
}

// versions returns the versions that Nomad keeps of a pool's job, newest first.
func (c *Cluster) versions(ctx context.Context, pool string, at Place) ([]*nomad.Job, error) {
	versions, _, _, err := c.jobs.Versions(pool, false, at.query(ctx))
	slices.SortFunc(versions, func(a, b *nomad.Job) int { return cmp.Compare(deref(b.Version), deref(a.Version)) })
	return versions, err
}

// NoFormerError reports that a pool has no such revision to roll back to.
type NoFormerError struct {
	Pool     string
	Revision string   // the requested one, or empty for any earlier one
	Known    []string // revisions that are available
}

func (e *NoFormerError) Error() string {
	if e.Revision == "" {
		return fmt.Sprintf("pool %q: Nomad has no revision of it except the one that is wanted now", e.Pool)
	}
	known := "none"
	if len(e.Known) > 0 {
		known = strings.Join(e.Known, ", ")
	}
	return fmt.Sprintf("pool %q: Nomad has no revision %s of it; it has: %s", e.Pool, e.Revision, known)
}

// Former returns the pool on an earlier revision: the given one, or if revision is empty, the last one that was wanted
// before the current one. It has the earlier revision's machine, and the current size and scaling.
func Former(ctx context.Context, c *Cluster, pool string, at Place, revision string) (*compiler.Pool, error) {
	live, err := c.lookup(ctx, pool, at)
	if err != nil {
		return nil, c.explain(pool, err)
	}
	switch {
	case !isRunning(live):
		return nil, fmt.Errorf("pool %q does not run in namespace %q", pool, at.Namespace)
	case !isOurs(live):
		return nil, &NotOursError{Pool: pool, Place: at}
	}
	versions, err := c.versions(ctx, pool, at)
	if err != nil {
		return nil, c.explain(pool, err)
	}
	present, current := wantedGroup(live)
	if present == nil {
		return nil, fmt.Errorf("pool %q: its Nomad job has no wanted group: apply its profile again", pool)
	}
	missing := &NoFormerError{Pool: pool, Revision: revision}
	for _, v := range versions {
		group, policy := wantedGroup(v)
		if group == nil || policy.Revision == current.Revision {
			continue
		}
		if revision == "" || revision == policy.Revision {
			return formerPool(live, group, policy, current)
		}
		if !slices.Contains(missing.Known, policy.Revision) {
			missing.Known = append(missing.Known, policy.Revision)
		}
	}
	return nil, missing
}

func wantedGroup(job *nomad.Job) (*nomad.TaskGroup, manifest.Policy) {
	for _, g := range job.TaskGroups {
		if policy, ours, err := policyOf(g); err == nil && ours && policy.Wanted {
			return g, policy
		}
	}
	return nil, manifest.Policy{}
}

// formerPool puts an earlier group into the live job, with the live bounds.
func formerPool(live *nomad.Job, group *nomad.TaskGroup, policy, current manifest.Policy) (*compiler.Pool, error) {
	policy.Project = current.Project
	policy.Min, policy.Max = current.Min, current.Max
	policy.TargetWait, policy.IdleAfter = current.TargetWait, current.IdleAfter
	policy.UpCooldown, policy.DownCooldown = current.UpCooldown, current.DownCooldown
	doc, err := policy.Map()
	if err != nil {
		return nil, err
	}
	job, former, scaling := *live, *group, *group.Scaling
	scaling.Policy, scaling.Max = doc, new(int64(policy.Max))
	former.Scaling, former.Count = &scaling, new(policy.Min)
	job.TaskGroups = []*nomad.TaskGroup{&former}
	return &compiler.Pool{Name: *live.ID, Job: &job, Revision: policy.Revision, Policy: policy}, nil
}
