package access

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/queue"
)

const (
	// keepRecords is about how many audit records are kept, the newest.
	keepRecords = 20_000
	// maxDetail bounds what a record shows of a thing before and after, in bytes each.
	maxDetail = 24 << 10
	// maxScan bounds how many records one request for a page reads.
	maxScan = 5_000
)

// Record is one operator action.
type Record struct {
	ID        string          `json:"id"` // increasing; the cursor of a page
	At        time.Time       `json:"at"`
	Who       string          `json:"who"`              // name of the token
	Token     string          `json:"token,omitempty"`  // its id
	From      string          `json:"from,omitempty"`   // the client's address
	Action    string          `json:"action"`           // the operation's id in the API's document
	Target    string          `json:"target,omitempty"` // what it was done to
	Before    json.RawMessage `json:"before,omitempty"` // the target's state before
	After     json.RawMessage `json:"after,omitempty"`  // and after
	Status    int             `json:"status"`           // of the answer: below 400 it was done
	RequestID string          `json:"request_id,omitempty"`
}

// Audit is the log of operator actions, a bounded stream in Redis.
type Audit struct {
	redis   redis.UniversalClient
	key     string
	timeout time.Duration
	log     *slog.Logger
}

// Write adds a record. The action has happened: what can't be written is logged, with everything that the record has.
func (a *Audit) Write(ctx context.Context, r Record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.timeout)
	defer cancel()
	text, err := json.Marshal(r)
	if err == nil {
		err = a.redis.XAdd(ctx, &redis.XAddArgs{Stream: a.key, MaxLen: keepRecords, Approx: true, Values: []any{"r", text}}).Err()
	}
	if err != nil {
		a.log.Error("audit record not written", "who", r.Who, "token", r.Token, "from", r.From, "action", r.Action, "target", r.Target,
			"before", string(r.Before), "after", string(r.After), "status", r.Status, "request_id", r.RequestID, "error", err)
	}
}

// Filter selects audit records, newest first.
type Filter struct {
	Who, Action, Target string // exact; empty is any
	Limit               int    // default 50, at most 500
	Cursor              string // id of the last record of the page before
}

var recordID = regexp.MustCompile(`^[0-9]{1,20}-[0-9]{1,20}$`)

// List returns a page of records. next is empty on the last page. A page may have fewer records than the limit, with more to come.
func (a *Audit) List(ctx context.Context, f Filter) (page []Record, next string, err error) {
	if f.Limit == 0 {
		f.Limit = 50
	}
	if f.Limit < 0 || f.Limit > 500 {
		return nil, "", &queue.InvalidError{Field: "limit", Problem: "write 1 to 500"}
	}
	top := "+"
	if f.Cursor != "" {
		if !recordID.MatchString(f.Cursor) {
			return nil, "", &queue.InvalidError{Field: "cursor", Problem: "is not one that a page returned"}
		}
		top = "(" + f.Cursor
	}
	const chunk = 500
	page = []Record{}
	for scanned := 0; scanned < maxScan; scanned += chunk {
		messages, err := a.redis.XRevRangeN(ctx, a.key, top, "-", chunk).Result()
		if err != nil {
			return nil, "", unavailable(err)
		}
		for _, m := range messages {
			top = "(" + m.ID
			r, ok := parseRecord(m)
			if !ok || f.Who != "" && r.Who != f.Who || f.Action != "" && r.Action != f.Action || f.Target != "" && r.Target != f.Target {
				continue
			}
			if page = append(page, r); len(page) == f.Limit {
				return page, m.ID, nil
			}
		}
		if len(messages) < chunk {
			return page, "", nil
		}
	}
	return page, strings.TrimPrefix(top, "("), nil
}

// parseRecord reads a record. Its id and time are those that Redis gave it.
func parseRecord(m redis.XMessage) (r Record, ok bool) {
	text, _ := m.Values["r"].(string)
	ms, _, _ := strings.Cut(m.ID, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil || json.Unmarshal([]byte(text), &r) != nil {
		return Record{}, false
	}
	r.ID, r.At = m.ID, time.UnixMilli(n).UTC()
	return r, true
}

// change is what a request does, as its handler tells it.
type change struct {
	mu            sync.Mutex
	target        string
	before, after json.RawMessage
}

type changeKey struct{}

// WithChange returns a context in which [Change] and [Target] tell what a request does, and a function that puts it into a record.
func WithChange(ctx context.Context) (_ context.Context, fill func(*Record)) {
	c := &change{}
	return context.WithValue(ctx, changeKey{}, c), func(r *Record) {
		c.mu.Lock()
		defer c.mu.Unlock()
		r.Before, r.After = c.before, c.after
		if c.target != "" {
			r.Target = c.target
		}
	}
}

// Recorded reports whether a request is recorded, so that a handler reads the state before only if somebody will see it.
func Recorded(ctx context.Context) bool {
	_, ok := ctx.Value(changeKey{}).(*change)
	return ok
}

// Change tells the audit log the state of a request's target before and after; nil is nothing. Neither may hold a secret. It has
// no effect on a request that isn't recorded.
func Change(ctx context.Context, before, after any) {
	if c, ok := ctx.Value(changeKey{}).(*change); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.before, c.after = detail(before), detail(after)
	}
}

// Target tells the audit log what a request is about, where that isn't in its path.
func Target(ctx context.Context, target string) {
	if c, ok := ctx.Value(changeKey{}).(*change); ok {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.target = target
	}
}

// detail is the JSON of a state, or a note that there is too much of it.
func detail(state any) json.RawMessage {
	if state == nil {
		return nil
	}
	text, err := json.Marshal(state)
	switch {
	case err != nil:
		text, err = json.Marshal(map[string]string{"unreadable": err.Error()})
	case len(text) > maxDetail:
		text, err = json.Marshal(map[string]string{"omitted": fmt.Sprintf("%d bytes", len(text))})
	}
	if err != nil || string(text) == "null" {
		return nil
	}
	return text
}
