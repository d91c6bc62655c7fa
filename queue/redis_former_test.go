package queue_test

import (
	"bufio"
	"encoding/json"
	"os"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// former is what the former release left in Redis, with testdata/layout2.jsonl: after a line of facts, Redis commands. Its
// moment is two minutes ago.
type former struct {
	Jobs  map[string]string `json:"jobs"` // ids by what they are
	Lease queue.Lease       `json:"lease"`
	Later time.Time         `json:"later"` // 200 days after that moment
}

var formerTime = regexp.MustCompile(`\b(1[78]|33)\d{11}\b`)

func loadFormer(t *testing.T, rdb *redis.Client) former {
	t.Helper()
	file, err := os.Open("testdata/layout2.jsonl")
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	require.True(t, lines.Scan())
	var f former
	require.NoError(t, json.Unmarshal(lines.Bytes(), &f))
	shift := time.Since(f.Later.Add(-200*24*time.Hour)) - 2*time.Minute
	for lines.Scan() {
		var command []any
		require.NoError(t, json.Unmarshal(lines.Bytes(), &command))
		for i, arg := range command {
			text, ok := arg.(string)
			require.True(t, ok)
			command[i] = formerTime.ReplaceAllStringFunc(text, func(ms string) string {
				n, err := strconv.ParseInt(ms, 10, 64)
				require.NoError(t, err)
				return strconv.FormatInt(n+shift.Milliseconds(), 10)
			})
		}
		require.NoError(t, rdb.Do(t.Context(), command...).Err())
	}
	require.NoError(t, lines.Err())
	return f
}

// The data of the former release is worked with as it is: nothing of it is lost, and its keys, drains, pauses and limits hold.
func TestDataOfTheFormerRelease(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	rdb := raw(t, server)
	f := loadFormer(t, rdb)
	c := openQueue(t, server, nil)
	state := func(name string) queue.State {
		job, err := c.Get(t.Context(), f.Jobs[name])
		require.NoError(t, err, name)
		return job.State
	}
	list, _, err := c.List(t.Context(), queue.ListFilter{Limit: 100})
	require.NoError(t, err)
	require.Len(t, list, len(f.Jobs))
	for name, want := range map[string]queue.State{
		"completed": queue.Completed, "failed": queue.Failed, "dead": queue.Dead, "cancelled": queue.Cancelled, "running": queue.Running,
		"lost": queue.Running, "delayed": queue.Delayed, "waiting": queue.Waiting, "paused": queue.Waiting,
	} {
		require.Equal(t, want, state(name), name)
	}

	t.Run("idempotency keys", func(t *testing.T) {
		same := queue.Submission{Type: "sim", Requires: map[string]any{"gpu.memory": ">=16GiB"}, IdempotencyKey: "waiting", Parameters: json.RawMessage(`{"b": [2, 3.0], "a": 1}`)}
		for range 2 { // at first it is entered under its type only
			job, err := c.Submit(t.Context(), same)
			require.NoError(t, err)
			require.Equal(t, f.Jobs["waiting"], job.ID)
			require.True(t, job.Repeated)
		}
		for _, change := range []func(*queue.Submission){
			func(s *queue.Submission) { s.MaxAttempts = 9 }, func(s *queue.Submission) { s.Type = "other" },
		} {
			other := same
			change(&other)
			_, err := c.Submit(t.Context(), other)
			require.ErrorAs(t, err, new(*queue.ConflictError))
		}
		job, err := c.Submit(t.Context(), queue.Submission{
			Type: "sim", Tenant: "a", IdempotencyKey: "completed", Metadata: map[string]string{"user": "u"}, Parameters: json.RawMessage(`{"steps":3}`),
		})
		require.NoError(t, err)
		require.Equal(t, queue.Completed, job.State)
	})
	t.Run("drains, pauses, limits", func(t *testing.T) {
		types, err := c.Types(t.Context())
		require.NoError(t, err)
		require.Equal(t, []queue.TypeState{{Type: "limited"}, {Type: "other", Paused: "maintenance"}, {Type: "sim"}}, types)
		limits, err := c.Limits(t.Context(), "limited")
		require.NoError(t, err)
		require.Equal(t, queue.Limits{EachTenant: queue.Limit{Running: 1}, Fair: true}, limits)
		for _, machine := range []string{"m2", "m3"} {
			w := queue.WorkerInfo{Machine: machine, Name: "w", Offer: capability.Offer{Type: "sim", Flags: []string{"gpu"}}}
			require.NoError(t, c.Register(t.Context(), w))
			got, err := c.Claim(t.Context(), w, 1, 0)
			require.NoError(t, err)
			require.Empty(t, got, machine)
			answer, err := c.Heartbeat(t.Context(), machine, nil)
			require.NoError(t, err)
			require.True(t, answer.Draining, machine)
			require.NoError(t, c.Unregister(t.Context(), machine, "w"))
		}
	})

	require.NoError(t, c.Complete(t.Context(), f.Lease, queue.Result{}), "the owner of a lease may still complete it")
	require.Equal(t, queue.Completed, state("running"))
	reaped, err := c.Reap(t.Context(), 100)
	require.NoError(t, err)
	require.Equal(t, 1, reaped.Requeued)
	require.Equal(t, queue.Waiting, state("lost"))
	require.NoError(t, c.Resume(t.Context(), "other"))
	served := map[string][]string{}
	for _, offer := range []capability.Offer{
		{Type: "sim", Attrs: map[string]any{"gpu.memory": "24GiB"}}, {Type: "sim", Attrs: map[string]any{"gpu.memory": "96GiB"}}, {Type: "other"}, {Type: "limited"},
	} {
		w := queue.WorkerInfo{Machine: "m9", Name: "w", Offer: offer}
		require.NoError(t, c.Register(t.Context(), w))
		for {
			got, err := c.Claim(t.Context(), w, 1, 0)
			require.NoError(t, err)
			if len(got) == 0 {
				break
			}
			served[offer.Type] = append(served[offer.Type], got[0].Job.ID)
			require.NoError(t, c.Complete(t.Context(), got[0].Lease, queue.Result{}))
		}
	}
	require.Equal(t, []string{f.Jobs["high"], f.Jobs["large"], f.Jobs["lost"], f.Jobs["waiting"], f.Jobs["low"], f.Jobs["parked"]}, served["sim"])
	require.Equal(t, []string{f.Jobs["paused"]}, served["other"])
	require.Equal(t, []string{f.Jobs["limited"]}, served["limited"])
	fleet, err := rdb.HGet(t.Context(), "mq:{sim}:ctl", "fleet").Int64()
	require.NoError(t, err)
	require.Greater(t, fleet, int64(1_000_000_000_000), "versions of the fleet go on as times")
}

// Data of another layout is left alone, and what to do is said.
func TestDataOfAnotherLayout(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	rdb := raw(t, server)
	for layout, says := range map[string]string{
		"1": "redis-cli --scan --pattern 'mq:*' | xargs -n 100 redis-cli unlink", "3": "a newer version wrote it: run that one", "x": "another prefix",
	} {
		require.NoError(t, rdb.Set(t.Context(), "mq:{_}:format", layout, 0).Err())
		_, err := queue.Open(t.Context(), queue.Options{URL: server.URL})
		require.ErrorContains(t, err, says)
		require.ErrorContains(t, err, "layout "+layout)
		keys, err := rdb.Keys(t.Context(), "*").Result()
		require.NoError(t, err)
		require.Equal(t, []string{"mq:{_}:format"}, keys, "nothing is written")
	}
}
