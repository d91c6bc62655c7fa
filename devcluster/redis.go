package devcluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/devcluster/child"
)

func (c *Cluster) startRedis(ctx context.Context) error {
	path := find("redis-server")
	if path == "" || c.opts.EmbeddedRedis {
		e, err := newEmbeddedRedis()
		if err != nil {
			return err
		}
		c.redis = e
		c.about = append(c.about, "Redis: embedded, in memory, about 20 times slower than a real one (a redis-server on PATH would be used)")
		return nil
	}
	c.about = append(c.about, fmt.Sprintf("Redis: real, %s, with an append-only file (fsync %s)", path, c.opts.RedisFsync))
	return onFreePorts(1, func(ports []int) error {
		r, err := newRealRedis(path, filepath.Join(c.dir, "redis"), c.opts.RedisFsync, ports[0], c.keeper)
		if err != nil {
			return err
		}
		c.redis = r
		return r.start(ctx)
	})
}

// realRedis is a redis-server process.
type realRedis struct {
	path, dir, fsync string
	port             int
	keeper           *child.Keeper
	proc             *daemon
}

func newRealRedis(path, dir, fsync string, port int, k *child.Keeper) (*realRedis, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("devcluster: %w", err)
	}
	return &realRedis{path: path, dir: dir, fsync: fsync, port: port, keeper: k}, nil
}

func (r *realRedis) url() string { return fmt.Sprintf("redis://127.0.0.1:%d/0", r.port) }

func (r *realRedis) start(ctx context.Context) error {
	if r.proc != nil && r.proc.running() {
		return errors.New("devcluster: redis-server is already running")
	}
	cmd := exec.Command(r.path, "--bind", "127.0.0.1", "--port", fmt.Sprint(r.port), "--dir", r.dir, "--daemonize", "no",
		"--appendonly", "yes", "--appendfsync", r.fsync, "--save", "", "--maxmemory-policy", "noeviction")
	var err error
	if r.proc, err = startDaemon(r.keeper, cmd, filepath.Join(r.dir, "redis.log")); err != nil {
		return err
	}
	client := redis.NewClient(&redis.Options{Addr: fmt.Sprintf("127.0.0.1:%d", r.port), MaxRetries: -1})
	defer client.Close()
	return r.proc.await(ctx, func(ctx context.Context) error { return isProcess(ctx, client, r.proc.cmd.Process.Pid) })
}

// isProcess checks that the server which answers is the given process, and not a foreign Redis that took the port
// first.
func isProcess(ctx context.Context, client *redis.Client, pid int) error {
	info, err := client.InfoMap(ctx, "server").Result()
	if err != nil {
		return err
	}
	if got := info["Server"]["process_id"]; got != strconv.Itoa(pid) {
		return fmt.Errorf("another Redis, process %s, answers", got)
	}
	return nil
}

func (r *realRedis) kill() error { return r.proc.kill() }

func (r *realRedis) stop(ctx context.Context) error {
	if r.proc == nil {
		return nil
	}
	return r.proc.terminate(ctx)
}

// embeddedRedis is miniredis. Its clock has to be advanced from outside, or nothing expires.
type embeddedRedis struct {
	server *miniredis.Miniredis
	end    chan struct{}
	done   chan struct{}
}

// clockTick is how often the embedded Redis's clock is advanced.
const clockTick = 50 * time.Millisecond

func newEmbeddedRedis() (*embeddedRedis, error) {
	e := &embeddedRedis{server: miniredis.NewMiniRedis(), end: make(chan struct{}), done: make(chan struct{})}
	if err := e.server.StartAddr("127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("devcluster: embedded Redis: %w", err)
	}
	go e.clock()
	return e, nil
}

func (e *embeddedRedis) clock() {
	defer close(e.done)
	tick := time.NewTicker(clockTick)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-e.end:
			return
		case now := <-tick.C:
			e.server.FastForward(now.Sub(last))
			last = now
		}
	}
}

func (e *embeddedRedis) url() string                 { return "redis://" + e.server.Addr() + "/0" }
func (e *embeddedRedis) kill() error                 { return ErrStandIn }
func (e *embeddedRedis) start(context.Context) error { return ErrStandIn }

func (e *embeddedRedis) stop(context.Context) error {
	close(e.end)
	<-e.done
	e.server.Close()
	return nil
}
