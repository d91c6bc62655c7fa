package fleet

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/nomad/api"
)

// ErrConflict means that somebody changed the job since it was read, and nothing was written.
var ErrConflict = errors.New("the Nomad job has changed meanwhile")

// metaTotal is the key of the pool's intended total in a scaling event's meta.
const metaTotal = "machinectl_total"

// Scale sets the count of one group of the pool as it was read. total is the pool's intended machines after it; message
// is what the Nomad UI shows for the event.
func (c *Client) Scale(ctx context.Context, p Pool, group string, count, total int, message string) error {
	n := int64(count)
	_, _, err := c.nomad.Jobs().ScaleWithRequest(p.Name, &api.ScalingRequest{
		Count: &n, Target: map[string]string{"Job": p.Name, "Group": group}, Message: message,
		Meta: map[string]any{metaTotal: total}, JobModifyIndex: p.Index,
	}, (&api.WriteOptions{}).WithContext(ctx))
	if err != nil {
		return fmt.Errorf("scaling %s/%s to %d: %w", p.Name, group, count, conflict(err))
	}
	return nil
}

// RemoveGroup takes a group with no machines out of the pool's job as it was read.
func (c *Client) RemoveGroup(ctx context.Context, p Pool, group string) error {
	job, _, err := c.nomad.Jobs().Info(p.Name, (&api.QueryOptions{}).WithContext(ctx))
	if err != nil {
		return fmt.Errorf("reading Nomad job %s: %w", p.Name, err)
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
			return fmt.Errorf("group %s of %s still has a count of %d", group, p.Name, *tg.Count)
		}
	}
	if len(keep) == 0 || len(keep) == len(job.TaskGroups) {
		return fmt.Errorf("group %s can't be removed from %s, which has %d groups", group, p.Name, len(job.TaskGroups))
	}
	job.TaskGroups = keep
	_, _, err = c.nomad.Jobs().RegisterOpts(job, &api.RegisterOptions{EnforceIndex: true, ModifyIndex: p.Index},
		(&api.WriteOptions{}).WithContext(ctx))
	if err != nil {
		return fmt.Errorf("removing group %s from %s: %w", group, p.Name, conflict(err))
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
