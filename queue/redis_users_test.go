package queue_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/emprops/machinectl/capability"
	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

// asUser creates a user with the rules for a role and returns the queue's URL for it.
func asUser(t *testing.T, server *queuetest.Redis, root redis.UniversalClient, prefix, role string) string {
	t.Helper()
	users, err := queue.RedisUsers(prefix)
	require.NoError(t, err)
	for _, u := range users {
		if u.Role == role {
			require.NoError(t, root.ACLSetUser(t.Context(), role, append([]string{"reset", ">secret"}, u.Rules...)...).Err())
			return (&url.URL{Scheme: "redis", User: url.UserPassword(role, "secret"), Host: server.Addr}).String()
		}
	}
	require.Fail(t, "no such role")
	return ""
}

// TestRedisUsers: jobs run with an agent and a dispatcher that each have their own user, and an agent's user reads nothing else.
func TestRedisUsers(t *testing.T) {
	for _, prefix := range []string{"", "team-a:mq"} {
		server := queuetest.StartRedis(t)
		root, err := queue.Connect(queue.Options{URL: server.URL})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, root.Close()) })
		open := func(role string) (*queue.Client, string) {
			at := asUser(t, server, root, prefix, role)
			q, err := queue.Open(t.Context(), queue.Options{URL: at, Prefix: prefix, Lease: 2 * time.Second})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, q.Close()) })
			return q, at
		}
		dispatcher, _ := open("dispatcher")
		agent, at := open("agent")
		liveAsAgent(t, dispatcher, agent)

		// Nothing that these two do was denied, and what an agent must not do is.
		log, err := root.ACLLog(t.Context(), 100).Result()
		require.NoError(t, err)
		for _, denied := range log {
			require.Equal(t, "agent config|get", denied.Username+" "+denied.Object, "a question that may stay without an answer")
		}
		thief, err := queue.Connect(queue.Options{URL: at, Prefix: prefix})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, thief.Close()) })
		tokens := queue.Key(prefix, "access:tokens")
		require.NoError(t, root.HSet(t.Context(), tokens, "id", "hash").Err())
		for _, command := range [][]any{
			{"HGETALL", tokens},
			{"HGET", tokens, "id"},
			{"HSET", tokens, "id", "mine"},
			{"DEL", tokens},
			{"XRANGE", queue.Key(prefix, "access:audit"), "-", "+"},
			{"EVAL", "return redis.call('HGETALL', KEYS[1])", 1, tokens},
			{"EVAL", "return redis.call('HGETALL', ARGV[1])", 0, tokens},
			{"EVAL", "return redis.call('GET', 'other')", 0},
			{"GET", queue.Key(prefix, "webhook:secrets")},
			{"HGETALL", queue.Key(prefix, "idem")},
			{"KEYS", "*"},
			{"SCAN", 0},
			{"FLUSHALL"},
			{"CONFIG", "SET", "save", ""},
			{"CONFIG", "GET", "requirepass"},
			{"ACL", "LIST"},
			{"ACL", "SETUSER", "agent", "allkeys"},
			{"SCRIPT", "FLUSH"},
			{"GET", "other:{sim}:x"},
			{"MONITOR"},
			{"RENAME", tokens, "x"},
			{"COPY", tokens, queue.Key(prefix, "types")},
			{"SORT", tokens},
			{"DUMP", tokens},
			{"FUNCTION", "LIST"},
			{"CLIENT", "KILL", "ID", "1"},
		} {
			err := thief.Do(t.Context(), command...).Err()
			var answer redis.Error
			require.True(t, errors.As(err, &answer), "%v: %v", command, err)
			require.True(t, strings.Contains(answer.Error(), "NOPERM") || strings.Contains(answer.Error(), "No permissions") || strings.Contains(answer.Error(), "can't access") ||
				strings.Contains(answer.Error(), "ACL failure"), "%v: %v", command, answer)
		}
	}
	_, err := queue.RedisUsers("a b")
	require.ErrorContains(t, err, "prefix")
}

