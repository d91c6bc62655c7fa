package fleet

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/nettext"
)

// isPool reports whether a Nomad job is a pool that should run.
func isPool(s *api.JobListStub) bool {
	return s.Meta[manifest.MetaManaged] == manifest.MetaManagedValue && !s.Stop
}

func namespaceOf(job *api.Job) string {
	if job.Namespace == nil {
		return api.DefaultNamespace
	}
	return *job.Namespace
}

// NamespacePools is the pools of one namespace, by name.
type NamespacePools struct {
	Namespace string   `json:"namespace"`
	Pools     []string `json:"pools"`
}

// Everywhere lists the names of the pools in all namespaces that the token may read, by namespace.
func (c *Client) Everywhere(ctx context.Context) ([]NamespacePools, error) {
	q := (&api.QueryOptions{Namespace: api.AllNamespacesNamespace}).WithContext(ctx)
	stubs, _, err := c.nomad.Jobs().ListOptions(&api.JobListOptions{Fields: &api.JobListFields{Meta: true}}, q)
	if err != nil {
		return nil, fmt.Errorf("listing the Nomad jobs of all namespaces: %w", nettext.Explain(err))
	}
	byName := map[string][]string{}
	for _, s := range stubs {
		if isPool(s) {
			name := cmp.Or(s.Namespace, api.DefaultNamespace)
			byName[name] = append(byName[name], s.ID)
		}
	}
	var out []NamespacePools
	for name, pools := range byName {
		slices.Sort(pools)
		out = append(out, NamespacePools{name, pools})
	}
	slices.SortFunc(out, func(a, b NamespacePools) int { return cmp.Compare(a.Namespace, b.Namespace) })
	return out, nil
}
