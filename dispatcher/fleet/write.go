package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/nettext"
)

// ErrConflict means that the job has changed since it was read, and nothing was written.
var ErrConflict = errors.New("the Nomad job has changed meanwhile")

// The keys of a scaling event's meta.
const (
	metaTotal = "machinectl_total" // the pool's intended total
	metaFits  = "machinectl_fits"  // a Fitting, if one is known
)

// Change is a new count for one group of a pool.
type Change struct {
	Group string
	Count int
	// Total is how many machines the pool is intended to have after the change.
	Total int
	// Fits is what [Pool.Fits] returns from then on.
	Fits    int
	Message string // what the Nomad UI shows for the event
}

// query and write are the options of requests about the pool's job.
func (id ID) query(ctx context.Context) *api.QueryOptions {
	return (&api.QueryOptions{Region: id.Region, Namespace: id.Namespace}).WithContext(ctx)
}

func (id ID) write(ctx context.Context) *api.WriteOptions {
	return (&api.WriteOptions{Region: id.Region, Namespace: id.Namespace}).WithContext(ctx)
}

// Scale sets the count of one group, unless the pool has changed since it was read.
func (c *Client) Scale(ctx context.Context, p Pool, change Change) error {
	n := int64(change.Count)
	meta := map[string]any{metaTotal: change.Total}
	if w := p.Wanted(); change.Fits > 0 && w != nil {
		meta[metaFits] = Fitting{Group: w.Name, Nodes: p.Nodes, Machines: change.Fits}.String()
	}
	_, _, err := c.nomad.Jobs().ScaleWithRequest(p.Name, &api.ScalingRequest{
		Count: &n, Target: map[string]string{"Job": p.Name, "Group": change.Group}, Message: change.Message,
		Meta: meta, JobModifyIndex: p.Index,
	}, p.write(ctx))
	if err != nil {
		return fmt.Errorf("scaling %s/%s to %d: %w", p.ID, change.Group, change.Count, nettext.Explain(conflict(err)))
	}
	return nil
}

// RemoveGroup removes a group without machines from the pool's job, unless the job has changed since it was read.
func (c *Client) RemoveGroup(ctx context.Context, p Pool, group string) error {
	job, _, err := c.nomad.Jobs().Info(p.Name, p.query(ctx))
	if err != nil {
		return fmt.Errorf("reading Nomad job %s: %w", p.ID, nettext.Explain(err))
	}
	if *job.JobModifyIndex != p.Index {
		return ErrConflict
	}
	var keep []*api.TaskGroup
	for _, tg := range job.TaskGroups {
		if *tg.Name != group {
			keep = append(keep, tg)
			continue
		}
		if *tg.Count != 0 {
			return fmt.Errorf("group %s of %s still has a count of %d", group, p.ID, *tg.Count)
		}
	}
	if len(keep) == 0 || len(keep) == len(job.TaskGroups) {
		return fmt.Errorf("group %s can't be removed from %s, which has %d groups", group, p.ID, len(job.TaskGroups))
	}
	job.TaskGroups = keep
	_, _, err = c.nomad.Jobs().RegisterOpts(job, &api.RegisterOptions{EnforceIndex: true, ModifyIndex: p.Index},
		p.write(ctx))
	if err != nil {
		return fmt.Errorf("removing group %s from %s: %w", group, p.ID, nettext.Explain(conflict(err)))
	}
	return nil
}

// conflict recognises Nomad's answer to a write with an old index: a 500 with this text.
func conflict(err error) error {
	var status api.UnexpectedResponseError
	if errors.As(err, &status) && status.StatusCode() == http.StatusInternalServerError &&
		strings.Contains(strings.ToLower(status.Body()), "enforcing job modify index") {
		return fmt.Errorf("%w (%s)", ErrConflict, strings.TrimSpace(status.Body()))
	}
	return err
}
