package dispatcher

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"

	httpapi "github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/queue"
)

// resizing is the task that one of several dispatchers does.
const resizing = "resize"

// leader is this dispatcher's candidacy. A leader that dies is followed once term has passed since it was last heard of.
type leader struct {
	q    *link
	log  *slog.Logger
	term time.Duration
	me   httpapi.Identity
	text string // me, as it stands in Redis

	known    chan struct{} // closed when it is known for the first time who leads
	knowOnce sync.Once

	mu   sync.Mutex
	seen *httpapi.Identity // who led last; nil while nobody is known to
}

// newLeader is a candidacy that still has to be introduced.
func newLeader(q *link, term time.Duration, log *slog.Logger) *leader {
	return &leader{q: q, log: log, term: term, me: httpapi.Identity{ID: rand.Text()}, known: make(chan struct{})}
}

// introduce completes what the others are told of this dispatcher; it comes before the first lead.
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

// deadline is how long a pass of the loop may take: it ends well before another dispatcher can lead.
func (l *leader) deadline() time.Duration { return l.term * 2 / 3 }

func (l *leader) lead(ctx context.Context) (bool, error) {
	holder, err := via(l.q, func(c *queue.Client) (string, error) { return c.Lead(ctx, resizing, l.text, l.term) })
	if err != nil {
		l.note(nil)
		return false, err
	}
	l.note(parseIdentity(holder))
	return holder == l.text, nil
}

// parseIdentity reads what a leader calls itself; one of a former release has an id only.
func parseIdentity(holder string) *httpapi.Identity {
	var out httpapi.Identity
	if err := json.Unmarshal([]byte(holder), &out); err != nil || out.ID == "" {
		out = httpapi.Identity{ID: holder}
	}
	return &out
}

// note remembers who leads, and logs a change.
func (l *leader) note(now *httpapi.Identity) {
	l.mu.Lock()
	before := l.seen
	l.seen = now
	l.mu.Unlock()
	if now != nil {
		l.knowOnce.Do(func() { close(l.known) })
	}
	if now == nil || before != nil && *before == *now || now.ID == l.me.ID {
		return
	}
	who := []any{"leader", now.ID, "leader_addr", now.Addr, "leader_host", now.Host, "leader_namespace", now.Namespace, "namespace", l.me.Namespace}
	if why := l.conflict(now); why != "" {
		l.log.Error("another dispatcher resizes pools elsewhere: nobody resizes those of this one", append(who, "leader_region", now.Region, "region", l.me.Region)...)
		return
	}
	l.log.Info("standing by: another dispatcher resizes the pools", who...)
}

// conflict says that the leader's pools are others than this dispatcher's; empty where they are the same, for all that is
// known.
func (l *leader) conflict(leader *httpapi.Identity) string {
	if leader == nil {
		return ""
	}
	differs := func(a, b string) bool { return a != "" && b != "" && a != b }
	const so = "the dispatcher at %s on %s resizes the pools of %s %q, and nobody those of %s %q, which this one watches: " +
		"only one dispatcher of those on one Redis resizes pools. Move the pools to one %s, or give each dispatcher a Redis of its own"
	for _, at := range []struct{ kind, theirs, ours string }{
		{"namespace", leader.Namespace, l.me.Namespace}, {"region", leader.Region, l.me.Region},
	} {
		if differs(at.theirs, at.ours) {
			return fmt.Sprintf(so, cmp.Or(leader.Addr, leader.ID), cmp.Or(leader.Host, "another host"), at.kind, at.theirs, at.kind, at.ours, at.kind)
		}
	}
	return ""
}

// leading is who leads, nil where nobody is known to.
func (l *leader) leading() *httpapi.Identity {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.seen
}

// resign lets another dispatcher go on at once.
func (l *leader) resign(ctx context.Context) error {
	c, err := l.q.get()
	if err != nil {
		return nil // never opened, so nothing was led
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.Resign(ctx, resizing, l.text)
}
