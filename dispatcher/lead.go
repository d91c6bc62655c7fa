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
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/fleet"
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
func (l *leader) introduce(addr string, where fleet.Where) error {
	l.me.Addr, l.me.Namespaces, l.me.Regions = addr, where.Namespaces, where.Regions
	if len(where.Namespaces) == 0 {
		l.me.Namespaces = []string{fleet.All}
	}
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
	if now == nil || before != nil && before.ID == now.ID || now.ID == l.me.ID {
		return
	}
	who := []any{"leader", now.ID, "leader_addr", now.Addr, "leader_host", now.Host}
	if why := l.conflict(now); why != "" {
		l.log.Error("leader does not resize all pools of this dispatcher", append(who, "conflict", why)...)
		return
	}
	l.log.Info("standing by for the leader", who...)
}

// conflict explains which pools of this dispatcher the leader leaves alone. It returns "" if there are none or that isn't known.
func (l *leader) conflict(leader *client.Identity) string {
	if leader == nil || covers(leader, &l.me) {
		return ""
	}
	return fmt.Sprintf("the dispatcher at %s on %s leads and resizes the pools of %s. This one would resize those of %s, and does nothing: "+
		"of all dispatchers on one Redis, only one resizes pools. Start all of them with the same -namespaces and -regions, or give each a Redis (or a -redis-prefix) of its own",
		cmp.Or(leader.Addr, leader.ID), cmp.Or(leader.Host, "another host"), scope(leader), scope(&l.me))
}

// covers reports whether one dispatcher resizes all pools that another one would, as far as that is known.
func covers(one, other *client.Identity) bool {
	outside := func(list []string, watches func(name string) bool) bool {
		return slices.ContainsFunc(list, func(name string) bool { return !watches(name) })
	}
	return !outside(other.Namespaces, func(name string) bool { return watches(one, "", name) }) &&
		!outside(other.Regions, func(name string) bool { return watches(one, name, "") })
}

// watches reports whether a dispatcher resizes the pools of a namespace if it leads. What it doesn't publish matches.
func watches(i *client.Identity, region, namespace string) bool {
	w := fleet.Where{Namespaces: i.Namespaces, Regions: i.Regions}
	if len(w.Namespaces) == 0 && i.Namespace != "" {
		w.Namespaces = []string{i.Namespace}
	}
	if len(w.Regions) == 0 && i.Region != "" {
		w.Regions = []string{i.Region}
	}
	return w.Includes(region, namespace)
}

// scope describes the places whose pools a dispatcher resizes.
func scope(i *client.Identity) string {
	places := func(kind string, list []string, former string) string {
		switch {
		case len(list) == 0 && former != "":
			list = []string{former}
		case slices.Contains(list, fleet.All):
			return "all " + kind + "s"
		}
		switch len(list) {
		case 0:
			return ""
		case 1:
			return kind + " " + list[0]
		default:
			return kind + "s " + strings.Join(list, ", ")
		}
	}
	namespaces, regions := places("namespace", i.Namespaces, i.Namespace), places("region", i.Regions, i.Region)
	if namespaces == "" || regions == "" {
		return cmp.Or(namespaces, regions, "places that it doesn't publish")
	}
	return namespaces + " in " + regions
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
