package queue

import (
	"cmp"
	"fmt"
	"log/slog"
	"time"

	"github.com/emprops/machinectl/hcl/redisurl"
	"github.com/emprops/machinectl/hcl/timetext"
)

// Options configure how to reach Redis and how the queue behaves. Only URL is required.
type Options struct {
	// URL is redis://user:password@host:port/db, rediss:// for TLS, or unix:///path. Several URLs with commas between them are
	// the seeds of a cluster (one seed alone: add ?cluster=true), or with ?master=NAME the Sentinels that watch NAME
	// (sentinel_password is theirs). For TLS, ca, cert, key (files) and server_name may be given as parameters. Package
	// redisurl has the other ones.
	URL    string
	Logger *slog.Logger
	// Lease is how long a claim lasts without a heartbeat, default 30 s. Tests shorten it.
	Lease time.Duration
	// Prefix is the prefix of every key, so that installations can share a Redis; default that in the URL, else "mq".
	Prefix string
	// Poll is the longest time an idle worker sleeps between polls, default 1 s. Each sleep is half of it to all of it.
	Poll time.Duration
	// Backoff is the delay before the first retry, default 2 s. It doubles with each retry, up to MaxBackoff (5 min), ±25 %.
	Backoff    time.Duration
	MaxBackoff time.Duration
	// KeepOff is how long a job avoids the machine it failed on while others could run it, default 30 s.
	KeepOff time.Duration
	// Overrun is how long after its timeout the queue ends an attempt, default 5 s, so that the agent does it first.
	Overrun time.Duration
	// MaxLostLeases is how many machines may go silent with a job before it is dead, default 3.
	MaxLostLeases int
	// MaxPayload bounds a submission's parameters in bytes, default 1 MiB.
	MaxPayload int
	// MaxClasses bounds the distinct requirements per type that have jobs, default 10,000.
	MaxClasses int
	// IdleClass is how long requirements without jobs stay in the index, default 10 min, so that their measured times are kept.
	IdleClass time.Duration
	// Retention and RetentionCount bound how long and how many ended jobs are kept per type: 7 days, 100,000.
	Retention      time.Duration
	RetentionCount int
	// PoolSize bounds the connections to each Redis server, default that of go-redis; the URL's
	// pool_size wins over it. Waiting workers have connections of their own.
	PoolSize int
}

const (
	defaultPrefix = "mq"
	// inlineParameters is the size up to which a claim carries the parameters in its answer; larger ones are read separately.
	inlineParameters = 4 << 10
)

// Prefix returns the prefix of the keys of a queue: the given one, else the one in the URL, else the default one. It fails if
// both are given and differ, or if the prefix can't be one.
func Prefix(rawURL, prefix string) (string, error) {
	u, wrong := redisurl.Parse(rawURL)
	switch {
	case wrong == nil && u.Prefix != "" && prefix != "" && u.Prefix != prefix:
		return "", fmt.Errorf("the prefix of Redis keys is %q, and %q in the Redis URL: give it once", prefix, u.Prefix)
	case wrong == nil && prefix == "":
		prefix = u.Prefix
	}
	prefix = cmp.Or(prefix, defaultPrefix)
	return prefix, redisurl.CheckPrefix(prefix)
}

func orDefault[T int | time.Duration](v *T, d T) {
	if *v == 0 {
		*v = d
	}
}

func (o *Options) validate() error {
	var err error
	if o.Prefix, err = Prefix(o.URL, o.Prefix); err != nil {
		return fmt.Errorf("queue: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	orDefault(&o.Lease, 30*time.Second)
	orDefault(&o.Poll, time.Second)
	orDefault(&o.Backoff, 2*time.Second)
	orDefault(&o.MaxBackoff, 5*time.Minute)
	orDefault(&o.KeepOff, 30*time.Second)
	orDefault(&o.Overrun, 5*time.Second)
	orDefault(&o.MaxLostLeases, 3)
	orDefault(&o.MaxPayload, 1<<20)
	orDefault(&o.MaxClasses, 10_000)
	orDefault(&o.IdleClass, 10*time.Minute)
	orDefault(&o.Retention, 7*24*time.Hour)
	orDefault(&o.RetentionCount, 100_000)
	for name, d := range map[string]time.Duration{"Lease": o.Lease, "Poll": o.Poll, "Backoff": o.Backoff, "MaxBackoff": o.MaxBackoff, "Retention": o.Retention} {
		if d < time.Millisecond {
			return fmt.Errorf("queue: %s is %s: must be at least 1ms", name, timetext.Duration(d))
		}
	}
	return nil
}

// registration returns how long a worker stays known without a heartbeat.
func (o *Options) registration() time.Duration { return o.Lease }
