package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// What dispatchers share about pools, and operators' orders about them, is kept in Redis, so that each dispatcher shows it and
// a restart keeps it. Pools are named region/namespace/name. The documents are the dispatcher's; the queue doesn't read them.

const (
	// MaxDecisions is how many decisions are kept per pool.
	MaxDecisions = 200
	// decisionsKept is how long they are kept after the last one.
	decisionsKept = 7 * 24 * time.Hour
)

// AddDecisions appends decisions about a pool, oldest first. Only the newest [MaxDecisions] are kept.
func (c *Client) AddDecisions(ctx context.Context, pool string, docs ...[]byte) error {
	if len(docs) == 0 {
		return nil
	}
	values := make([]any, len(docs))
	for i, d := range docs {
		values[i] = d
	}
	key := c.keys.decisions(pool)
	_, err := c.rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.LPush(ctx, key, values...)
		p.LTrim(ctx, key, 0, MaxDecisions-1)
		p.Expire(ctx, key, decisionsKept)
		return nil
	})
	return c.wrap(ctx, err)
}

// Decisions returns the last decisions about a pool, newest first, at most that many.
func (c *Client) Decisions(ctx context.Context, pool string, most int) ([][]byte, error) {
	list, err := c.rdb.LRange(ctx, c.keys.decisions(pool), 0, int64(most)-1).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	docs := make([][]byte, len(list))
	for i, d := range list {
		docs[i] = []byte(d)
	}
	return docs, nil
}

// PublishPools stores what the leader observes, for the other dispatchers, until ttl has passed.
func (c *Client) PublishPools(ctx context.Context, doc []byte, ttl time.Duration) error {
	return c.wrap(ctx, c.rdb.Set(ctx, c.keys.pools(), doc, ttl).Err())
}

// PublishedPools returns what the leader published last; nil if that has expired.
func (c *Client) PublishedPools(ctx context.Context) ([]byte, error) {
	doc, err := c.rdb.Get(ctx, c.keys.pools()).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	return doc, c.wrap(ctx, err)
}

// PoolOrder is an operator's order about a pool. It stands until it is withdrawn or, if Until is set, until then.
type PoolOrder struct {
	Count  int        `json:"count,omitempty"` // the number of machines of a manual count
	Reason string     `json:"reason,omitempty"`
	At     time.Time  `json:"at"`
	Until  *time.Time `json:"until,omitempty"`
}

// The kinds of orders. A pool has at most one of each.
const (
	OrderCount = "count" // keep this many machines
	OrderPause = "pause" // change nothing
)

// PoolOrders returns all orders, by pool and kind, including those that have run out.
func (c *Client) PoolOrders(ctx context.Context) (map[string]map[string]PoolOrder, error) {
	fields, err := c.rdb.HGetAll(ctx, c.keys.poolOrders()).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	out := map[string]map[string]PoolOrder{}
	for field, doc := range fields {
		kind, pool, _ := strings.Cut(field, " ")
		var o PoolOrder
		if err := json.Unmarshal([]byte(doc), &o); err != nil {
			return nil, fmt.Errorf("queue: the %s order for pool %s in Redis: %w", kind, pool, err)
		}
		if out[pool] == nil {
			out[pool] = map[string]PoolOrder{}
		}
		out[pool][kind] = o
	}
	return out, nil
}

// OrderPool stores an order about a pool, in place of an earlier one of the same kind.
func (c *Client) OrderPool(ctx context.Context, pool, kind string, o PoolOrder) error {
	doc, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("queue: order: %w", err)
	}
	return c.wrap(ctx, c.rdb.HSet(ctx, c.keys.poolOrders(), kind+" "+pool, doc).Err())
}

// WithdrawOrder removes an order about a pool. It reports whether there was one.
func (c *Client) WithdrawOrder(ctx context.Context, pool, kind string) (bool, error) {
	n, err := c.rdb.HDel(ctx, c.keys.poolOrders(), kind+" "+pool).Result()
	return n > 0, c.wrap(ctx, err)
}
