package queue

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/hcl/timetext"
	"github.com/emprops/machinectl/nettext"
	"github.com/emprops/machinectl/queue/internal/gather"
	"github.com/emprops/machinectl/queue/internal/script"
)

var _ API = (*Client)(nil)

// Client is a connection to the queue. It is safe for concurrent use. The queue's state is in Redis. The client itself keeps
// caches of what never changes, and what it must write again if Redis loses it (redis_lost.go).
type Client struct {
	opts    Options
	keys    keys
	log     *slog.Logger
	rdb     redis.UniversalClient
	waiters redis.UniversalClient     // connections on which workers wait for a wake-up
	scripts map[string]*script.Script // by file name
	matches *matcher

	mu          sync.Mutex
	workers     map[string]map[string]WorkerInfo // machine → type/name → worker
	reports     map[string]Machine               // by machine, the last report
	types       map[string]bool                  // that this client has come across
	durable     durability
	durableTill time.Time // until when durable is valid
	checkedTill time.Time // until when the servers' settings are valid

	submissions *gather.Gatherer[*checked, submission]      // by type
	turns       *gather.Gatherer[*turnRequest, quickAnswer] // by type and profile
	hub         hub
	fixedKeys   sync.Map            // script name and type → its keys
	slow        sync.Map            // type → until when the quick script isn't tried, because the type has limits or fair share
	leftovers   map[string]leftover // type and worker → what its last claim may have left in Redis
}

// Open connects to Redis and checks that it is fit to hold a queue. Its error tells what to change.
func Open(ctx context.Context, o Options) (*Client, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	quiet()
	loaded, err := loadScripts()
	if err != nil {
		return nil, err
	}
	ro, err := redisOptions(o)
	if err != nil {
		return nil, err
	}
	c := &Client{
		opts: o, keys: keys{o.Prefix}, log: o.Logger, scripts: loaded, matches: newMatcher(),
		rdb:     redis.NewUniversalClient(ro),
		workers: map[string]map[string]WorkerInfo{}, reports: map[string]Machine{}, types: map[string]bool{}, leftovers: map[string]leftover{}, hub: hub{feeds: map[string]*feed{}},
	}
	c.submissions = newGatherer(batchChunk, callShare, c.submitGathered)
	c.turns = newGatherer(quickChunk, (*turnRequest).weight, c.quickTurns)
	waiting := *ro
	waiting.PoolSize = 4096
	waiting.ReadTimeout = max(o.Poll+5*time.Second, ro.ReadTimeout)
	c.waiters = redis.NewUniversalClient(&waiting)
	if err := c.check(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// quiet keeps go-redis from printing: everything it prints is also returned as an error.
var quiet = sync.OnceFunc(func() { redis.SetLogger(silent{}) })

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// Close ends all connections. Calls in progress fail.
func (c *Client) Close() error {
	if err := errors.Join(c.rdb.Close(), c.waiters.Close()); err != nil && !errors.Is(err, redis.ErrClosed) {
		return fmt.Errorf("queue: %w", err)
	}
	return nil
}

// Ping reports an error if Redis doesn't answer.
func (c *Client) Ping(ctx context.Context) error {
	return c.wrap(ctx, c.rdb.Ping(ctx).Err())
}

// Now returns the time of the Redis server, in a cluster that of any one server.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	t, err := c.rdb.Time(ctx).Result()
	if err != nil {
		return time.Time{}, c.wrap(ctx, err)
	}
	return t.UTC(), nil
}

// nowAt returns the time of the server that holds a type's shard, by which the shard's times are measured.
func (c *Client) nowAt(ctx context.Context, jobType string) (time.Time, error) {
	cluster, ok := c.rdb.(*redis.ClusterClient)
	if !ok {
		return c.Now(ctx)
	}
	master, err := cluster.MasterForKey(ctx, c.keys.shard(jobType, "ctl"))
	if err != nil {
		return time.Time{}, c.wrap(ctx, err)
	}
	t, err := master.Time(ctx).Result()
	return t.UTC(), c.wrap(ctx, err)
}

// wrap classifies an error of go-redis: the end of the caller's context is returned as it is, everything that keeps Redis
// from answering is [ErrUnavailable], and the rest is a fault of this package.
func (c *Client) wrap(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)):
		return endOf(ctx)
	case isAnswer(err):
		return fmt.Errorf("queue: Redis answered: %w", err)
	}
	if cluster, ok := c.rdb.(*redis.ClusterClient); ok {
		cluster.ReloadState(ctx) // another server may hold the slot by now
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, nettext.Explain(err))
}

// errNoAnswer is the cause of a context whose deadline this package has set, not the caller.
var errNoAnswer = fmt.Errorf("%w: no answer within %s", ErrUnavailable, timetext.Duration(turnTimeout))

// endOf returns the error of a context that ended: [errNoAnswer] if this package has set its deadline.
func endOf(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrUnavailable) {
		return cause
	}
	return ctx.Err()
}

// isAnswer reports whether Redis answered with an error that isn't temporary.
func isAnswer(err error) bool {
	var answer redis.Error
	if !errors.As(err, &answer) {
		return false
	}
	for _, notNow := range []string{
		"LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS", "MISCONF", "OOM",
		"ERR max number of clients", "MOVED", "ASK", "UNBLOCKED",
	} {
		if strings.HasPrefix(answer.Error(), notNow) {
			return false
		}
	}
	return true
}

// isBroken reports whether a connection failed during a command, which may or may not have been carried out.
func isBroken(err error) bool {
	return errors.Is(err, ErrUnavailable) && !errors.Is(err, redis.ErrPoolTimeout)
}

// newNonce makes a claim's nonce: 16 hexadecimal digits.
func newNonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	return hex.EncodeToString(b[:])
}
