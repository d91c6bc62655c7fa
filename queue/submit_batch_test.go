package queue_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// After an error, the result tells which submissions of a batch were accepted, and it is the same each time: those of the types
// that come before the error.
func TestBatchEndsAtTheFirstError(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendonly", "no")
	c := open(t, queue.Options{URL: server.URL, MaxClasses: 1})
	batch := []queue.Submission{
		{Type: "first"},
		{Type: "second"},
		{Type: "third"},
		{Type: "first"},
		{Type: "second"},
		{Type: "third", Capabilities: []string{"one-class-too-many"}},
		{Type: "fourth"},
		{Type: "fifth"},
	}
	for range 20 {
		jobs, err := c.SubmitBatch(t.Context(), batch)
		require.ErrorContains(t, err, "would be a new class of jobs")
		var accepted []int
		for i, job := range jobs {
			if job != nil {
				require.Equal(t, batch[i].Type, job.Type)
				accepted = append(accepted, i)
			}
		}
		require.Equal(t, []int{0, 1, 3, 4}, accepted)
	}
}
