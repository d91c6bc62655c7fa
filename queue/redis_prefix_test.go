package queue_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
)

func TestPrefix(t *testing.T) {
	for _, tc := range []struct{ url, given, want, problem string }{
		{"redis://h", "", "mq", ""},
		{"redis://h?prefix=a", "", "a", ""},
		{"redis://h?prefix=a", "a", "a", ""},
		{"redis://h?prefix=a,redis://i", "", "a", ""},
		{"redis://h", "b.1:x", "b.1:x", ""},
		{"redis://h?prefix=a", "b", "", `the prefix of Redis keys is "b", and "a" in the Redis URL`},
		{"redis://h", "a{b}", "a{b}", "must be letters"},
		{"redis://h", strings.Repeat("a", 65), strings.Repeat("a", 65), "must be letters"},
	} {
		got, err := queue.Prefix(tc.url, tc.given)
		require.Equal(t, tc.want, got, "%+v", tc)
		if tc.problem == "" {
			require.NoError(t, err, "%+v", tc)
			continue
		}
		require.ErrorContains(t, err, tc.problem)
	}
}

// Installations with different prefixes on one Redis, or one cluster, don't notice each other.
func TestInstallationsShareARedis(t *testing.T) {
	for name, server := range servers(t) {
		t.Run(name, func(t *testing.T) {
			first, second := openPrefixed(t, server, ""), openPrefixed(t, server, "team-b")
			ctx := t.Context()
			job, err := first.Submit(ctx, queue.Submission{Type: "sim", IdempotencyKey: "one"})
			require.NoError(t, err)
			_, err = second.Get(ctx, job.ID)
			require.ErrorIs(t, err, queue.ErrNotFound)
			other, err := second.Submit(ctx, queue.Submission{Type: "sim", IdempotencyKey: "one"})
			require.NoError(t, err)
			require.False(t, other.Repeated)
			require.NotEqual(t, job.ID, other.ID)

			w := queue.WorkerInfo{Machine: "m", Name: "w", Offer: capability.Offer{Type: "sim"}}
			require.NoError(t, second.Register(ctx, w))
			list, err := second.Claim(ctx, w, 2, 10*time.Millisecond)
			require.NoError(t, err)
			require.Len(t, list, 1, "not the other's")
			require.Equal(t, other.ID, list[0].Lease.JobID)
			require.NoError(t, second.ReportMachine(ctx, queue.Machine{ID: "m", Pool: "p", State: queue.MachineReady}))
			machines, err := first.Machines(ctx)
			require.NoError(t, err)
			require.Empty(t, machines)
			require.NoError(t, second.Pause(ctx, "sim", "maintenance"))
			types, err := first.Types(ctx)
			require.NoError(t, err)
			require.Equal(t, []queue.TypeState{{Type: "sim"}}, types)
			for _, q := range []*queue.Client{first, second} {
				leader, err := q.Lead(ctx, "resize", "me", time.Minute)
				require.NoError(t, err)
				require.Equal(t, "me", leader)
				require.NoError(t, q.AddDecisions(ctx, "p", []byte("x")))
				decisions, err := q.Decisions(ctx, "p", 10)
				require.NoError(t, err)
				require.Len(t, decisions, 1)
			}
			demand, err := first.Demand(ctx)
			require.NoError(t, err)
			require.Len(t, demand, 1)
			require.EqualValues(t, 1, demand[0].Waiting)
			require.Empty(t, demand[0].Paused)
		})
	}
}

func openPrefixed(t *testing.T, server, prefix string) *queue.Client {
	t.Helper()
	if prefix != "" {
		seeds := strings.Split(server, ",")
		for i, seed := range seeds {
			u, err := url.Parse(seed)
			require.NoError(t, err)
			q := u.Query()
			q.Set("prefix", prefix)
			u.RawQuery = q.Encode()
			seeds[i] = u.String()
		}
		server = strings.Join(seeds, ",")
	}
	q, err := queue.Open(t.Context(), queue.Options{URL: server})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, q.Close()) })
	return q
}
