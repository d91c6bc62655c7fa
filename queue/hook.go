package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// A job's end is announced to the job's webhook. The script that ends the job adds the end to the outbox of the job's shard
// (lib_outbox.lua); from there [Client.FileEnds] moves it to the deliveries of the receiving host (lib_hook.lua), so that one
// host that doesn't answer delays no other. Dispatchers take what is due ([Client.TakeDeliveries]) and record each attempt
// ([Client.RecordDelivery]). An attempt whose record is lost is made again, with the same event id. Of one job only the oldest
// end is ever due, so its ends arrive in order.

// JobEnd is one end of a job: it reached a final state. A job that is requeued ends again.
type JobEnd struct {
	Event  string // the event id, "<job id>-<revision>", which stays the same in all attempts
	JobID  string
	State  State
	At     time.Time
	Class  string
	Tenant string
	URL    string // the job's webhook

	line string // as the scripts keep it
}

// DeliveryStatus is what became of the announcement of a job's end.
type DeliveryStatus string

// The statuses of a [Delivery].
const (
	DeliveryPending DeliveryStatus = "pending"
	Delivered       DeliveryStatus = "delivered"
	DeliveryGivenUp DeliveryStatus = "given_up"
)

// Delivery describes the announcement of one end of a job.
type Delivery struct {
	Event    string         `json:"event"` // the webhook-id
	JobID    string         `json:"job_id"`
	State    State          `json:"state"` // that the job reached
	EndedAt  time.Time      `json:"ended_at"`
	Class    string         `json:"class"`
	Tenant   string         `json:"tenant,omitempty"`
	URL      string         `json:"url"`
	Status   DeliveryStatus `json:"status"`
	Reason   string         `json:"reason,omitempty"` // why it was given up
	Attempts int            `json:"attempts"`         // since it was last requested; 0 if none was made yet
	// NextAt is when the next attempt is due.
	NextAt *time.Time `json:"next_at,omitempty"`
	// History has the latest attempts, oldest first, at most maxDeliveryHistory.
	History []DeliveryAttempt `json:"history,omitempty"`
}

// DeliveryAttempt is one request to a webhook's receiver.
type DeliveryAttempt struct {
	At      time.Time `json:"at"`
	Millis  int64     `json:"ms"`                // how long it took
	Status  int       `json:"status,omitempty"`  // the answer's; 0 if there was none
	Problem string    `json:"problem,omitempty"` // why it failed; empty if it succeeded
}

const (
	maxDeliveryHistory = 20     // attempts that a delivery remembers
	maxDeliveryLog     = 20     // ends that a job remembers
	maxGivenUp         = 10_000 // deliveries per type that were given up
	fileChunk          = 100    // entries of the outbox that one script call moves
)

// parseEnd reads an entry of the outbox.
func parseEnd(line string) (JobEnd, error) {
	f := strings.SplitN(line, "\t", 7)
	if len(f) != 7 {
		return JobEnd{}, fmt.Errorf("queue: the end of a job, %q, can't be read", printable(line))
	}
	return JobEnd{
		Event: f[0] + "-" + f[1], JobID: f[0], State: stateOf(f[2]), At: fromMillis(parseMillis(f[3])), Class: f[4], Tenant: f[5], URL: f[6], line: line,
	}, nil
}

// lineOf returns the entry that a delivery was made from.
func (d *Delivery) lineOf() string {
	rev := strings.TrimPrefix(d.Event, d.JobID+"-")
	return strings.Join([]string{d.JobID, rev, letterOf(d.State), strconv.FormatInt(d.EndedAt.UnixMilli(), 10), d.Class, d.Tenant, d.URL}, "\t")
}

// letterOf is the reverse of [stateOf].
func letterOf(s State) string {
	for _, letter := range []string{"w", "d", "r", "c", "f", "x", "k"} {
		if stateOf(letter) == s {
			return letter
		}
	}
	return "-"
}

// newDelivery returns the delivery of an end before its first attempt.
func newDelivery(e JobEnd) Delivery {
	return Delivery{Event: e.Event, JobID: e.JobID, State: e.State, EndedAt: e.At, Class: e.Class, Tenant: e.Tenant, URL: e.URL, Status: DeliveryPending}
}

// hostOf returns the host and port that a webhook's requests go to.
func hostOf(webhook string) string {
	u, err := url.Parse(webhook)
	if err != nil || u.Host == "" {
		return "-" // the attempt fails and says why
	}
	return strings.ToLower(u.Host)
}

// FileEnds moves the ends of jobs from the outboxes to their hosts' deliveries, at most limit per type, and returns their
// number.
func (c *Client) FileEnds(ctx context.Context, limit int) (int, error) {
	types, err := c.allTypes(ctx)
	if err != nil || len(types) == 0 {
		return 0, err
	}
	lengths := make([]*redis.IntCmd, len(types))
	_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, t := range types {
			lengths[i] = p.LLen(ctx, c.keys.shard(t, "hookout"))
		}
		return nil
	})
	if err != nil {
		return 0, c.wrap(ctx, err)
	}
	moved := 0
	for i, t := range types {
		for left := min(int(lengths[i].Val()), limit); left > 0; {
			n, err := c.fileChunk(ctx, t, min(left, fileChunk))
			moved += n
			if err != nil {
				return moved, err
			}
			if left -= n; n == 0 {
				break
			}
		}
	}
	return moved, nil
}

