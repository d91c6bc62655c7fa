package queue_test

import (
	"context"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// Which servers confirm a durable submission, and what happens to a submission on others.

func TestDurableSubmissions(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name           string
		args           []string
		before, from72 bool
	}{
		{name: "appendfsync always", args: []string{"--appendfsync", "always"}, before: true, from72: true},
		{name: "appendfsync everysec", args: []string{"--appendfsync", "everysec"}, from72: true},
		{name: "appendfsync no", args: []string{"--appendfsync", "no"}},
		{name: "appendonly no", args: []string{"--appendonly", "no"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := queuetest.StartRedis(t, tc.args...)
			c := open(t, fastOptions(server.URL))
			want := tc.before
			if hasWaitAOF(t, server) {
				want = tc.from72
			}
			job, err := c.Submit(t.Context(), queue.Submission{Type: "simulation", Durable: true})
			if want {
				require.NoError(t, err)
				require.Equal(t, queue.Waiting, job.State)
				return
			}
			var invalid *queue.InvalidError
			require.ErrorAs(t, err, &invalid)
			require.Equal(t, "durable", invalid.Field)
			all, _, err := c.List(t.Context(), queue.ListFilter{})
			require.NoError(t, err)
			require.Empty(t, all)
		})
	}
}

// A job whose submission isn't confirmed is in the queue once, and the answer reports both. Repeating its key waits for
// the disk again.
func TestUnconfirmedSubmission(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendfsync", "everysec")
	if !hasWaitAOF(t, server) {
		t.Skip("skipped: needs Redis 7.2 or later, for WAITAOF")
	}
	c := open(t, fastOptions(server.URL))
	direct := redis.NewClient(&redis.Options{Addr: server.Addr})
	t.Cleanup(func() { _ = direct.Close() })
	submission := queue.Submission{Type: "simulation", Durable: true, IdempotencyKey: "once"}
	_, err := c.Submit(t.Context(), queue.Submission{Type: "simulation", Durable: true})
	require.NoError(t, err)

	require.NoError(t, direct.ConfigSet(t.Context(), "appendfsync", "no").Err())
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	first, err := c.Submit(short, submission)
	require.ErrorIs(t, err, queue.ErrNotDurable)
	require.NotNil(t, first)
	_, err = c.Submit(t.Context(), submission)
	var invalid *queue.InvalidError
	require.ErrorAs(t, err, &invalid, "the new setting is seen")

	require.NoError(t, direct.ConfigSet(t.Context(), "appendfsync", "everysec").Err())
	again, err := open(t, fastOptions(server.URL)).Submit(t.Context(), submission)
	require.NoError(t, err)
	require.Equal(t, first.ID, again.ID)
	all, _, err := c.List(t.Context(), queue.ListFilter{})
	require.NoError(t, err)
	require.Len(t, all, 2)
}

// A server that doesn't reveal its settings and never syncs reports itself that it gave up.
func TestRedisGivesUpWaitingForItsDisk(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t, "--appendfsync", "no", "--rename-command", "CONFIG", "")
	if !hasWaitAOF(t, server) {
		t.Skip("skipped: needs Redis 7.2 or later, for WAITAOF")
	}
	c := open(t, fastOptions(server.URL))
	job, err := c.Submit(t.Context(), queue.Submission{Type: "simulation", Durable: true})
	require.ErrorIs(t, err, queue.ErrNotDurable)
	require.ErrorContains(t, err, "Redis did not confirm within 4s")
	require.NotErrorIs(t, err, queue.ErrUnavailable)
	require.Equal(t, queue.Waiting, job.State)
}

// hasWaitAOF reports whether the server has the command.
func hasWaitAOF(t *testing.T, server *queuetest.Redis) bool {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr})
	defer func() { _ = client.Close() }()
	known, err := client.Do(t.Context(), "COMMAND", "INFO", "WAITAOF").Slice()
	require.NoError(t, err)
	return len(known) == 1 && known[0] != nil
}
