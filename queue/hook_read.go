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

// givenUpKind is the kind of the event of a delivery that was given up. It changes nothing in the job, so that it has the job's
// last revision, and only [Client.Watch] sends it.
const givenUpKind = "webhook_given_up"

func givenUpEvent(d *Delivery, now time.Time) string {
	detail, err := json.Marshal(Failure{Code: "webhook", Message: d.Event + " was not delivered: " + d.Reason})
	if err != nil {
		detail = nil
	}
	rev := strings.TrimPrefix(d.Event, d.JobID+"-")
	return strings.Join([]string{d.JobID, rev, givenUpKind, letterOf(d.State), strconv.FormatInt(now.UnixMilli(), 10), "", "", string(detail)}, "\t")
}

// Deliveries returns what became of the announcements of a job's ends, oldest first. The error is [ErrNotFound] if there is no
// such job, and none of it is being delivered.
func (c *Client) Deliveries(ctx context.Context, id string) ([]Delivery, error) {
	out, _, err := c.deliveries(ctx, id)
	if err != nil || len(out) > 0 {
		return out, err
	}
	_, _, err = c.get(ctx, id)
	return nil, err
}

// deliveries returns a job's deliveries, and the text of its log.
func (c *Client) deliveries(ctx context.Context, id string) ([]Delivery, string, error) {
	t, err := checkID(id)
	if err != nil {
		return nil, "", err
	}
	var log, lines *redis.StringCmd
	_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		log, lines = p.HGet(ctx, c.keys.shard(t, "hooklog"), id), p.HGet(ctx, c.keys.shard(t, "hookev"), id)
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, "", c.wrap(ctx, err)
	}
	out, err := parseLog(id, log.Val())
	if err != nil {
		return nil, "", err
	}
	for line := range strings.SplitSeq(lines.Val(), "\n") {
		if line == "" {
			continue
		}
		e, err := parseEnd(line)
		if err != nil {
			return nil, "", err
		}
		if !slices.ContainsFunc(out, func(d Delivery) bool { return d.Event == e.Event }) {
			out = append(out, newDelivery(e))
		}
	}
	return out, log.Val(), nil
}

// GivenUpDeliveries returns deliveries that were given up, the latest first, at most limit. They are kept when their job is
// deleted, up to 10,000 per type.
func (c *Client) GivenUpDeliveries(ctx context.Context, limit int) ([]Delivery, error) {
	types, err := c.allTypes(ctx)
	if err != nil {
		return nil, err
	}
	type entry struct {
		Delivery
		at float64
	}
	var all []entry
	for _, t := range types {
		found, err := c.rdb.ZRevRangeWithScores(ctx, c.keys.shard(t, "hookdead"), 0, int64(limit)-1).Result()
		if err != nil {
			return nil, c.wrap(ctx, err)
		}
		for _, z := range found {
			e := entry{at: z.Score}
			if err := json.Unmarshal([]byte(text(z.Member)), &e.Delivery); err != nil {
				return nil, fmt.Errorf("queue: a delivery that was given up: %w", err)
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(a, b entry) int { return int(b.at - a.at) })
	out := make([]Delivery, 0, min(limit, len(all)))
	for _, e := range all[:min(limit, len(all))] {
		out = append(out, e.Delivery)
	}
	return out, nil
}

// Redeliver delivers the announcement of a job's end once more, with the same event id and a fresh schedule, whatever became of
// it before. A pending one is tried immediately. The error is [ErrNotFound] if the event is not known, and an [*InvalidError]
// while an attempt is under way.
func (c *Client) Redeliver(ctx context.Context, event string) (*Delivery, error) {
	cut := strings.LastIndexByte(event, '-')
	if cut < 0 {
		return nil, fmt.Errorf("%w: %q is not the id of a webhook's event", ErrNotFound, printable(event))
	}
	id := event[:cut]
	for range 5 {
		log, before, err := c.deliveries(ctx, id)
		if err != nil {
			return nil, err
		}
		given, d, err := c.givenUp(ctx, event, log)
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(log, func(d Delivery) bool { return d.Event == event })
		if i >= 0 {
			d, log = &log[i], slices.Delete(slices.Clone(log), i, i+1)
		}
		if d == nil {
			return nil, fmt.Errorf("%w: no webhook of job %s has the event id %s", ErrNotFound, printable(id), printable(event))
		}
		again := *d
		again.Status, again.Reason, again.Attempts, again.NextAt = DeliveryPending, "", 0, nil
		b, err := json.Marshal(append(log, again))
		if err != nil {
			return nil, fmt.Errorf("queue: deliveries: %w", err)
		}
		at := HookHost{typeOf(id), hostOf(again.URL)}
		reply, err := c.eval(ctx, "hook_again", at.Type, []string{c.keys.hookQueue(at.Type, at.Host)}, at.Host, id, again.lineOf(), before, b, given)
		if err != nil {
			return nil, err
		}
		switch text(reply) {
		case "ok":
			return &again, nil
		case "busy":
			return nil, &InvalidError{"event", "is being delivered right now: ask again when that attempt has ended"}
		}
	}
	return nil, &InvalidError{"event", "is being delivered right now: ask again when that attempt has ended"}
}

// givenUp finds an event in the list of deliveries that were given up: its text there, or "" if it isn't in the list.
func (c *Client) givenUp(ctx context.Context, event string, log []Delivery) (string, *Delivery, error) {
	if slices.ContainsFunc(log, func(d Delivery) bool { return d.Event == event && d.Status != DeliveryGivenUp }) {
		return "", nil, nil
	}
	all, err := c.rdb.ZRevRange(ctx, c.keys.shard(typeOf(event), "hookdead"), 0, maxGivenUp).Result()
	if err != nil {
		return "", nil, c.wrap(ctx, err)
	}
	for _, text := range all {
		if !strings.Contains(text, event) {
			continue
		}
		var d Delivery
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			return "", nil, fmt.Errorf("queue: a delivery that was given up: %w", err)
		}
		if d.Event == event {
			return text, &d, nil
		}
	}
	return "", nil, nil
}
