package queue_test

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// raw returns a plain client for a test's Redis.
func raw(t *testing.T, server *queuetest.Redis) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

// After a loss, a running machine's data returns to Redis with its next heartbeat or, for an idle worker, with its next
// claim.
func TestAMachineIsKnownAgain(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	c, err := queue.Open(t.Context(), queue.Options{URL: server.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	w := queue.WorkerInfo{Machine: "m", Name: "w", Index: 3, Offer: capability.Offer{Type: "sim", Attrs: map[string]any{"model": "flux"}}}
	require.NoError(t, c.Register(t.Context(), w))
	require.NoError(t, c.ReportMachine(t.Context(), queue.Machine{ID: "m", Pool: "p", State: queue.MachineReady}))
	r := raw(t, server)
	before, err := r.HGet(t.Context(), "mq:{sim}:ctl", "fleet").Int64()
	require.NoError(t, err)

	for _, tc := range []struct {
		name string
		lose func()
		call func() error
	}{
		{"heartbeat after FLUSHALL", func() { require.NoError(t, server.Flush()) }, func() error { _, err := c.Heartbeat(t.Context(), "m", nil); return err }},
		{"claim after FLUSHALL", func() { require.NoError(t, server.Flush()) }, func() error { _, err := c.Claim(t.Context(), w, 1, 0); return err }},
		{"turn after an empty restart", server.StartEmpty, func() error { _, _, err := c.Turn(t.Context(), w, nil, 1); return err }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.lose()
			require.NoError(t, tc.call())
			machines, err := c.Machines(t.Context())
			require.NoError(t, err)
			require.Len(t, machines, 1)
			require.Equal(t, "p", machines[0].Pool)
			format, err := r.Get(t.Context(), "mq:{_}:format").Result()
			require.NoError(t, err)
			require.Equal(t, "2", format)
			after, err := r.HGet(t.Context(), "mq:{sim}:ctl", "fleet").Int64()
			require.NoError(t, err)
			require.Greater(t, after, before, "a version of the fleet is never used again for another")
			before = after

			job, err := c.Submit(t.Context(), queue.Submission{Type: "sim", Requires: map[string]any{"model": "flux"}})
			require.NoError(t, err)
			why, err := c.Explain(t.Context(), job.ID)
			require.NoError(t, err)
			require.Equal(t, 1, why.Able)
			got, err := c.Claim(t.Context(), w, 1, time.Second)
			require.NoError(t, err)
			require.Len(t, got, 1)
		})
	}
	require.NoError(t, c.RemoveMachine(t.Context(), "m"))
	_, err = c.Heartbeat(t.Context(), "m", nil)
	require.NoError(t, err)
	machines, err := c.Machines(t.Context())
	require.NoError(t, err)
	require.Empty(t, machines, "one that left in order isn't brought back")
}

// A program of another release may be the first to write into an emptied Redis.
func TestAnotherLayoutAfterALoss(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	c, err := queue.Open(t.Context(), queue.Options{URL: server.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	r := raw(t, server)
	require.NoError(t, server.Flush())
	require.NoError(t, r.Set(t.Context(), "mq:{_}:format", "3", 0).Err())
	_, err = c.Heartbeat(t.Context(), "m", nil)
	require.ErrorContains(t, err, "layout 3")
	_, err = c.Reap(t.Context(), 10)
	require.ErrorContains(t, err, "layout 3")
}

// A client that knows a type keeps it even if only the set of types is lost, as when one server of a cluster loses its
// data.
func TestTheSetOfTypesComesBack(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	c, err := queue.Open(t.Context(), queue.Options{URL: server.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	job, err := c.Submit(t.Context(), queue.Submission{Type: "sim"})
	require.NoError(t, err)
	r := raw(t, server)
	require.NoError(t, r.Del(t.Context(), "mq:{_}:types", "mq:{_}:format").Err())
	_, err = c.Reap(t.Context(), 10)
	require.NoError(t, err)
	types, err := r.SMembers(t.Context(), "mq:{_}:types").Result()
	require.NoError(t, err)
	require.Equal(t, []string{"sim"}, types)
	list, _, err := c.List(t.Context(), queue.ListFilter{})
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, job.ID, list[0].ID)
}
