package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"
)

// WebhookSecret is a secret that signs webhooks. It is kept in the clear, because a signature needs it; agents' Redis users must
// not be able to read its key.
type WebhookSecret struct {
	ID        string    `json:"id"`
	Tenant    string    `json:"tenant,omitempty"` // whose jobs it signs; empty is every tenant that has none of its own
	Secret    string    `json:"secret"`           // "whsec_" and its base64
	CreatedAt time.Time `json:"created_at"`
	// ExpiresAt is when it stops signing, after another one took its place.
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

// PutWebhookSecret stores a secret under its id.
func (c *Client) PutWebhookSecret(ctx context.Context, s WebhookSecret) error {
	b, err := json.Marshal(s) //nolint:gosec // it is kept as it is: a signature needs the secret
	if err != nil {
		return fmt.Errorf("queue: webhook secret: %w", err)
	}
	return c.wrap(ctx, c.rdb.HSet(ctx, c.keys.webhookSecrets(), s.ID, b).Err())
}

// WebhookSecrets returns all secrets, the oldest first.
func (c *Client) WebhookSecrets(ctx context.Context) ([]WebhookSecret, error) {
	all, err := c.rdb.HVals(ctx, c.keys.webhookSecrets()).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	out := make([]WebhookSecret, len(all))
	for i, text := range all {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, fmt.Errorf("queue: webhook secret: %w", err)
		}
	}
	slices.SortFunc(out, func(a, b WebhookSecret) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return out, nil
}

// DeleteWebhookSecret deletes a secret. The error is [ErrNotFound] if there is none with this id.
func (c *Client) DeleteWebhookSecret(ctx context.Context, id string) error {
	n, err := c.rdb.HDel(ctx, c.keys.webhookSecrets(), id).Result()
	if err != nil {
		return c.wrap(ctx, err)
	}
	if n == 0 {
		return fmt.Errorf("%w: no webhook secret has the id %s", ErrNotFound, printable(id))
	}
	return nil
}

// DisabledEndpoint is a webhook URL, without its query, that nothing is delivered to, because it answered 410 Gone.
type DisabledEndpoint struct {
	URL   string    `json:"url"`
	Since time.Time `json:"since"`
}

// maxDisabled bounds the disabled endpoints; the oldest are forgotten.
const maxDisabled = 10_000

// DisableEndpoint ends deliveries to a URL.
func (c *Client) DisableEndpoint(ctx context.Context, endpoint string) error {
	now, err := c.Now(ctx)
	if err != nil {
		return err
	}
	_, err = c.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.ZAdd(ctx, c.keys.disabledEndpoints(), redis.Z{Score: float64(now.UnixMilli()), Member: endpoint})
		p.ZRemRangeByRank(ctx, c.keys.disabledEndpoints(), 0, -1-maxDisabled)
		return nil
	})
	return c.wrap(ctx, err)
}

// EnableEndpoint allows deliveries to a URL again. The error is [ErrNotFound] if it is not disabled.
func (c *Client) EnableEndpoint(ctx context.Context, endpoint string) error {
	n, err := c.rdb.ZRem(ctx, c.keys.disabledEndpoints(), endpoint).Result()
	if err != nil {
		return c.wrap(ctx, err)
	}
	if n == 0 {
		return fmt.Errorf("%w: no disabled webhook endpoint has the URL %s", ErrNotFound, printable(endpoint))
	}
	return nil
}

// DisabledEndpoints returns the disabled endpoints, the latest first.
func (c *Client) DisabledEndpoints(ctx context.Context) ([]DisabledEndpoint, error) {
	all, err := c.rdb.ZRevRangeWithScores(ctx, c.keys.disabledEndpoints(), 0, -1).Result()
	if err != nil {
		return nil, c.wrap(ctx, err)
	}
	out := make([]DisabledEndpoint, len(all))
	for i, z := range all {
		out[i] = DisabledEndpoint{URL: text(z.Member), Since: fromMillis(int64(z.Score))}
	}
	return out, nil
}

// EndpointDisabled reports whether nothing is delivered to a URL.
func (c *Client) EndpointDisabled(ctx context.Context, endpoint string) (bool, error) {
	found, err := c.rdb.ZMScore(ctx, c.keys.disabledEndpoints(), endpoint).Result()
	if err != nil {
		return false, c.wrap(ctx, err)
	}
	return len(found) > 0 && found[0] != 0, nil
}
