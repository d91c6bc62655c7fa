package dispatcher

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/emprops/machinectl/queue"
)

// resizing is the task that one of several dispatchers does.
const resizing = "resize"

// leader is this dispatcher's candidacy. A leader that dies is followed once term has passed since it was last heard of.
type leader struct {
	q    *link
	id   string
	term time.Duration
}

func newLeader(q *link, term time.Duration) *leader {
	return &leader{q: q, id: rand.Text(), term: term}
}

// deadline is how long a pass of the loop may take: it ends well before another dispatcher can lead.
func (l *leader) deadline() time.Duration { return l.term * 2 / 3 }

func (l *leader) lead(ctx context.Context) (bool, error) {
	return via(l.q, func(c *queue.Client) (bool, error) { return c.Lead(ctx, resizing, l.id, l.term) })
}

// resign lets another dispatcher go on at once.
func (l *leader) resign(ctx context.Context) error {
	c, err := l.q.get()
	if err != nil {
		return nil // never opened, so nothing was led
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.Resign(ctx, resizing, l.id)
}
