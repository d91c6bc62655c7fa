package queue

import (
	"context"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// hub lets any number of followers share one subscription per type. A feed starts with its first follower and ends with
// its last.
type hub struct {
	mu    sync.Mutex
	feeds map[string]*feed
}

// feed is one type's subscription.
type feed struct {
	followers map[*listener]bool
	stop      context.CancelFunc
}

// listener receives one job's events. It may miss some: the sender never waits for it.
type listener struct {
	prefix string // of the lines about its job
	events chan Event
}

// listen subscribes to a job's events; leave must be called at the end.
func (c *Client) listen(ctx context.Context, id string) (l *listener, leave func(), err error) {
	l = &listener{prefix: id + "\t", events: make(chan Event, 64)}
	jobType := typeOf(id)
	c.hub.mu.Lock()
	defer c.hub.mu.Unlock()
	f := c.hub.feeds[jobType]
	if f == nil {
		if f, err = c.startFeed(ctx, jobType); err != nil {
			return nil, nil, err
		}
		c.hub.feeds[jobType] = f
	}
	f.followers[l] = true
	return l, func() {
		c.hub.mu.Lock()
		defer c.hub.mu.Unlock()
		delete(f.followers, l)
		if len(f.followers) == 0 {
			f.stop()
			if c.hub.feeds[jobType] == f {
				delete(c.hub.feeds, jobType)
			}
		}
	}, nil
}

// startFeed subscribes to a type's channel. The subscription outlives the call's context: the last follower ends it.
func (c *Client) startFeed(ctx context.Context, jobType string) (*feed, error) {
	lasting, stop := context.WithCancel(context.WithoutCancel(ctx))
	in, err := subscribe(lasting, c.rdb.Subscribe(lasting, c.keys.events(jobType)), c, func(m *redis.Message) (string, bool) { return m.Payload, true })
	if err != nil {
		stop()
		return nil, err
	}
	f := &feed{followers: map[*listener]bool{}, stop: stop}
	go func() {
		for payload := range in {
			for line := range strings.SplitSeq(payload, "\n") {
				c.hub.send(f, line)
			}
		}
	}()
	return f, nil
}

func (h *hub) send(f *feed, line string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range f.followers {
		if !strings.HasPrefix(line, l.prefix) {
			continue
		}
		e, ok := decodeEvent(line)
		if !ok {
			continue
		}
		select {
		case l.events <- e:
		default: // it notices the gap and reads the job's record
		}
	}
}
