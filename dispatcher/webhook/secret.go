package webhook

import (
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emprops/machinectl/queue"
)

// Secret describes a signing secret. Secret itself is present only when it was just created.
type Secret struct {
	ID        string     `json:"id"`
	Tenant    string     `json:"tenant,omitempty"`
	Secret    string     `json:"secret,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
}

const (
	secretPrefix = "whsec_"
	// maxSecrets bounds the secrets of one tenant, and the global ones: each adds a signature to a header.
	maxSecrets = 5
	// maxOverlap bounds how long a former secret may sign beside its successor.
	maxOverlap = 30 * 24 * time.Hour
	// believeSecrets is how long secrets that were read are used without reading them again.
	believeSecrets = 5 * time.Second
)

// Secrets keeps the signing secrets in Redis, for each tenant or for all that have none of their own.
type Secrets struct {
	queue func() (*queue.Client, error)

	mu     sync.Mutex
	cached []queue.WebhookSecret
	till   time.Time
}

// NewSecrets returns the secrets of a queue.
func NewSecrets(q func() (*queue.Client, error)) *Secrets { return &Secrets{queue: q} }

// Create makes a secret that signs from now on, beside the tenant's others. An empty tenant means all that have none of their
// own.
func (s *Secrets) Create(ctx context.Context, tenant string) (*Secret, error) {
	return s.create(ctx, tenant, nil)
}

// Rotate makes a secret and lets the tenant's others sign for another while, so that receivers have the time to change theirs.
func (s *Secrets) Rotate(ctx context.Context, tenant string, overlap time.Duration) (*Secret, error) {
	if overlap < 0 || overlap > maxOverlap {
		return nil, &queue.InvalidError{Field: "overlap", Problem: "must be from 0s to 30d"}
	}
	return s.create(ctx, tenant, &overlap)
}

func (s *Secrets) create(ctx context.Context, tenant string, overlap *time.Duration) (*Secret, error) {
	c, err := s.queue()
	if err != nil {
		return nil, err
	}
	all, now, err := s.read(ctx, c)
	if err != nil {
		return nil, err
	}
	mine := slices.DeleteFunc(all, func(o queue.WebhookSecret) bool { return o.Tenant != tenant })
	if len(mine) >= maxSecrets {
		return nil, &queue.InvalidError{Field: "tenant", Problem: fmt.Sprintf("has %d webhook secrets, which is the limit: revoke one first", len(mine))}
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random) // documented never to fail
	made := queue.WebhookSecret{
		ID: "whs_" + strings.ToLower(rand.Text()[:12]), Tenant: tenant, Secret: secretPrefix + base64.StdEncoding.EncodeToString(random), CreatedAt: now,
	}
	if err := c.PutWebhookSecret(ctx, made); err != nil {
		return nil, err
	}
	defer s.forget()
	if overlap != nil {
		till := now.Add(*overlap)
		for _, former := range mine {
			if former.ExpiresAt != nil && former.ExpiresAt.Before(till) {
				continue
			}
			former.ExpiresAt = &till
			if err := c.PutWebhookSecret(ctx, former); err != nil {
				return nil, err
			}
		}
	}
	return &Secret{ID: made.ID, Tenant: tenant, Secret: made.Secret, CreatedAt: made.CreatedAt}, nil
}

// List returns the secrets without their text, the oldest first.
func (s *Secrets) List(ctx context.Context) ([]Secret, error) {
	c, err := s.queue()
	if err != nil {
		return nil, err
	}
	all, _, err := s.read(ctx, c)
	if err != nil {
		return nil, err
	}
	out := make([]Secret, len(all))
	for i, o := range all {
		out[i] = Secret{ID: o.ID, Tenant: o.Tenant, CreatedAt: o.CreatedAt, ExpiresAt: o.ExpiresAt}
	}
	return out, nil
}

// Revoke ends a secret immediately. The error wraps queue.ErrNotFound if there is none with this id.
func (s *Secrets) Revoke(ctx context.Context, id string) error {
	c, err := s.queue()
	if err != nil {
		return err
	}
	defer s.forget()
	return c.DeleteWebhookSecret(ctx, id)
}

// read returns the secrets that haven't expired, and deletes the others.
func (s *Secrets) read(ctx context.Context, c *queue.Client) ([]queue.WebhookSecret, time.Time, error) {
	now, err := c.Now(ctx)
	if err != nil {
		return nil, now, err
	}
	all, err := c.WebhookSecrets(ctx)
	if err != nil {
		return nil, now, err
	}
	var out []queue.WebhookSecret
	for _, o := range all {
		if o.ExpiresAt == nil || o.ExpiresAt.After(now) {
			out = append(out, o)
		} else if err := c.DeleteWebhookSecret(ctx, o.ID); err != nil && !errors.Is(err, queue.ErrNotFound) {
			return nil, now, err
		}
	}
	return out, now, nil
}

func (s *Secrets) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.till = time.Time{}
}

// signing returns the keys that sign a tenant's webhooks, the newest first: its own, else the global ones.
func (s *Secrets) signing(ctx context.Context, tenant string) ([][]byte, error) {
	all, err := s.fresh(ctx)
	if err != nil {
		return nil, err
	}
	var own, global []queue.WebhookSecret
	for _, o := range all {
		switch o.Tenant {
		case "":
			global = append(global, o)
		case tenant:
			own = append(own, o)
		}
	}
	if len(own) == 0 {
		own = global
	}
	slices.SortFunc(own, func(a, b queue.WebhookSecret) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	out := make([][]byte, len(own))
	for i, o := range own {
		if out[i], err = base64.StdEncoding.DecodeString(strings.TrimPrefix(o.Secret, secretPrefix)); err != nil {
			return nil, fmt.Errorf("the webhook secret %s is damaged: revoke it and create another", o.ID)
		}
	}
	return out, nil
}

// fresh returns the secrets as they were at most believeSecrets ago.
func (s *Secrets) fresh(ctx context.Context) ([]queue.WebhookSecret, error) {
	s.mu.Lock()
	if time.Now().Before(s.till) {
		defer s.mu.Unlock()
		return s.cached, nil
	}
	s.mu.Unlock()
	c, err := s.queue()
	if err != nil {
		return nil, err
	}
	all, _, err := s.read(ctx, c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cached, s.till = all, time.Now().Add(believeSecrets)
	return all, nil
}

// sign returns the value of the header webhook-signature: one signature per key.
func sign(keys [][]byte, id, timestamp string, body []byte) string {
	out := make([]string, len(keys))
	for i, key := range keys {
		mac := hmac.New(sha256.New, key)
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", id, timestamp, body) // a hash never fails
		out[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(out, " ")
}