// liveAsAgent uses everything that an agent uses, against a dispatcher that does what dispatchers do.
func liveAsAgent(t *testing.T, dispatcher, agent *queue.Client) {
	t.Helper()
	ctx := t.Context()
	w := queue.WorkerInfo{Machine: "m1", Name: "w1", Offer: capability.Offer{Type: "simulation"}}
	require.NoError(t, agent.Register(ctx, w))
	require.NoError(t, agent.ReportMachine(ctx, queue.Machine{ID: "m1", State: queue.MachineReady}))
	cancels, err := agent.Cancels(ctx, "m1")
	require.NoError(t, err)
	submit := func() *queue.Job {
		job, err := dispatcher.Submit(ctx, queue.Submission{Type: "simulation", IdempotencyKey: time.Now().String(), Webhook: "https://example.com/hook", Parameters: []byte(`"` + strings.Repeat("x", 8<<10) + `"`)})
		require.NoError(t, err)
		return job
	}
	claim := func(wait time.Duration) queue.Claimed {
		list, err := agent.Claim(ctx, w, 1, wait)
		require.NoError(t, err)
		require.Len(t, list, 1)
		return list[0]
	}
	ends := []func(queue.Lease) error{
		func(l queue.Lease) error { return agent.Complete(ctx, l, queue.Result{Data: []byte("1")}) },
		func(l queue.Lease) error { return agent.Fail(ctx, l, queue.Failure{Code: "x", Retriable: true}) },
		func(l queue.Lease) error { return agent.Fail(ctx, l, queue.Failure{Code: "x"}) },
		func(l queue.Lease) error { return agent.Release(ctx, l, "bye") },
	}
	for _, end := range ends {
		submit()
		c := claim(10 * time.Second)
		require.NoError(t, agent.Progress(ctx, c.Lease, queue.Progress{Value: 1, Max: 2}))
		_, err := agent.Heartbeat(ctx, "m1", []queue.Lease{c.Lease})
		require.NoError(t, err)
		require.NoError(t, end(c.Lease))
	}
	released := claim(10 * time.Second)
	_, err = dispatcher.Cancel(ctx, released.Job.ID, "enough")
	require.NoError(t, err)
	require.Equal(t, released.Job.ID, <-cancels)
	// Limits lead claims through another script.
	require.NoError(t, dispatcher.SetLimits(ctx, "simulation", queue.Limits{Type: queue.Limit{Running: 5, Rate: 100}, EachTenant: queue.Limit{Running: 2}, Fair: true}))
	_, err = dispatcher.Submit(ctx, queue.Submission{Type: "simulation", Tenant: "acme"})
	require.NoError(t, err)
	require.NoError(t, agent.Complete(ctx, claim(10*time.Second).Lease, queue.Result{}))
	// An idle worker waits, and is woken.
	woken := make(chan []queue.Claimed, 1)
	go func() {
		list, _ := agent.Claim(ctx, w, 1, 20*time.Second)
		woken <- list
	}()
	submit()
	require.Len(t, <-woken, 1)
	lost, err := agent.Forfeit(ctx, "m1")
	require.NoError(t, err)
	require.Equal(t, 1, lost)

	require.NoError(t, dispatcher.Drain(ctx, "m1", "smaller", time.Minute))
	_, err = dispatcher.DrainFor(ctx, "m1", "look", time.Minute)
	require.NoError(t, err)
	answer, err := agent.Heartbeat(ctx, "m1", nil)
	require.NoError(t, err)
	require.True(t, answer.Draining)
	require.NoError(t, agent.Register(ctx, queue.WorkerInfo{Machine: "m1", Name: "w2", Offer: capability.Offer{Type: "other"}}))
	for _, call := range []func() error{
		func() error { return dispatcher.EndDrain(ctx, "m1") },
		func() error { return dispatcher.Undrain(ctx, "m1") },
		func() error { _, err := dispatcher.Reap(ctx, 100); return err },
		func() error { _, err := dispatcher.Demand(ctx); return err },
		func() error { _, err := dispatcher.Lead(ctx, "resize", "me", time.Minute); return err },
		func() error { _, _, err := dispatcher.List(ctx, queue.ListFilter{}); return err },
		func() error { return dispatcher.Pause(ctx, "simulation", "x") },
		func() error { _, err := dispatcher.Machines(ctx); return err },
		func() error { return agent.Unregister(ctx, "m1", "w1") },
		func() error { return agent.RemoveMachine(ctx, "m1") },
		func() error { return agent.Ping(ctx) },
	} {
		require.NoError(t, call())
	}
}
