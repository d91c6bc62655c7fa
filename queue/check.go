package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// formatVersion is the layout of the data that this code reads and writes.
const formatVersion = "1"

// check refuses a Redis that would lose jobs silently and warns of one that may lose the last of them in a crash. What a
// server doesn't let us see (CONFIG is often forbidden to users, and missing in embedded servers) isn't held against it.
func (c *Client) check(ctx context.Context) error {
	if err := c.Ping(ctx); err != nil {
		return err
	}
	info, err := c.serverInfo(ctx)
	if err != nil {
		return err
	}
	if err := checkVersion(info["redis_version"]); err != nil {
		return err
	}
	if err := c.checkEviction(ctx, info); err != nil {
		return err
	}
	c.warnPersistence(ctx, info)
	if err := c.rdb.SetNX(ctx, c.keys.format(), formatVersion, 0).Err(); err != nil {
		return c.wrap(ctx, err)
	}
	format, err := c.rdb.Get(ctx, c.keys.format()).Result()
	if err != nil {
		return c.wrap(ctx, err)
	}
	if format != formatVersion {
		return fmt.Errorf("queue: the data in Redis under %q has layout %s, this program reads layout %s: use the matching version, or another prefix",
			c.opts.Prefix, format, formatVersion)
	}
	return nil
}

// serverInfo is what INFO says, by field; empty where the server doesn't tell.
func (c *Client) serverInfo(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for _, section := range []string{"server", "memory", "persistence"} {
		text, err := c.rdb.Info(ctx, section).Result()
		if err = c.wrap(ctx, err); err != nil {
			if errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
				return nil, err
			}
			continue // not offered, or not allowed to this user
		}
		for line := range strings.Lines(text) {
			if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
				out[name] = value
			}
		}
	}
	return out, nil
}

func checkVersion(version string) error {
	major, _, _ := strings.Cut(version, ".")
	if n, err := strconv.Atoi(major); err == nil && n < 7 {
		return fmt.Errorf("queue: Redis %s is too old: version 7 or later is needed", version)
	}
	return nil
}

func (c *Client) checkEviction(ctx context.Context, info map[string]string) error {
	policy := info["maxmemory_policy"]
	if set, err := c.rdb.ConfigGet(ctx, "maxmemory-policy").Result(); err == nil && set["maxmemory-policy"] != "" {
		policy = set["maxmemory-policy"]
	}
	if policy == "" || policy == "noeviction" {
		return nil
	}
	return fmt.Errorf("queue: Redis has maxmemory-policy %s, with which it throws jobs away when memory is short; "+
		"set it with: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf: maxmemory-policy noeviction)", policy)
}

func (c *Client) warnPersistence(ctx context.Context, info map[string]string) {
	switch {
	case info["aof_enabled"] == "1":
		if set, err := c.rdb.ConfigGet(ctx, "appendfsync").Result(); err == nil && set["appendfsync"] != "always" && set["appendfsync"] != "" {
			c.log.Info("Redis writes its append-only file about once a second: a crash of its machine can lose the last second of jobs",
				"appendfsync", set["appendfsync"])
		}
	case info["aof_enabled"] == "0":
		c.log.Warn("Redis keeps no append-only file: a crash loses every job since its last snapshot; set it with: redis-cli CONFIG SET appendonly yes")
	}
}
