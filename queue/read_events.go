package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// resync is how often a running [Client.Events] reads the job itself: published messages can be lost, the record can't.
const resync = 2 * time.Second

// watchBuffer is how many messages a slow reader may lag behind before some are dropped.
const watchBuffer = 1024

// subscribe receives a subscription's messages until ctx ends. It returns when the subscription is active.
func subscribe[T any](ctx context.Context, ps *redis.PubSub, c *Client, decode func(*redis.Message) (T, bool)) (<-chan T, error) {
	if _, err := ps.Receive(ctx); err != nil {
		return nil, errors.Join(c.wrap(ctx, err), ps.Close())
	}
	in := ps.Channel(redis.WithChannelSize(watchBuffer))
	out := make(chan T)
	go func() {
		defer close(out)
		defer func() { _ = ps.Close() }() // the connection ends either way
		for {
			select {
			case <-ctx.Done():
				return
			case m, ok := <-in:
				if !ok {
					return
				}
				v, ok := decode(m)
				if !ok {
					c.log.Warn("unreadable message", "channel", m.Channel)
					continue
				}
				select {
				case out <- v:
				case <-ctx.Done():
					return
				}
			}
		}
	}()
	return out, nil
}

// Watch sends all jobs' events from now on; see [API].
func (c *Client) Watch(ctx context.Context) (<-chan Event, error) {
	messages, err := subscribe(ctx, c.rdb.PSubscribe(ctx, c.keys.allEvents()), c, func(m *redis.Message) (string, bool) { return m.Payload, true })
	if err != nil {
		return nil, err
	}
	out := make(chan Event)
	go func() {
		defer close(out)
		for payload := range messages {
			for line := range strings.SplitSeq(payload, "\n") {
				e, ok := decodeEvent(line)
				if !ok {
					continue
				}
				select {
				case out <- e:
				case <-ctx.Done():
				}
			}
		}
	}()
	return out, nil
}

// decodeEvent reads a line that the event function of lib_record.lua wrote.
func decodeEvent(line string) (Event, bool) {
	f := strings.SplitN(line, "\t", 8)
	if len(f) != 8 {
		return Event{}, false
	}
	e := Event{JobID: f[0], ID: f[1], Kind: f[2], State: stateOf(f[3]), At: fromMillis(parseMillis(f[4])), Machine: f[5], Worker: f[6]}
	var err error
	switch e.Kind {
	case "progress":
		err = json.Unmarshal([]byte(f[7]), &e.Progress)
	case "failed", "retrying", "dead", givenUpKind:
		if f[7] != "" {
			err = json.Unmarshal([]byte(f[7]), &e.Error)
		}
	}
	return e, err == nil
}

// Events sends a job's events after the given event id. Past events are read from the job itself: it has every change, but of
// an attempt's progress only the latest. Later events are sent as they happen.
func (c *Client) Events(ctx context.Context, id, after string) (*EventStream, error) {
	last := int64(0)
	if after != "" {
		n, err := strconv.ParseInt(after, 10, 64)
		if err != nil || n < 0 {
			return nil, &InvalidError{"after", "is not the id of an event"}
		}
		last = n
	}
	if _, _, err := c.get(ctx, id); err != nil {
		return nil, err
	}
	l, leave, err := c.listen(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make(chan Event)
	s := &EventStream{C: out}
	go func() {
		defer close(out)
		defer leave()
		f := follower{c: c, id: id, last: last, out: out}
		s.err = f.run(ctx, l.events)
	}()
	return s, nil
}

// follower is one running Events call: it sends each revision at most once, in order.
type follower struct {
	c    *Client
	id   string
	last int64 // revision sent last
	out  chan<- Event
}

// run returns nil after the final event. It reads the record if an event doesn't follow the last one sent: some were missed,
// or have already been read from the record.
func (f *follower) run(ctx context.Context, published <-chan Event) error {
	final, err := f.catchUp(ctx)
	if final || err != nil {
		return err
	}
	tick := time.NewTicker(resync)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			final, err = f.catchUp(ctx)
		case e := <-published:
			switch rev := parseMillis(e.ID); {
			case rev <= f.last:
				continue
			case rev == f.last+1 && e.State != Cancelled && e.State != Dead:
				final, err = e.State.Final(), f.send(ctx, e)
			default:
				final, err = f.catchUp(ctx)
			}
		}
		if final || err != nil {
			return err
		}
	}
}

func (f *follower) send(ctx context.Context, e Event) error {
	select {
	case f.out <- e:
		f.last = parseMillis(e.ID)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// catchUp sends the events in the record after the last one sent. While Redis can't be reached it does nothing: the next tick
// tries again.
func (f *follower) catchUp(ctx context.Context) (final bool, err error) {
	r, details, job, err := f.c.getDetails(ctx, f.id)
	if errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	events, err := pastEvents(r, job, details)
	if err != nil {
		return false, err
	}
	for _, e := range events {
		if parseMillis(e.ID) <= f.last {
			continue
		}
		if err := f.send(ctx, e); err != nil {
			return false, err
		}
	}
	return r.state.Final(), nil
}

// pastEvents derives a job's events from its record, in order of revision.
func pastEvents(r *record, job *Job, details map[string]string) ([]Event, error) {
	attempts, err := r.attemptsOf(details)
	if err != nil {
		return nil, err
	}
	initial := Waiting
	if job.NotBefore != nil {
		initial = Delayed
	}
	events := []Event{{ID: "1", Kind: "submitted", State: initial, At: job.CreatedAt}}
	add := func(rev int64, e Event) {
		if rev > 1 {
			e.ID = strconv.FormatInt(rev, 10)
			events = append(events, e)
		}
	}
	for _, a := range attempts {
		add(a.claimRev, Event{Kind: "claimed", State: Running, At: a.StartedAt, Machine: a.Machine, Worker: a.Worker})
		if a.endRev != r.rev || !r.state.Final() {
			add(a.endRev, Event{Kind: endKind(a.Outcome), State: Waiting, At: a.EndedAt, Machine: a.Machine, Worker: a.Worker, Error: a.Error})
		}
	}
	if r.state == Running {
		add(r.claimRev, Event{Kind: "claimed", State: Running, At: fromMillis(r.started), Machine: r.machine, Worker: r.worker})
	}
	if job.Progress != nil && r.progressRev > 0 {
		add(r.progressRev, Event{Kind: "progress", State: Running, At: fromMillis(r.started), Machine: r.machine, Worker: r.worker, Progress: job.Progress})
	}
	if r.state.Final() {
		add(r.rev, Event{Kind: string(r.state), State: r.state, At: fromMillis(r.ended), Machine: r.machine, Worker: r.worker, Error: job.Error})
	}
	for i := range events {
		events[i].JobID = r.id
	}
	slices.SortStableFunc(events, func(a, b Event) int { return int(parseMillis(a.ID) - parseMillis(b.ID)) })
	return slices.CompactFunc(events, func(a, b Event) bool { return a.ID == b.ID }), nil
}

// endKind returns the kind of the event that ended an attempt which wasn't the last one.
func endKind(outcome string) string {
	if outcome == "failed" {
		return "retrying"
	}
	return outcome
}

func (c *Client) getDetails(ctx context.Context, id string) (*record, map[string]string, *Job, error) {
	r, job, err := c.get(ctx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	details, err := c.rdb.HGetAll(ctx, c.keys.details(id)).Result()
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%w", c.wrap(ctx, err))
	}
	return r, details, job, nil
}
