package queue

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// formatVersion is the layout of the data that this code reads and writes.
const formatVersion = "2"

// check refuses a Redis that would lose jobs silently, and warns of one that may lose the latest in a crash. It accepts a
// server that hides its settings: CONFIG is often forbidden to users, and missing in embedded servers.
func (c *Client) check(ctx context.Context) error {
	if err := c.Ping(ctx); err != nil {
		return err
	}
	if err := c.eachServer(ctx, func(ctx context.Context, server redis.Cmdable) error {
		info, err := c.checkedServer(ctx, server)
		if err == nil {
			c.warnPersistence(ctx, server, info)
		}
		return err
	}); err != nil {
		return err
	}
	c.believe()
	format, err := c.readFormat(ctx)
	if err != nil {
		return err
	}
	return c.verify(ctx, format)
}

// checkFormat refuses data of another layout. Its error tells what to do.
func (c *Client) checkFormat(format string) error {
	if format == formatVersion {
		return nil
	}
	found, err := strconv.Atoi(format)
	ours, _ := strconv.Atoi(formatVersion) // a constant number
	what := "keep them apart by another prefix"
	switch {
	case err == nil && found > ours:
		what = "a newer version wrote it: run that one"
	case err == nil && found < ours:
		what = fmt.Sprintf("let the version that wrote it finish its jobs, then remove what is left of it with: "+
			"redis-cli --scan --pattern '%s:*' | xargs -n 100 redis-cli unlink", c.opts.Prefix)
	}
	return fmt.Errorf("queue: the data in Redis under %q has layout %s, and this program reads layout %s: %s", c.opts.Prefix, printable(format), formatVersion, what)
}

// eachServer calls f with each server that holds keys: all masters of a cluster, or the only server.
func (c *Client) eachServer(ctx context.Context, f func(context.Context, redis.Cmdable) error) error {
	if cluster, ok := c.rdb.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, server *redis.Client) error { return f(ctx, server) })
	}
	return f(ctx, c.rdb)
}

func (c *Client) checkServer(ctx context.Context, server redis.Cmdable) error {
	_, err := c.checkedServer(ctx, server)
	return err
}

func (c *Client) checkedServer(ctx context.Context, server redis.Cmdable) (info map[string]string, err error) {
	if info, err = c.serverInfo(ctx, server); err != nil {
		return nil, err
	}
	if err := checkVersion(info["redis_version"]); err != nil {
		return nil, err
	}
	return info, checkEviction(ctx, server, info)
}

// serverInfo returns the fields of INFO, and none that the server doesn't show.
func (c *Client) serverInfo(ctx context.Context, server redis.Cmdable) (map[string]string, error) {
	out := map[string]string{}
	for _, section := range []string{"server", "memory", "persistence"} {
		text, err := server.Info(ctx, section).Result()
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

func checkEviction(ctx context.Context, server redis.Cmdable, info map[string]string) error {
	policy := info["maxmemory_policy"]
	if set, err := server.ConfigGet(ctx, "maxmemory-policy").Result(); err == nil && set["maxmemory-policy"] != "" {
		policy = set["maxmemory-policy"]
	}
	if policy == "" || policy == "noeviction" {
		return nil
	}
	return fmt.Errorf("queue: Redis has maxmemory-policy %s, with which it throws jobs away when memory is short; "+
		"set it with: redis-cli CONFIG SET maxmemory-policy noeviction (and in redis.conf: maxmemory-policy noeviction)", policy)
}

func (c *Client) warnPersistence(ctx context.Context, server redis.Cmdable, info map[string]string) {
	switch info["aof_enabled"] {
	case "1":
		if set, err := server.ConfigGet(ctx, "appendfsync").Result(); err == nil && set["appendfsync"] != "always" && set["appendfsync"] != "" {
			c.log.Info("Redis writes its append-only file about once a second: a crash of its machine can lose the last second of jobs",
				"appendfsync", set["appendfsync"])
		}
	case "0":
		c.log.Warn("Redis keeps no append-only file: a crash loses every job since its last snapshot; set it with: redis-cli CONFIG SET appendonly yes")
	}
}
