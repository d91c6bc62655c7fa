package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// TestPreviousAgentForfeits: the job of a crashed agent does not wait for its lease when the agent is started again in place.
func TestPreviousAgentForfeits(t *testing.T) {
	redis := queuetest.StartRedis(t)
	q := open(t, redis, queue.Options{Lease: time.Hour})
	o := options(t, redis.URL)
	id := submit(t, q, queue.Submission{}, `{"duration": "10ms"}`)
	former := queue.WorkerInfo{Machine: o.ID, Name: o.Spec.Workers[0].Name, Offer: o.Spec.Workers[0].Offer}
	require.NoError(t, q.Register(t.Context(), former))
	claimed, err := q.Claim(t.Context(), former, 1, 0)
	require.NoError(t, err)
	require.Len(t, claimed, 1)

	start(t, o)
	job := awaitState(t, q, id, queue.Completed)
	require.Equal(t, 1, job.LostLeases)
	require.ErrorIs(t, q.Complete(t.Context(), claimed[0].Lease, queue.Result{}), queue.ErrStale)
}
