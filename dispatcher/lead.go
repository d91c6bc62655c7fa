package dispatcher

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/emprops/machinectl/queue"
)

// resizing is the task that one of several dispatchers does. A leader that dies is followed after leadFor; a pass of the
// loop ends before, see leadDeadline.
const (
	resizing     = "resize"
	leadFor      = 15 * time.Second
	leadDeadline = 10 * time.Second
)

// leader is this dispatcher's candidacy.
type leader struct {
	q  *link
	id string
}

func newLeader(q *link) *leader { return &leader{q: q, id: rand.Text()} }

func (l *leader) lead(ctx context.Context) (bool, error) {
	return via(l.q, func(c *queue.Client) (bool, error) { return c.Lead(ctx, resizing, l.id, leadFor) })
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
