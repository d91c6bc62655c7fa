package queue_test

import (
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/emprops/machinectl/queue"
	"github.com/emprops/machinectl/queue/queuetest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// After a server was gone, go-redis' pool dials it every second, and notices that it was closed only then.
		goleak.IgnoreAnyFunction("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).tryDial"))
}

func open(t *testing.T, o queue.Options) *queue.Client {
	t.Helper()
	c, err := queue.Open(t.Context(), o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func TestOnRedis(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	queuetest.Run(t, func(t *testing.T, o queue.Options) *queue.Client {
		o.URL = server.URL
		return open(t, o)
	})
}

// TestOnlyTurns runs the suite without the quick script, so that the turn script also handles the usual turns.
func TestOnlyTurns(t *testing.T) {
	t.Parallel()
	server := queuetest.StartRedis(t)
	queuetest.Run(t, func(t *testing.T, o queue.Options) *queue.Client {
		o.URL = server.URL
		c := open(t, o)
		c.OnlyTurns("simulation", "other")
		return c
	})
}

func TestOnEmbeddedRedis(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	server.ClockTTL(true)
	queuetest.Run(t, func(t *testing.T, o queue.Options) *queue.Client {
		o.URL = "redis://" + server.Addr()
		return open(t, o)
	})
}
