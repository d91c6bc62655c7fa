package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/hcl/timetext"
)

// ErrNotDurable is returned with jobs that were accepted, but that Redis did not confirm in time to be on its disk. Submitting
// again with the same idempotency key returns the same job and waits for the disk again.
var ErrNotDurable = errors.New("the job was accepted, but is not known to be on disk yet")

// durableTimeout is how long a durable submission waits for the disk. It is shorter than the connection's timeout, so that
// Redis answers that it gave up.
const durableTimeout = readTimeout - time.Second

// durability is how a Redis confirms that a write is on disk.
type durability int

const (
	durableUnknown durability = iota
	durableNever
	durableAlways // appendfsync always: Redis answers after it has written
	durableWait   // WAITAOF, from Redis 7.2 on
)

// canBeDurable refuses durable submissions on a Redis that can't confirm them.
func (c *Client) canBeDurable(ctx context.Context) error {
	how, err := c.durability(ctx)
	if err != nil || how != durableNever {
		return err
	}
	return &InvalidError{"durable", "this Redis can't confirm that a job is on disk: it needs appendonly yes, and appendfsync always or, " +
		"from Redis 7.2 on, everysec"}
}

func (c *Client) durability(ctx context.Context) (durability, error) {
	c.mu.Lock()
	how := c.durable
	if time.Now().After(c.durableTill) {
		how = durableUnknown
	}
	c.mu.Unlock()
	if how != durableUnknown {
		return how, nil
	}
	info, err := c.serverInfo(ctx, c.rdb)
	if err != nil {
		return durableUnknown, err
	}
	sync := "" // unknown: not every user may read it
	if set, err := c.rdb.ConfigGet(ctx, "appendfsync").Result(); err == nil {
		sync = set["appendfsync"]
	}
	how = confirms(info, sync)
	c.setDurability(how)
	return how, nil
}

func (c *Client) setDurability(how durability) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.durable, c.durableTill = how, time.Now().Add(trustDurability)
}

// trustDurability is how long the way in which Redis confirms writes is taken to be unchanged: it may be restarted with other
// settings.
const trustDurability = time.Second

// confirms returns how a server with these fields in INFO confirms a write. With appendfsync no, it never answers WAITAOF.
func confirms(info map[string]string, appendfsync string) durability {
	switch {
	case info["aof_enabled"] != "1" || appendfsync == "no":
		return durableNever
	case hasWaitAOF(info["redis_version"]):
		return durableWait
	case appendfsync == "always":
		return durableAlways
	}
	return durableNever
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

// repetitionArg is the index of the submit script's argument which tells it that the call may be a repetition.
const repetitionArg = 2

// evalSubmit runs the submit script, a second time if the connection broke. For a durable submission it uses a connection of
// its own, on which it then makes Redis wait for the disk. unsure is the error if Redis didn't confirm that.
func (c *Client) evalSubmit(ctx context.Context, jobType string, durable bool, args []any) (reply any, unsure, err error) {
	how := durableAlways
	if durable {
		if how, err = c.durability(ctx); err != nil {
			return nil, nil, err
		}
	}
	own := ownConn{client: c}
	defer own.close()
	on := c.serverFor
	if how == durableWait {
		on = own.open
	}
	if reply, err = c.evalOn(ctx, on, "submit", jobType, nil, args...); isBroken(err) && ctx.Err() == nil {
		args[repetitionArg] = "1"
		reply, err = c.evalOn(ctx, on, "submit", jobType, nil, args...)
	}
	if err != nil || how != durableWait || text(at(reply, 0)) != "ok" {
		return reply, nil, err
	}
	return reply, c.waitForDisk(ctx, own.conn), nil
}

// waitForDisk waits until all that was written on this connection is on Redis' disk.
func (c *Client) waitForDisk(ctx context.Context, conn *redis.Conn) error {
	acks, err := conn.Do(ctx, "WAITAOF", 1, 0, durableTimeout.Milliseconds()).Slice()
	switch {
	case err != nil:
		c.setDurability(durableUnknown) // its settings may have changed
		return fmt.Errorf("%w: %w", ErrNotDurable, c.wrap(ctx, err))
	case number(at(acks, 0)) < 1:
		return fmt.Errorf("%w: Redis did not confirm within %s", ErrNotDurable, timetext.Duration(durableTimeout))
	}
	return nil
}

// ownConn is a connection for exclusive use.
type ownConn struct {
	client *Client
	conn   *redis.Conn
}

// open connects to the server that holds a key, and ends an earlier connection.
func (o *ownConn) open(ctx context.Context, key string) (redis.Scripter, error) {
	o.close()
	switch r := o.client.rdb.(type) {
	case *redis.Client:
		o.conn = r.Conn()
	case *redis.ClusterClient:
		master, err := r.MasterForKey(ctx, key)
		if err != nil {
			return nil, o.client.wrap(ctx, err)
		}
		o.conn = master.Conn()
	default:
		return nil, fmt.Errorf("queue: no exclusive connection on a %T", r)
	}
	return o.conn, nil
}

func (o *ownConn) close() {
	if o.conn != nil {
		_ = o.conn.Close() // gives it back to the pool
	}
	o.conn = nil
}
