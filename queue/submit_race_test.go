package queue

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
)

// beforeDefinitions calls f once, before the first submission that defines classes reaches Redis.
type beforeDefinitions struct {
	f func()
}

func (h *beforeDefinitions) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *beforeDefinitions) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *beforeDefinitions) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		for _, arg := range cmd.Args() {
			if b, ok := arg.([]byte); ok && h.f != nil && strings.Contains(string(b), `"type":"simulation"`) {
				f := h.f
				h.f = nil
				f()
			}
		}
		return next(ctx, cmd)
	}
}

// A worker that registers between the moment in which a submitter looks at the fleet and the one in which its new class is
// defined finds the job all the same, without a reaper's help.
func TestAWorkerRegistersBesideItsFirstClass(t *testing.T) {
	server := miniredis.RunT(t)
	open := func() *Client {
		c, err := Open(t.Context(), Options{URL: "redis://" + server.Addr(), Poll: 20 * time.Millisecond})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, c.Close()) })
		return c
	}
	submitter, machine := open(), open()
	worker := WorkerInfo{Machine: "m", Name: "w", Offer: capability.Offer{Type: "simulation"}}
	registered := false
	submitter.rdb.AddHook(&beforeDefinitions{f: func() {
		registered = true
		require.NoError(t, machine.Register(t.Context(), worker))
	}})
	job, err := submitter.Submit(t.Context(), Submission{Type: "simulation"})
	require.NoError(t, err)
	require.True(t, registered)

	claimed, err := machine.Claim(t.Context(), worker, 1, 30*time.Second)
	require.NoError(t, err)
	require.Len(t, claimed, 1, "the job waits where no worker looks")
	require.Equal(t, job.ID, claimed[0].Job.ID)
}
