package queue_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// Where nobody can run a job, the worker is named that lacks least, with all that it lacks: not the most frequent reason,
// and not a worker of another type.
func TestTheNearestWorker(t *testing.T) {
	t.Parallel()
	c := openQueue(t, queuetest.StartRedis(t), func(o *queue.Options) { o.Prefix = "near" })
	register := func(machine, name, jobType string, memory string, flags ...string) {
		w := queue.WorkerInfo{Machine: machine, Name: name, Offer: capability.Offer{Type: jobType, Flags: flags, Attrs: map[string]any{}}}
		if memory != "" {
			w.Offer.Attrs["gpu.memory"] = memory
		}
		require.NoError(t, c.Register(t.Context(), w))
	}
	job, err := c.Submit(t.Context(), queue.Submission{Type: "sim", Capabilities: []string{"cuda", "gpu"}, Requires: map[string]any{"gpu.memory": ">=24GiB"}})
	require.NoError(t, err)
	nearest := func() (*queue.Nearest, string) {
		why, err := c.Explain(t.Context(), job.ID)
		require.NoError(t, err)
		return why.Nearest, why.Summary
	}
	n, summary := nearest()
	require.Nil(t, n)
	require.Equal(t, "no worker of type sim is alive", summary)

	register("a-foreign", "w", "other", "80GiB", "cuda", "gpu")
	n, _ = nearest()
	require.Equal(t, &queue.Nearest{Machine: "a-foreign", Worker: "w", Lacks: []string{"needs type sim, worker offers type other"}, Workers: 1}, n)
	register("b-nothing", "w1", "sim", "")
	register("b-nothing", "w2", "sim", "")
	n, _ = nearest()
	require.Equal(t, []string{"needs cuda, worker offers none", "needs gpu, worker offers none", "needs gpu.memory >=24GiB, worker offers none"}, n.Lacks)
	require.Equal(t, 2, n.Workers)
	register("c-cpu", "w", "sim", "", "cuda")
	n, _ = nearest()
	require.Equal(t, "c-cpu", n.Machine)
	register("z-small", "w", "sim", "8GiB", "cuda", "gpu")
	n, summary = nearest()
	require.Equal(t, &queue.Nearest{Machine: "z-small", Worker: "w", Lacks: []string{"needs gpu.memory >=24GiB, worker offers 8GiB"}, Workers: 1}, n)
	require.Equal(t, "no live worker can run it: the nearest is worker w of machine z-small: needs gpu.memory >=24GiB, worker offers 8GiB", summary)
	register("y-small", "w", "sim", "8GiB", "cuda", "gpu")
	n, summary = nearest()
	require.Equal(t, []any{"y-small", 2}, []any{n.Machine, n.Workers}, "of those that lack the same, the first by name")
	require.Contains(t, summary, "the nearest are 2 workers such as w of machine y-small: needs")
	register("x-large", "w", "sim", "48GiB", "cuda", "gpu")
	require.NoError(t, c.Drain(t.Context(), "x-large", "resize", time.Minute))
	n, _ = nearest()
	require.Equal(t, []any{"x-large", []string{"its machine is draining"}}, []any{n.Machine, n.Lacks})
	require.NoError(t, c.Undrain(t.Context(), "x-large"))
	n, _ = nearest()
	require.Nil(t, n, "one can")
}
