package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// server is the redis-server that all participants use.
type server struct {
	port int
	rdb  *redis.Client
	cmd  *exec.Cmd
	out  *strings.Builder
}

// startRedis starts redis-server on a free loopback port, without persistence.
func startRedis(ctx context.Context, dir string) (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, errors.New("redis-server is not on PATH: install Redis 7 or later (the embedded Redis is not measured, it is many times slower)")
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &server{port: port, out: &strings.Builder{}}
	s.cmd = exec.Command(path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	s.rdb = redis.NewClient(&redis.Options{Addr: s.addr(), PoolSize: 64, ReadTimeout: time.Minute, DisableIdentity: true})
	for range 100 {
		if err = s.rdb.Ping(ctx).Err(); err == nil {
			return s, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	s.stop()
	return nil, fmt.Errorf("redis-server did not start: %w\n%s", err, s.out)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

func (s *server) addr() string { return "127.0.0.1:" + strconv.Itoa(s.port) }
func (s *server) url() string  { return "redis://" + s.addr() }

// stop kills the server. Its data is lost.
func (s *server) stop() {
	_ = s.rdb.Close()
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait() // "signal: killed" is expected
}

func (s *server) flush(ctx context.Context) error { return s.rdb.FlushAll(ctx).Err() }

// info returns one section of INFO, by field.
func (s *server) info(ctx context.Context, section string) (map[string]string, error) {
	text, err := s.rdb.Info(ctx, section).Result()
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[name] = value
		}
	}
	return out, nil
}

// number returns one numeric field of INFO.
func (s *server) number(ctx context.Context, section, field string) (float64, error) {
	fields, err := s.info(ctx, section)
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseFloat(fields[field], 64)
	if err != nil {
		return 0, fmt.Errorf("INFO %s: %s: %w", section, field, err)
	}
	return n, nil
}

// scriptCost runs f and returns how many scripts Redis ran meanwhile, and how many microseconds they took in all.
func (s *server) scriptCost(ctx context.Context, f func() error) (calls, micros float64, err error) {
	if err := s.rdb.ConfigResetStat(ctx).Err(); err != nil {
		return 0, 0, err
	}
	if err := f(); err != nil {
		return 0, 0, err
	}
	fields, err := s.info(ctx, "commandstats")
	if err != nil {
		return 0, 0, err
	}
	for part := range strings.SplitSeq(fields["cmdstat_evalsha"], ",") {
		name, value, _ := strings.Cut(part, "=")
		n, _ := strconv.ParseFloat(value, 64) // the fields in question are numbers
		switch name {
		case "calls":
			calls = n
		case "usec":
			micros = n
		}
	}
	return calls, micros, nil
}
