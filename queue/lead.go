package queue

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
)

// leadScript takes or renews a leadership. KEYS: the leadership. ARGV: holder, milliseconds. Returns 1 where holder leads.
var leadScript = redis.NewScript(`
local now = redis.call('GET', KEYS[1])
if now and now ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`)

// resignScript gives a leadership up. KEYS: the leadership. ARGV: holder.
var resignScript = redis.NewScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`)

// Lead makes holder the leader of a task among several programs, for ttl, where nobody else is; repeating it renews. It is
// a guard against doing things twice, not a fence: what the leader does must be done well before ttl has passed.
func (c *Client) Lead(ctx context.Context, task, holder string, ttl time.Duration) (bool, error) {
	n, err := leadScript.Run(ctx, c.rdb, []string{c.keys.lead(task)}, holder, ttl.Milliseconds()).Int()
	return n == 1, c.wrap(ctx, err)
}

// Resign gives the leadership up, if holder has it.
func (c *Client) Resign(ctx context.Context, task, holder string) error {
	return c.wrap(ctx, resignScript.Run(ctx, c.rdb, []string{c.keys.lead(task)}, holder).Err())
}

// lead is who leads a task.
func (k keys) lead(task string) string { return k.prefix + ":{_}:lead:" + task }
