//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Demand raises the pool to three machines. When it falls, only the machines with the highest indexes are drained and
// stopped, while the machine with the lowest index runs a long job undisturbed.
func TestShrinkStopsTheDrainedMachineAndNoOther(t *testing.T) {
	s := newStack(t, 1)
	s.apply("simulation.hcl", "min=1", "max=3")
	first := s.waitReady(1)[0]

	long := s.simulation(1, 45*time.Second)
	burst := s.simulation(20, 2*time.Second)
	s.waitReady(3)
	s.waitJobs(60*time.Second, burst)

	s.eventually(60*time.Second, "the pool to be back at one machine", func() (bool, string) {
		allocs := s.allocations("simulation")
		n := 0
		for _, group := range allocs {
			n += len(group)
		}
		return n == 1, "running: " + time.Now().Format(time.TimeOnly)
	})
	left := s.waitReady(1)[0]
	require.Equal(t, first.ID, left.ID, "the machine with index 0 stays")
	jobs := append(s.waitJobs(60*time.Second, long), s.waitJobs(time.Second, burst)...)
	require.Zero(t, interruptions(jobs))
	require.Equal(t, first.ID, jobs[0].Machine, "the long job ended where it began")
	require.Len(t, jobs[0].History, 1)
}
