package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/emprops/machinectl/queue"
)

// storeTimeout bounds one access to Redis.
const storeTimeout = 5 * time.Second

// Store keeps the alerts in Redis, as one document: the leader writes it, every dispatcher reads it.
type Store struct {
	redis redis.UniversalClient
	key   string
}

// NewStore returns the alerts under a key prefix; empty is the default one. The client stays its caller's.
func NewStore(client redis.UniversalClient, prefix string) *Store {
	return &Store{client, queue.Key(prefix, "alerts")}
}

// Document is what is kept.
type Document struct {
	Alerts  []Alert   `json:"alerts"` // sorted by [Sort]
	Dropped int       `json:"dropped,omitempty"`
	At      time.Time `json:"at"` // when the rules were judged last
}

// Read returns what the leader wrote last; nothing if there is none. It wraps [queue.ErrUnavailable] while Redis can't be read.
func (s *Store) Read(ctx context.Context) (Document, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	text, err := s.redis.Get(ctx, s.key).Bytes()
	switch {
	case errors.Is(err, redis.Nil):
		return Document{}, nil
	case err != nil:
		return Document{}, fmt.Errorf("%w: reading the alerts: %w", queue.ErrUnavailable, err)
	}
	var doc Document
	if err := json.Unmarshal(text, &doc); err != nil {
		return Document{}, nil // of a release with another form: the rules are judged anew
	}
	return doc, nil
}

// write replaces the document.
func (s *Store) write(ctx context.Context, doc Document) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	text, err := json.Marshal(doc)
	if err != nil {
		return fmt.Errorf("writing the alerts: %w", err)
	}
	if err := s.redis.Set(ctx, s.key, text, 0).Err(); err != nil {
		return fmt.Errorf("%w: writing the alerts: %w", queue.ErrUnavailable, err)
	}
	return nil
}
