package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// TestManyInOneTurn claims and ends more at once than Lua can hand on to one command.
func TestManyInOneTurn(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	for name, only := range map[string]bool{"quick": false, "turn": true} {
		t.Run(name, func(t *testing.T) {
			c := open(t, queue.Options{URL: server.URL, Prefix: name, Lease: time.Minute})
			if only {
				c.OnlyTurns("simulation")
			}
			const n = 4100
			all := make([]queue.Submission, n)
			for i := range all {
				all[i].Type = "simulation"
			}
			_, err := c.SubmitBatch(t.Context(), all)
			require.NoError(t, err)
			w := simWorker("m1")
			require.NoError(t, c.Register(t.Context(), w))
			var done []queue.Ending
			for len(done) < n {
				jobs, err := c.Claim(t.Context(), w, n, 0)
				require.NoError(t, err)
				require.Len(t, jobs, queue.MaxClaim)
				for _, j := range jobs {
					done = append(done, queue.Ending{Lease: j.Lease, Result: &queue.Result{}})
				}
			}
			_, verdicts, err := c.Turn(t.Context(), w, done, 1)
			require.NoError(t, err)
			require.Len(t, verdicts, n)
			for _, v := range verdicts {
				require.NoError(t, v)
			}
			left, err := c.InFlight(t.Context(), "m1")
			require.NoError(t, err)
			require.Zero(t, left)
		})
	}
}
