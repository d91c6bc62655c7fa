package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNotDurable says that jobs were taken in, but Redis did not confirm in time that they are on its disk.
var ErrNotDurable = errors.New("the job was taken in, but is not known to be on disk yet")

// durableTimeout is how long a durable submission waits for the disk.
const durableTimeout = 5 * time.Second

// durability is how a Redis confirms that a write is on disk.
type durability int

const (
	durableUnknown durability = iota
	durableNever
	durableAlways // appendfsync always: it answers after writing
	durableWait   // WAITAOF, from Redis 7.2 on
)

// canBeDurable refuses durable submissions on a Redis that can't confirm them.
func (c *Client) canBeDurable(ctx context.Context) error {
	how, err := c.durability(ctx)
	if err != nil || how != durableNever {
		return err
	}
	return &InvalidError{"durable", "this Redis can't confirm that a job is on disk: it needs the append-only file, and version 7.2 or appendfsync always"}
}

func (c *Client) durability(ctx context.Context) (durability, error) {
	c.mu.Lock()
	how := c.durable
	c.mu.Unlock()
	if how != durableUnknown {
		return how, nil
	}
	info, err := c.serverInfo(ctx, c.rdb)
	if err != nil {
		return durableUnknown, err
	}
	how = durableNever
	if info["aof_enabled"] == "1" {
		if set, err := c.rdb.ConfigGet(ctx, "appendfsync").Result(); err == nil && set["appendfsync"] == "always" {
			how = durableAlways
		}
		if hasWaitAOF(info["redis_version"]) {
			how = durableWait
		}
	}
	c.mu.Lock()
	c.durable = how
	c.mu.Unlock()
	return how, nil
}

func hasWaitAOF(version string) bool {
	parts := strings.SplitN(version, ".", 3)
	if len(parts) < 2 {
		return false
	}
	major, err := strconv.Atoi(parts[0])
	minor, err2 := strconv.Atoi(parts[1])
	return err == nil && err2 == nil && (major > 7 || major == 7 && minor >= 2)
}

// repetitionArg is the place among the submit script's arguments that says that it may be called twice for one job.
const repetitionArg = 2

// evalSubmit runs the submit script. A durable one runs on a connection of its own, on which Redis is then asked to wait
// for the disk; unsure says that it didn't confirm.
func (c *Client) evalSubmit(ctx context.Context, jobType string, durable bool, args []any) (reply any, unsure, err error) {
	how := durableAlways
	if durable {
		if how, err = c.durability(ctx); err != nil {
			return nil, nil, err
		}
	}
	if how != durableWait {
		if reply, err = c.eval(ctx, "submit", jobType, nil, args...); isBroken(err) && ctx.Err() == nil {
			args[repetitionArg] = "1"
			reply, err = c.eval(ctx, "submit", jobType, nil, args...)
		}
		return reply, nil, err
	}
	conn, err := c.connFor(ctx, c.keys.shard(jobType, "ctl"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = conn.Close() }() // gives it back to the pool
	if reply, err = c.scripts["submit"].lua.Run(ctx, conn, c.scriptKeys("submit", jobType, nil), args...).Result(); err != nil {
		return nil, nil, c.wrap(ctx, err)
	}
	acks, err := conn.Do(ctx, "WAITAOF", 1, 0, durableTimeout.Milliseconds()).Slice()
	if err != nil || number(at(acks, 0)) < 1 {
		return reply, fmt.Errorf("%w: %w", ErrNotDurable, c.wrap(ctx, orTimeout(err))), nil
	}
	return reply, nil, nil
}

func orTimeout(err error) error {
	if err == nil {
		return errors.New("Redis did not confirm within " + durableTimeout.String())
	}
	return err
}

// connFor is a connection of its own to the server that holds a key.
func (c *Client) connFor(ctx context.Context, key string) (*redis.Conn, error) {
	switch r := c.rdb.(type) {
	case *redis.Client:
		return r.Conn(), nil
	case *redis.ClusterClient:
		master, err := r.MasterForKey(ctx, key)
		if err != nil {
			return nil, c.wrap(ctx, err)
		}
		return master.Conn(), nil
	}
	return nil, fmt.Errorf("queue: no connection of one's own on a %T", c.rdb)
}