func (c *Client) fileChunk(ctx context.Context, jobType string, n int) (int, error) {
	entries, err := c.rdb.LRange(ctx, c.keys.shard(jobType, "hookout"), 0, int64(n)-1).Result()
	if err != nil {
		return 0, c.wrap(ctx, err)
	}
	var more []string
	var args []any
	for _, entry := range entries {
		e, err := parseEnd(entry)
		if err != nil {
			return 0, err
		}
		host := hostOf(e.URL)
		more, args = append(more, c.keys.hookQueue(jobType, host)), append(args, entry, e.JobID, host)
	}
	if len(entries) == 0 {
		return 0, nil
	}
	reply, err := c.evalAgain(ctx, "hook_file", jobType, more, args...)
	return int(number(reply)), err
}

// HookHost is a host that deliveries of a type's jobs go to.
type HookHost struct{ Type, Host string }

// DueHosts returns hosts with deliveries that are due, at most limit per type, those that are due the longest first.
func (c *Client) DueHosts(ctx context.Context, limit int) ([]HookHost, error) {
	types, err := c.allTypes(ctx)
	if err != nil || len(types) == 0 {
		return nil, err
	}
	now, err := c.Now(ctx)
	if err != nil {
		return nil, err
	}
	due := make([]*redis.StringSliceCmd, len(types))
	_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, t := range types {
			due[i] = p.ZRangeByScore(ctx, c.keys.shard(t, "hookhosts"), &redis.ZRangeBy{
				Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: int64(limit),
			})
		}
		return nil
	})
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	var out []HookHost
	for i, t := range types {
		for _, host := range due[i].Val() {
			out = append(out, HookHost{t, host})
		}
	}
	return out, nil
}

// HeldDelivery is a delivery that this client has taken and must record.
type HeldDelivery struct {
	JobEnd
	Delivery Delivery

	at    HookHost
	nonce string
	log   []Delivery // of the job's other ends
}

// TakeDeliveries takes up to n deliveries to a host that are due. They are due again after hold, unless they are recorded
// before.
func (c *Client) TakeDeliveries(ctx context.Context, at HookHost, n int, hold time.Duration) ([]HeldDelivery, error) {
	nonce := newNonce()
	reply, err := c.eval(ctx, "hook_take", at.Type, []string{c.keys.hookQueue(at.Type, at.Host)}, at.Host, n, nonce, hold.Milliseconds())
	if err != nil {
		return nil, err
	}
	var out []HeldDelivery
	for v := range slices.Chunk(texts(reply), 3) {
		e, err := parseEnd(v[1])
		if err != nil {
			return nil, err
		}
		log, err := parseLog(v[0], v[2])
		if err != nil {
			return nil, err
		}
		h := HeldDelivery{JobEnd: e, Delivery: newDelivery(e), at: at, nonce: nonce}
		for _, d := range log {
			if d.Event == e.Event {
				h.Delivery = d
			} else {
				h.log = append(h.log, d)
			}
		}
		out = append(out, h)
	}
	return out, nil
}

func parseLog(id, text string) ([]Delivery, error) {
	var out []Delivery
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("queue: job %s: deliveries: %w", id, err)
	}
	return out, nil
}

// Outcome is what follows from an attempt at a delivery.
type Outcome struct {
	// After is when to try again. If it is 0, the delivery is over.
	After time.Duration
	// GivenUp is why the delivery is given up; empty if it succeeded or is tried again.
	GivenUp string
}

// RecordDelivery records an attempt, or with nil that a delivery is given up without one. It returns [ErrStale] if the
// delivery was held for too long and is another client's by now. A delivery that is given up is published as an event of its
// job of kind "webhook_given_up", and listed by [Client.GivenUpDeliveries].
func (c *Client) RecordDelivery(ctx context.Context, h HeldDelivery, a *DeliveryAttempt, o Outcome) error {
	now, err := c.nowAt(ctx, h.at.Type)
	if err != nil {
		return err
	}
	d := h.Delivery
	if a != nil {
		a.Problem = printable(a.Problem)
		d.Attempts++
		d.History = append(slices.Clone(d.History), *a)
		d.History = d.History[max(0, len(d.History)-maxDeliveryHistory):]
	}
	after, given, news := "", "", ""
	d.NextAt, d.Status = nil, Delivered
	switch {
	case o.GivenUp != "":
		d.Status, d.Reason = DeliveryGivenUp, printable(o.GivenUp)
	case o.After > 0:
		next := now.Add(o.After).Truncate(time.Millisecond)
		d.Status, d.NextAt = DeliveryPending, &next
		after = strconv.FormatInt(o.After.Milliseconds(), 10)
	}
	log := append(slices.Clone(h.log), d)
	logged, err := json.Marshal(log[max(0, len(log)-maxDeliveryLog):])
	if err != nil {
		return fmt.Errorf("queue: deliveries: %w", err)
	}
	if d.Status == DeliveryGivenUp {
		entry, err := json.Marshal(d)
		if err != nil {
			return fmt.Errorf("queue: delivery: %w", err)
		}
		given, news = string(entry), givenUpEvent(&d, now)
	}
	reply, err := c.evalAgain(ctx, "hook_done", h.at.Type, []string{c.keys.hookQueue(h.at.Type, h.at.Host)},
		h.at.Host, h.JobID, h.nonce, after, logged, given, news, maxGivenUp)
	if err != nil {
		return err
	}
	return verdictOf(h.JobID, text(reply))
}
