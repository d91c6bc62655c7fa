package queue

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis may lose everything while its clients live on: it comes back without its data, or somebody empties it. So whatever a
// client once wrote or read there is looked for again, in calls that are made anyway, and written again where it is gone:
//
//   - the layout ([Client.verify], with each heartbeat and each pass of the reaper),
//   - the set of types ([Client.allTypes]; a type is never taken out of it),
//   - a shard's mark: submit and register refuse without it, and their caller makes it ([Client.inType]),
//   - workers and their offers: a claim and a heartbeat find that they aren't registered,
//   - a machine's report: the heartbeat finds it gone,
//   - classes: submit asks for the definition of those that it doesn't find; audiences follow from them,
//   - scripts: one that isn't known is sent anew,
//   - leases: a heartbeat tells of those whose job is gone as lost.
//
// Versions of the fleet are times, so that none is used a second time for another fleet.

// markValue is a value of over 64 bytes: with it Redis keeps a small hash as a hash table, not as a list that it walks.
const markValue = "This value has no meaning: it makes Redis keep this hash as a hash table."

// forgotten is what a script answers that changed nothing, since the shard isn't marked.
const forgotten = "forgotten"

// useType puts a type into the set of types, so that the reaper and the others find its shard, and then marks the shard.
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

// inType calls a script that refuses to work in a shard without a mark, and makes the mark where it does.
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

// allTypes lists the types that were ever used, in order. Those that this client saw before and Redis has lost are put back.
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
	c.log.Warn("Redis has lost job types, and maybe all jobs: they are entered again", "types", gone)
	return types, c.wrap(ctx, c.rdb.SAdd(ctx, c.keys.types(), gone...).Err())
}

// verify looks whether the data has the layout that this client reads, and enters it where Redis has lost it.
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

// readFormat is the layout of the data, empty where it isn't entered.
func (c *Client) readFormat(ctx context.Context) (string, error) {
	format, err := c.rdb.Get(ctx, c.keys.format()).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	return format, c.wrap(ctx, err)
}

// recheck looks from time to time whether the servers are still fit to hold a queue: they may have been started anew with
// other settings.
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

// trustServers is how long the servers' settings are believed.
const trustServers = time.Minute

func (c *Client) believe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checkedTill = time.Now().Add(trustServers)
}
