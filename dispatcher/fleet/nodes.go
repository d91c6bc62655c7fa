package fleet

import (
	"cmp"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/nettext"
)

// nodes returns a description of each node that drains or is away, by id, and a hash of the nodes that accept work. If the
// token may not list nodes, moving is empty, and a shrink is then predicted from allocations alone.
func (c *Client) nodes(q *api.QueryOptions) (moving map[string]string, all string, err error) {
	nodes, _, err := c.nomad.Nodes().List(q)
	var status api.UnexpectedResponseError
	if errors.As(err, &status) && status.StatusCode() == http.StatusForbidden {
		c.nodesOnce.Do(func() {
			c.log.Warn("Nomad's token may not list nodes, drains are observed once allocations move", "policy", `node { policy = "read" }`)
		})
		return map[string]string{}, "-", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("listing Nomad nodes: %w", nettext.Explain(err))
	}
	moving = map[string]string{}
	open := fnv.New64a()
	slices.SortFunc(nodes, func(a, b *api.NodeListStub) int { return cmp.Compare(a.ID, b.ID) })
	for _, n := range nodes {
		switch {
		case n.Drain:
			moving[n.ID] = "node " + n.Name + " is draining"
		case n.Status != api.NodeStatusReady:
			moving[n.ID] = "node " + n.Name + " is " + n.Status
		case n.SchedulingEligibility == api.NodeSchedulingEligible:
			_, _ = open.Write([]byte(n.ID)) // a hash takes everything
		}
	}
	return moving, strconv.FormatUint(open.Sum64(), 36), nil
}

func movingOf(a *api.AllocationListStub, nodes map[string]string) string {
	if a.ClientStatus == api.AllocClientStatusUnknown {
		return "node " + a.NodeName + " is out of reach"
	}
	if terminal(a.ClientStatus) {
		return ""
	}
	return nodes[a.NodeID]
}
