package queue

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis may lose everything while its clients live on: it restarts without its data, or is emptied. So clients check what
// they once wrote or read there, in calls that they make anyway, and write it again if it is gone:
//
//   - the layout ([Client.verify], with each heartbeat and each pass of the reaper),
//   - the set of types ([Client.allTypes]; a type is never removed from it),
//   - a shard's mark: submit and register refuse without it, and the client then sets it ([Client.inType]),
//   - workers and their offers: a claim and a heartbeat notice that they aren't registered,
//   - a machine's report: the heartbeat notices that it is gone,
//   - classes: submit requests the definition of those that it doesn't find; audiences follow from them,
//   - scripts: one that Redis doesn't know is sent again,
//   - leases: a heartbeat returns those whose job is gone as lost.
//
// Versions of the fleet are times, so that none is used again for another fleet.

// markValue is a value of over 64 bytes: with it Redis keeps a small hash as a hash table, not as a list that it scans.
const markValue = "This value has no meaning: it makes Redis keep this hash as a hash table."

// forgotten is the answer of a script that changed nothing because the shard isn't marked.
const forgotten = "forgotten"

// useType adds a type to the set of types, so that the reaper and other clients find its shard, and then marks the shard.
func (c *Client) useType(ctx context.Context, jobType string) error {
	_, err := c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.SAdd(ctx, c.keys.types(), jobType)
		for _, name := range []string{"counts", "cls", "aud", "fleet", "ctl"} { // ctl has the mark that counts
			p.HSetNX(ctx, c.keys.shard(jobType, name), "_", markValue)
		}
		return nil
	})
	if err != nil {
		return c.wrap(ctx, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.types[jobType] = true
	return nil
}

// inType calls a script that refuses a shard without a mark. If it does, inType sets the mark and calls it again.
func (c *Client) inType(ctx context.Context, jobType string, call func() (any, error)) (any, error) {
	for range 5 {
		reply, err := call()
		if err != nil || text(at(reply, 0)) != forgotten {
			return reply, err
		}
		if err := c.useType(ctx, jobType); err != nil {
			return nil, err
		}
	}
	return nil, errors.New("queue: Redis loses what is written to it: the mark of type " + jobType + " vanishes")
}

// allTypes lists the types that were ever used, in order. It adds those again that this client knows and Redis has lost.
func (c *Client) allTypes(ctx context.Context) ([]string, error) {
	types, err := c.rdb.SMembers(ctx, c.keys.types()).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	var gone []any
	c.mu.Lock()
	for _, t := range types {
		c.types[t] = true
	}
	if len(c.types) > len(types) {
		for _, t := range slices.Sorted(maps.Keys(c.types)) {
			if !slices.Contains(types, t) {
				gone, types = append(gone, t), append(types, t)
			}
		}
	}
	c.mu.Unlock()
	slices.Sort(types)
	if len(gone) == 0 {
		return types, nil
	}
	c.log.Warn("Redis lost data: adding job types again", "types", gone)
	return types, c.wrap(ctx, c.rdb.SAdd(ctx, c.keys.types(), gone...).Err())
}

// verify checks that the data has the layout that this client reads, and writes the version again if Redis has lost it.
func (c *Client) verify(ctx context.Context, found string) error {
	if found == formatVersion {
		return nil
	}
	if found == "" {
		if err := c.rdb.SetNX(ctx, c.keys.format(), formatVersion, 0).Err(); err != nil {
			return c.wrap(ctx, err)
		}
		var err error
		if found, err = c.rdb.Get(ctx, c.keys.format()).Result(); err != nil {
			return c.wrap(ctx, err)
		}
	}
	return c.checkFormat(found)
}

// readFormat returns the version of the data's layout, or "" if there is none.
func (c *Client) readFormat(ctx context.Context) (string, error) {
	format, err := c.rdb.Get(ctx, c.keys.format()).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return format, c.wrap(ctx, err)
}

// recheck checks from time to time that the servers are still fit to hold a queue: they may have been restarted with other
// settings.
func (c *Client) recheck(ctx context.Context) error {
	c.mu.Lock()
	due := time.Now().After(c.checkedTill)
	c.mu.Unlock()
	if !due {
		return nil
	}
	if err := c.eachServer(ctx, c.checkServer); err != nil {
		return err
	}
	c.believe()
	return nil
}

// trustServers is how long the servers' settings are taken to be unchanged.
const trustServers = time.Minute

func (c *Client) believe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checkedTill = time.Now().Add(trustServers)
}
