package queue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// The scripts of the former release know no webhooks: when one of its agents ends a job, the reaper announces it.
func TestEndsByTheFormerReleaseAreAnnounced(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	rdb := raw(t, server)
	c := openQueue(t, server, nil)
	w := queue.WorkerInfo{Machine: "m1", Name: "w", Offer: capability.Offer{Type: "sim"}}
	require.NoError(t, c.Register(t.Context(), w))
	job, err := c.Submit(t.Context(), queue.Submission{Type: "sim", Webhook: "https://example.com/hook"})
	require.NoError(t, err)
	got, err := c.Claim(t.Context(), w, 1, 0)
	require.NoError(t, err)
	require.NoError(t, c.Complete(t.Context(), got[0].Lease, queue.Result{}))
	require.NoError(t, rdb.Del(t.Context(), "mq:{sim}:hookout").Err())
	require.NoError(t, rdb.HSet(t.Context(), "mq:{sim}:hooks", job.ID, job.Webhook, "sim-gone", job.Webhook).Err())
	for range 3 {
		_, err = c.Reap(t.Context(), 100)
		require.NoError(t, err)
	}
	n, err := c.FileEnds(t.Context(), 100)
	require.NoError(t, err)
	require.Equal(t, 1, n)
	left, err := rdb.Exists(t.Context(), "mq:{sim}:hooks").Result()
	require.NoError(t, err)
	require.Zero(t, left)
}

// What a job's end adds to the outbox survives the job, and Redis' cluster mode accepts all keys.
func TestWebhooksInACluster(t *testing.T) {
	t.Parallel()
	cluster := queuetest.StartCluster(t)
	c := open(t, queue.Options{URL: cluster.URL})
	var ids []string
	for _, jobType := range []string{"sim", "other"} {
		job, err := c.Submit(t.Context(), queue.Submission{Type: jobType, Webhook: "https://example.com/hook"})
		require.NoError(t, err)
		_, err = c.Cancel(t.Context(), job.ID, "x")
		require.NoError(t, err)
		ids = append(ids, job.ID)
	}
	_, err := c.FileEnds(t.Context(), 100)
	require.NoError(t, err)
	hosts, err := c.DueHosts(t.Context(), 10)
	require.NoError(t, err)
	require.Len(t, hosts, 2)
	for _, at := range hosts {
		taken, err := c.TakeDeliveries(t.Context(), at, 10, time.Minute)
		require.NoError(t, err)
		require.Len(t, taken, 1)
		require.Contains(t, ids, taken[0].JobID)
		require.NoError(t, c.RecordDelivery(t.Context(), taken[0], nil, queue.Outcome{GivenUp: "x"}))
		_, err = c.Redeliver(t.Context(), taken[0].Event)
		require.NoError(t, err)
	}
}

func TestWebhookURLs(t *testing.T) {
	t.Parallel()
	c := openQueue(t, queuetest.StartRedis(t), nil)
	for webhook, problem := range map[string]string{
		"https://example.com/hook":                            "",
		"http://10.0.0.1:8080/hook?x=y":                       "", // whether it may be called is for the dispatcher to decide
		"example.com/hook":                                    "is not a URL",
		"ftp://example.com/hook":                              "is not a URL",
		"https:///hook":                                       "is not a URL",
		"https://example.com:no/hook":                         "is not a URL",
		"https://user@example.com/hook":                       "contains a user name",
		"https://example.com/hook#part":                       "contains a fragment",
		"https://example.com/\thook":                          "contains control characters",
		"https://example.com/\nhook":                          "contains control characters",
		"https://example.com/" + strings.Repeat("x", 2048-19): "is 2049 bytes long, at most 2048",
	} {
		_, err := c.Submit(t.Context(), queue.Submission{Type: "sim", Webhook: webhook})
		if problem == "" {
			require.NoError(t, err, webhook)
			continue
		}
		var invalid *queue.InvalidError
		require.ErrorAs(t, err, &invalid, webhook)
		require.Equal(t, "webhook", invalid.Field)
		require.Contains(t, invalid.Problem, problem)
	}
	first, err := c.Submit(t.Context(), queue.Submission{Type: "sim", IdempotencyKey: "k", Webhook: "https://example.com/a"})
	require.NoError(t, err)
	same, err := c.Submit(t.Context(), queue.Submission{Type: "sim", IdempotencyKey: "k", Webhook: "https://example.com/a"})
	require.NoError(t, err)
	require.Equal(t, first.ID, same.ID)
	_, err = c.Submit(t.Context(), queue.Submission{Type: "sim", IdempotencyKey: "k", Webhook: "https://example.com/b"})
	var conflict *queue.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, []string{"webhook"}, conflict.Fields)
}
