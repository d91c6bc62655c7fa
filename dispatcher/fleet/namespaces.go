package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/hcl/manifest"
	"github.com/emprops/machinectl/nettext"
)

// isPool reports whether a Nomad job is a pool that should run.
func isPool(s *api.JobListStub) bool {
	return s.Meta[manifest.MetaManaged] == manifest.MetaManagedValue && !s.Stop
}

// NamespacePools is the pools of one namespace of a region, by name.
type NamespacePools struct {
	Region    string   `json:"region,omitempty"`
	Namespace string   `json:"namespace"`
	Pools     []string `json:"pools"`
}

// Everywhere lists the names of the pools in all namespaces that the token may read, in the regions that the client reads,
// by region and namespace.
func (c *Client) Everywhere(ctx context.Context) ([]NamespacePools, error) {
	regions, err := c.regions(ctx)
	if err != nil {
		return nil, err
	}
	var out []NamespacePools
	var failed error
	for _, region := range regions {
		stubs, err := c.list(ctx, region, All)
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		for namespace, list := range byNamespace(stubs) {
			n := NamespacePools{Region: c.nameOf(region), Namespace: namespace}
			for _, s := range list {
				n.Pools = append(n.Pools, s.ID)
			}
			slices.Sort(n.Pools)
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b NamespacePools) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Namespace, b.Namespace))
	})
	return out, failed
}

// regions returns the regions to read; "" is that of the Nomad agent that answers, if its name isn't known.
func (c *Client) regions(ctx context.Context) ([]string, error) {
	if slices.Contains(c.where.Regions, All) {
		list, err := c.federated(ctx)
		if err != nil {
			return nil, fmt.Errorf("listing Nomad's regions: %w", nettext.Explain(err))
		}
		return list, nil
	}
	if len(c.where.Regions) > 0 {
		return c.where.Regions, nil
	}
	return []string{c.Home(ctx)}, nil
}

// Home returns the name of the region whose Nomad agent answers, or "" while that isn't known.
func (c *Client) Home(ctx context.Context) string {
	c.mu.Lock()
	home := c.home
	c.mu.Unlock()
	if home != "" || ctx.Err() != nil {
		return home
	}
	// The agent's own answer needs agent:read; where there is one region, the list of regions will do.
	var self api.AgentSelf
	if _, err := c.nomad.Raw().Query("/v1/agent/self", &self, (&api.QueryOptions{}).WithContext(ctx)); err == nil {
		home, _ = self.Config["Region"].(string)
	} else if list, err := c.federated(ctx); err == nil && len(list) == 1 {
		home = list[0]
	}
	c.learnHome(home)
	return home
}

// federated lists all regions that Nomad knows.
func (c *Client) federated(ctx context.Context) (names []string, err error) {
	_, err = c.nomad.Raw().Query("/v1/regions", &names, (&api.QueryOptions{}).WithContext(ctx))
	return names, err
}

func (c *Client) learnHome(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.home = cmp.Or(c.home, name)
}

// nameOf returns the name of a region to read.
func (c *Client) nameOf(region string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return cmp.Or(region, c.home)
}

// list returns the pools' jobs in a namespace, or in all that the token may read.
func (c *Client) list(ctx context.Context, region, namespace string) ([]*api.JobListStub, error) {
	q := (&api.QueryOptions{Region: region, Namespace: namespace}).WithContext(ctx)
	stubs, _, err := c.nomad.Jobs().ListOptions(&api.JobListOptions{Fields: &api.JobListFields{Meta: true}}, q)
	if err != nil {
		where := fmt.Sprintf("namespace %s", namespace)
		if namespace == All {
			where = "all namespaces"
		}
		if region != "" {
			where += " of region " + region
		}
		return nil, fmt.Errorf("listing the Nomad jobs of %s: %w", where, nettext.Explain(err))
	}
	for _, s := range stubs {
		if s.Namespace == "" { // Nomad leaves it out where one namespace was asked for
			s.Namespace = namespace
		}
	}
	return slices.DeleteFunc(stubs, func(s *api.JobListStub) bool { return !isPool(s) }), nil
}

func byNamespace(stubs []*api.JobListStub) map[string][]*api.JobListStub {
	out := map[string][]*api.JobListStub{}
	for _, s := range stubs {
		out[s.Namespace] = append(out[s.Namespace], s)
	}
	return out
}

// absent explains why a namespace may have no pools that the token can list. It returns "" if the namespace is there and
// readable.
func (c *Client) absent(ctx context.Context, region, namespace string) string {
	_, _, err := c.nomad.Namespaces().Info(namespace, (&api.QueryOptions{Region: region}).WithContext(ctx))
	var status api.UnexpectedResponseError
	if errors.As(err, &status) && status.StatusCode() == http.StatusNotFound {
		return "there is no such namespace"
	}
	return "" // whether the token may list its jobs was found out by listing them
}
