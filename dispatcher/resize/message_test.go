package resize

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/dispatcher/fleet"
	"github.com/emprops/machinectl/dispatcher/rollout"
	"github.com/emprops/machinectl/dispatcher/scaler"
	"github.com/emprops/machinectl/hcl/manifest"
)

// What Nomad's UI shows beside a change of a group's count.
func TestMessage(t *testing.T) {
	p := &pool{Pool: fleet.Pool{ID: fleet.ID{Name: "p"}, Groups: []fleet.Group{{Name: "m-00000002", Policy: manifest.Policy{Wanted: true}}}}}
	grows := scaler.Decision{From: 1, Count: 3, Reasons: []scaler.Reason{{Text: "9 jobs need 9 machines"}, {Text: "the pool may have at most 3 machines"}}}
	stays := grows
	stays.From = 3
	require.Equal(t, "machinectl: 9 jobs need 9 machines; the pool may have at most 3 machines", message(p, rollout.Plan{}, grows))
	require.Equal(t, "machinectl: rollout to m-00000002", message(p, rollout.Plan{Moving: true}, stays))
	plan := rollout.Plan{Moving: true, Reason: "waiting for old machines to finish their jobs"}
	require.Equal(t, "machinectl: rollout to m-00000002, waiting for old machines to finish their jobs; 9 jobs need 9 machines; the pool may have at most 3 machines",
		message(p, plan, grows))
}
