package queue_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// TestConnect: what other packages keep in Redis is beside the queue's keys, and never among those of a job type.
func TestConnect(t *testing.T) {
	redis := queuetest.StartRedis(t)
	client, err := queue.Connect(queue.Options{URL: redis.URL})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	require.NoError(t, client.Set(t.Context(), queue.Key("", "note"), "x", 0).Err())
	names, err := client.Keys(t.Context(), "*").Result()
	require.NoError(t, err)
	require.Equal(t, []string{"mq:{_}:note"}, names)
	require.Equal(t, "other:{_}:note", queue.Key("other", "note"))

	_, err = queue.Connect(queue.Options{URL: "http://h"})
	require.ErrorContains(t, err, "scheme")
	_, err = queue.Connect(queue.Options{URL: redis.URL, Prefix: "a b"})
	require.ErrorContains(t, err, "prefix")
}
