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
	"github.com/emprops/machinectl/queue/internal/gather"
	"github.com/emprops/machinectl/queue/internal/script"
)

var _ API = (*Client)(nil)

// Client is the queue. It is safe for concurrent use. Everything it knows is in Redis; what it keeps itself are caches of
// things that never change, and what it wrote and writes again where Redis has lost it (redis_lost.go).
type Client struct {
	opts    Options
	keys    keys
	log     *slog.Logger
	rdb     redis.UniversalClient
	waiters redis.UniversalClient     // connections of workers that wait for a wake-up
	scripts map[string]*script.Script // by file name
	matches *matcher

	mu          sync.Mutex
	workers     map[string]map[string]WorkerInfo // machine → type/name → worker
	reports     map[string]Machine               // by machine, the last report
	types       map[string]bool                  // that were ever seen
	durable     durability
	durableTill time.Time // how long durable is believed
	checkedTill time.Time // how long the servers' settings are

	submissions *gather.Gatherer[*checked, submission]      // by type
	turns       *gather.Gatherer[*turnRequest, quickAnswer] // by type and profile
	hub         hub
	fixedKeys   sync.Map            // script name and type → its keys
	slow        sync.Map            // type → until when the quick script isn't tried: it has limits or fair share
	leftovers   map[string]leftover // type and worker → what its last claim may have left in Redis
}

// Open connects to Redis and checks that it is fit to hold a queue: an error says what to change.
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
	waiting.ReadTimeout = o.Poll + 5*time.Second
	c.waiters = redis.NewUniversalClient(&waiting)
	if err := c.check(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// quiet keeps go-redis from printing: whatever it prints comes back as an error, too.
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

// Ping asks whether Redis answers.
func (c *Client) Ping(ctx context.Context) error {
	return c.wrap(ctx, c.rdb.Ping(ctx).Err())
}

// Now is the Redis server's clock; in a cluster that of some server.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	t, err := c.rdb.Time(ctx).Result()
	if err != nil {
		return time.Time{}, c.wrap(ctx, err)
	}
	return t.UTC(), nil
}

// nowAt is the clock of the server that holds a type's shard: the one that the shard's times are measured by.
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

// wrap gives an error of go-redis its meaning: the caller's own ending as it is, everything that keeps Redis from
// answering as [ErrUnavailable], the rest as a fault of ours.
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
		cluster.ReloadState(ctx) // somebody else may hold the slot by now
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// errNoAnswer ends a call whose time isn't bounded by its caller, but by this package.
var errNoAnswer = fmt.Errorf("%w: no answer within %s", ErrUnavailable, timetext.Duration(turnTimeout))

// endOf is the error of a context that ended: [errNoAnswer] where it isn't the caller's own.
func endOf(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, ErrUnavailable) {
		return cause
	}
	return ctx.Err()
}

// isAnswer says that Redis answered with an error that isn't "not now".
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

// isBroken says that a connection failed on the way, so that nobody knows whether the command was carried out.
func isBroken(err error) bool {
	return errors.Is(err, ErrUnavailable) && !errors.Is(err, redis.ErrPoolTimeout)
}

// newNonce makes a claim's nonce: 16 hexadecimal digits.
func newNonce() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails, says its documentation
	return hex.EncodeToString(b[:])
}
