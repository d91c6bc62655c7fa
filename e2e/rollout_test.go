//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/client"
)

// A changed profile is applied while jobs run: the pool ends up on the new revision, no job is interrupted, and the old
// group is gone.
func TestChangedProfileUnderLoad(t *testing.T) {
	s := newStack(t, 1)
	s.apply("simulation.hcl", "min=2", "max=3")
	before := s.waitReady(2)
	ids := s.simulation(24, 3*time.Second)
	s.running(2)

	s.apply("simulation.hcl", "min=2", "max=3", "marker=changed")
	old := before[0].Group
	var groups []string
	s.eventually(150*time.Second, "the old group to be gone", func() (bool, string) {
		serving := 0
		for _, m := range s.machines() {
			if m.State == client.MachineStateReady {
				serving++
			}
		}
		require.GreaterOrEqual(t, serving, 2, "the rollout never goes below the pool's minimum")
		job, _, err := s.nomad.Jobs().Info("simulation", nil)
		require.NoError(t, err)
		groups = groups[:0]
		for _, g := range job.TaskGroups {
			groups = append(groups, *g.Name)
		}
		return len(groups) == 1 && groups[0] != old, ""
	})
	jobs := s.waitJobs(120*time.Second, ids)
	require.Zero(t, interruptions(jobs), "no job was interrupted by the rollout")
	for _, m := range s.machines() {
		if m.State == client.MachineStateReady {
			require.Equal(t, groups[0], m.Group)
		}
	}
	require.Contains(t, s.ctl(append([]string{"plan"}, s.withVars("simulation.hcl", []string{"min=2", "max=3", "marker=changed"})...)...), "No changes")
}

func idsOf(machines []client.Machine) []string {
	ids := make([]string, len(machines))
	for i, m := range machines {
		ids[i] = m.ID
	}
	return ids
}
