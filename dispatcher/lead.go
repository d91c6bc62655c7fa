package dispatcher

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/queue"
)

// resizing names the task that only the leading dispatcher does.
const resizing = "resize"

// leader is this dispatcher's candidacy. A leader that dies is replaced once term has passed since its last renewal.
type leader struct {
	q    *link
	log  *slog.Logger
	term time.Duration
	me   client.Identity
	text string // me, as stored in Redis

	known    chan struct{} // closed once the leader is known for the first time
	knowOnce sync.Once

	mu       sync.Mutex
	observed *client.Identity // the last known leader; nil if none is known
}

// newLeader returns a candidacy that still has to be introduced.
func newLeader(q *link, term time.Duration, log *slog.Logger) *leader {
	return &leader{q: q, log: log, term: term, me: client.Identity{ID: rand.Text()}, known: make(chan struct{})}
}

// introduce completes the identity that other dispatchers read. It must be called before the first lead.
func (l *leader) introduce(addr string, nomad *api.Config) error {
	l.me.Addr, l.me.Namespace, l.me.Region = addr, cmp.Or(nomad.Namespace, api.DefaultNamespace), nomad.Region
	if host, err := os.Hostname(); err == nil {
		l.me.Host = host
	}
	text, err := json.Marshal(l.me)
	if err != nil {
		return fmt.Errorf("this dispatcher's identity: %w", err)
	}
	l.text = string(text)
	return nil
}

// deadline returns how long a pass of the loop may take, so that it ends well before another dispatcher can lead.
func (l *leader) deadline() time.Duration { return l.term * 2 / 3 }

func (l *leader) lead(ctx context.Context) (bool, error) {
	holder, err := via(l.q, func(c *queue.Client) (string, error) { return c.Lead(ctx, resizing, l.text, l.term) })
	if err != nil {
		l.observe(nil)
		return false, err
	}
	l.observe(parseIdentity(holder))
	return holder == l.text, nil
}

// parseIdentity reads the identity that a leader stored in Redis; earlier releases stored an id only.
func parseIdentity(holder string) *client.Identity {
	var out client.Identity
	if err := json.Unmarshal([]byte(holder), &out); err != nil || out.ID == "" {
		out = client.Identity{ID: holder}
	}
	return &out
}

// observe records the leader, and logs a change.
func (l *leader) observe(now *client.Identity) {
	l.mu.Lock()
	before := l.observed
	l.observed = now
	l.mu.Unlock()
	if now != nil {
		l.knowOnce.Do(func() { close(l.known) })
	}
	if now == nil || before != nil && *before == *now || now.ID == l.me.ID {
		return
	}
	who := []any{"leader", now.ID, "leader_addr", now.Addr, "leader_host", now.Host, "leader_namespace", now.Namespace, "namespace", l.me.Namespace}
	if why := l.conflict(now); why != "" {
		l.log.Error("leader resizes other pools, none resizes these", append(who, "leader_region", now.Region, "region", l.me.Region)...)
		return
	}
	l.log.Info("standing by for the leader", who...)
}

// conflict explains how the leader's pools differ from this dispatcher's. It returns "" if they are the same or that isn't
// known.
func (l *leader) conflict(leader *client.Identity) string {
	if leader == nil {
		return ""
	}
	differs := func(a, b string) bool { return a != "" && b != "" && a != b }
	const text = "the dispatcher at %s on %s resizes the pools of %s %q, and none resizes those of %s %q, which this one watches: " +
		"of all dispatchers on one Redis, only one resizes pools. Move the pools to one %s, or give each dispatcher a Redis of its own"
	for _, at := range []struct{ kind, theirs, ours string }{
		{"namespace", leader.Namespace, l.me.Namespace}, {"region", leader.Region, l.me.Region},
	} {
		if differs(at.theirs, at.ours) {
			return fmt.Sprintf(text, cmp.Or(leader.Addr, leader.ID), cmp.Or(leader.Host, "another host"), at.kind, at.theirs, at.kind, at.ours, at.kind)
		}
	}
	return ""
}

// leading returns the leader, or nil if none is known.
func (l *leader) leading() *client.Identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.observed
}

// resign lets another dispatcher take over immediately.
func (l *leader) resign(ctx context.Context) error {
	c, err := l.q.get()
	if err != nil {
		return nil // the queue was never open, so this dispatcher never led
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return errors.Join(c.Resign(ctx, resizing, l.text), c.Resign(ctx, alerting, l.me.ID))
}
