package access

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/queue"
)

// madeField is a field of the hash of tokens that isn't a token: it is set with the first token and stays when the last is
// revoked, so that its absence is noticed when Redis has lost them.
const madeField = "made"

// maxRaces is how often a change starts again because another dispatcher changed the tokens meanwhile.
const maxRaces = 20

// Tokens is the store of tokens in Redis: a hash of records by id, and a hash of times of last use.
type Tokens struct {
	redis      redis.UniversalClient
	key, usage string
	now        func() time.Time
	changed    func() // called after a change that must be noticed
}

// Create makes a token and returns it with its text, which can't be read again.
func (t *Tokens) Create(ctx context.Context, o Order, by string) (Token, string, error) {
	if err := o.check(); err != nil {
		return Token{}, "", err
	}
	now := t.now().UTC().Truncate(time.Second)
	slices.Sort(o.Roles)
	r := record{Token: Token{ID: newID(), Name: o.Name, Roles: slices.Compact(o.Roles), Tenant: o.Tenant, CreatedAt: now, CreatedBy: by}}
	if o.Life > 0 {
		r.ExpiresAt = new(now.Add(o.Life))
	}
	text := newSecret(r.ID)
	r.Hash = digestOf(text).String()
	err := t.change(ctx, func(all map[string]record) (write []record, remove []string, err error) {
		for id, other := range all {
			if other.ExpiresAt != nil && now.Sub(*other.ExpiresAt) > keepExpired {
				remove = append(remove, id)
				continue
			}
			if other.Name == r.Name {
				return nil, nil, &ConflictError{r.Name}
			}
		}
		if len(all)-len(remove) >= maxTokens {
			return nil, nil, &queue.InvalidError{Field: "name", Problem: fmt.Sprintf("there are %d tokens, which is the most: revoke some", maxTokens)}
		}
		return []record{r}, remove, nil
	})
	if err != nil {
		return Token{}, "", err
	}
	return r.Token, text, nil
}

// List returns all tokens, by name.
func (t *Tokens) List(ctx context.Context) ([]Token, error) {
	all, err := t.all(ctx, t.redis)
	if err != nil {
		return nil, err
	}
	used, err := t.redis.HGetAll(ctx, t.usage).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	out := make([]Token, 0, len(all))
	for id, r := range all {
		if seconds, err := strconv.ParseInt(used[id], 10, 64); err == nil {
			r.UsedAt = new(time.Unix(seconds, 0).UTC())
		}
		out = append(out, r.Token)
	}
	slices.SortFunc(out, func(a, b Token) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// Revoke removes a token, by id or name, and returns what it was.
func (t *Tokens) Revoke(ctx context.Context, which string) (Token, error) {
	var out record
	err := t.change(ctx, func(all map[string]record) ([]record, []string, error) {
		var err error
		out, err = find(all, which)
		return nil, []string{out.ID}, err
	})
	return out.Token, err
}

// Rotate gives a token, by id or name, a new text. The former one stays valid for the overlap, or for what is left of its life.
func (t *Tokens) Rotate(ctx context.Context, which string, overlap time.Duration) (before, after Token, text string, err error) {
	if overlap < 0 || overlap > longestOverlap {
		return Token{}, Token{}, "", &queue.InvalidError{Field: "overlap", Problem: "write 0s to 720h (30 days): how long the former token stays valid"}
	}
	err = t.change(ctx, func(all map[string]record) ([]record, []string, error) {
		r, err := find(all, which)
		if err != nil {
			return nil, nil, err
		}
		before = r.Token
		now := t.now().UTC().Truncate(time.Second)
		text = newSecret(r.ID)
		r.Former, r.Hash = r.Hash, digestOf(text).String()
		r.RotatedAt, r.OverlapUntil = &now, new(now.Add(overlap))
		after = r.Token
		return []record{r}, nil, nil
	})
	if err != nil {
		return Token{}, Token{}, "", err
	}
	return before, after, text, nil
}

func find(all map[string]record, which string) (record, error) {
	if r, ok := all[which]; ok {
		return r, nil
	}
	for _, r := range all {
		if r.Name == which {
			return r, nil
		}
	}
	return record{}, ErrNoToken
}

// change reads all tokens, and writes and removes those that decide returns, if nobody changed any meanwhile.
func (t *Tokens) change(ctx context.Context, decide func(map[string]record) (write []record, remove []string, err error)) error {
	attempt := func(tx *redis.Tx) error {
		all, err := t.all(ctx, tx)
		if err != nil {
			return err
		}
		write, remove, err := decide(all)
		if err != nil {
			return err
		}
		_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
			p.HSetNX(ctx, t.key, madeField, newID())
			for _, r := range write {
				text, err := json.Marshal(r)
				if err != nil {
					return err
				}
				p.HSet(ctx, t.key, r.ID, text)
			}
			if len(remove) > 0 {
				p.HDel(ctx, t.key, remove...)
				p.HDel(ctx, t.usage, remove...)
			}
			return nil
		})
		return err
	}
	var err error
	for range maxRaces {
		if err = t.redis.Watch(ctx, attempt, t.key); !errors.Is(err, redis.TxFailedErr) {
			break
		}
	}
	var conflict *ConflictError
	var invalid *queue.InvalidError
	switch {
	case err == nil:
		t.changed()
		return nil
	case errors.As(err, &conflict), errors.As(err, &invalid), errors.Is(err, ErrNoToken), errors.Is(err, queue.ErrUnavailable):
		return err
	default:
		return unavailable(err)
	}
}

// all reads every token. What can't be read isn't one.
func (t *Tokens) all(ctx context.Context, from redis.Cmdable) (map[string]record, error) {
	texts, err := from.HGetAll(ctx, t.key).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	out := make(map[string]record, len(texts))
	for id, text := range texts {
		var r record
		if id == madeField || json.Unmarshal([]byte(text), &r) != nil || r.ID != id {
			continue
		}
		out[id] = r
	}
	return out, nil
}

// get reads the token with this id.
func (t *Tokens) get(ctx context.Context, id string) (record, error) {
	text, err := t.redis.HGet(ctx, t.key, id).Result()
	if errors.Is(err, redis.Nil) {
		return record{}, errWrong
	}
	if err != nil {
		return record{}, unavailable(err)
	}
	var r record
	if err := json.Unmarshal([]byte(text), &r); err != nil || r.ID != id {
		return record{}, errWrong
	}
	return r, nil
}

// noteUse sets the time of a token's last use, unless the token has been revoked meanwhile.
//
// KEYS: tokens, usage. ARGV: id, Unix seconds. Returns 1 if it was noted, else 0.
var noteUse = redis.NewScript(`
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call("HSET", KEYS[2], ARGV[1], ARGV[2])
return 1`)

// used notes that a token is in use.
func (t *Tokens) used(ctx context.Context, id string, at time.Time) error {
	return unavailable(noteUse.Run(ctx, t.redis, []string{t.key, t.usage}, id, at.Unix()).Err())
}

// count returns how many tokens there are, and the mark of the first of them: empty if none was ever made here.
func (t *Tokens) count(ctx context.Context) (n int, mark string, err error) {
	total, err := t.redis.HLen(ctx, t.key).Result()
	if err != nil {
		return 0, "", unavailable(err)
	}
	mark, err = t.redis.HGet(ctx, t.key, madeField).Result()
	if errors.Is(err, redis.Nil) {
		return int(total), "", nil
	}
	return max(int(total)-1, 0), mark, unavailable(err)
}
