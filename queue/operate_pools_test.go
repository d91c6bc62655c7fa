package queue_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// servers are the URLs of a Redis and of a cluster of three masters.
func servers(t *testing.T) map[string]string {
	t.Helper()
	return map[string]string{"one server": queuetest.StartRedis(t).URL, "a cluster": queuetest.StartCluster(t).URL}
}

func TestPoolsAreShared(t *testing.T) {
	for name, url := range servers(t) {
		t.Run(name, func(t *testing.T) {
			q, err := queue.Open(t.Context(), queue.Options{URL: url})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, q.Close()) })
			ctx := t.Context()

			const pool, other = "global/default/gpu", "global/ml/gpu"
			list, err := q.Decisions(ctx, pool, 10)
			require.NoError(t, err)
			require.Empty(t, list)
			require.NoError(t, q.AddDecisions(ctx, other, []byte("other")))
			for i := range queue.MaxDecisions {
				require.NoError(t, q.AddDecisions(ctx, pool, fmt.Appendf(nil, "%d", 2*i), fmt.Appendf(nil, "%d", 2*i+1)))
			}
			list, err = q.Decisions(ctx, pool, 10*queue.MaxDecisions)
			require.NoError(t, err)
			require.Len(t, list, queue.MaxDecisions)
			require.Equal(t, fmt.Sprint(2*queue.MaxDecisions-1), string(list[0]), "newest first")
			list, err = q.Decisions(ctx, pool, 2)
			require.NoError(t, err)
			require.Len(t, list, 2)

			doc, err := q.PublishedPools(ctx)
			require.NoError(t, err)
			require.Nil(t, doc)
			require.NoError(t, q.PublishPools(ctx, []byte("x"), time.Minute))
			doc, err = q.PublishedPools(ctx)
			require.NoError(t, err)
			require.Equal(t, "x", string(doc))
			require.NoError(t, q.PublishPools(ctx, []byte("y"), time.Millisecond))
			require.Eventually(t, func() bool { doc, err := q.PublishedPools(ctx); return err == nil && doc == nil }, 30*time.Second, 5*time.Millisecond)

			until := time.Now().Add(time.Hour).UTC().Round(time.Millisecond)
			require.NoError(t, q.OrderPool(ctx, pool, queue.OrderCount, queue.PoolOrder{Count: 3, Reason: "a demo", Until: &until}))
			require.NoError(t, q.OrderPool(ctx, pool, queue.OrderPause, queue.PoolOrder{Reason: "looking"}))
			require.NoError(t, q.OrderPool(ctx, other, queue.OrderCount, queue.PoolOrder{Count: 1}))
			orders, err := q.PoolOrders(ctx)
			require.NoError(t, err)
			require.Equal(t, map[string]map[string]queue.PoolOrder{
				pool:  {queue.OrderCount: {Count: 3, Reason: "a demo", Until: &until}, queue.OrderPause: {Reason: "looking"}},
				other: {queue.OrderCount: {Count: 1}},
			}, orders)
			was, err := q.WithdrawOrder(ctx, pool, queue.OrderPause)
			require.NoError(t, err)
			require.True(t, was)
			was, err = q.WithdrawOrder(ctx, pool, queue.OrderPause)
			require.NoError(t, err)
			require.False(t, was)
		})
	}
}
