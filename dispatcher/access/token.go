package access

import (
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/emprops/machinectl/queue"
)

const (
	maxTokens = 10_000
	// longestLife bounds a token's life.
	longestLife = 10 * 365 * 24 * time.Hour
	// longestOverlap bounds how long the former secret of a rotated token stays valid.
	longestOverlap = 30 * 24 * time.Hour
	// keepExpired is how long an expired token is still listed.
	keepExpired = 30 * 24 * time.Hour
)

var (
	nameText   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$`)
	tenantText = regexp.MustCompile(`^[^\pC]{1,128}$`)
)

// Token describes a token, without its secret.
type Token struct {
	ID        string     `json:"id"`
	Name      string     `json:"name"`
	Roles     []Role     `json:"roles"`
	Tenant    string     `json:"tenant,omitempty"`
	CreatedAt time.Time  `json:"created_at"`
	CreatedBy string     `json:"created_by"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	RotatedAt *time.Time `json:"rotated_at,omitempty"`
	// OverlapUntil is until when the secret before the last rotation is valid too.
	OverlapUntil *time.Time `json:"overlap_until,omitempty"`
	// UsedAt is the last use, to about a minute.
	UsedAt *time.Time `json:"used_at,omitempty"`
}

// Order is a token to be created.
type Order struct {
	Name   string
	Roles  []Role
	Tenant string
	Life   time.Duration // until it expires; 0 is for ever
}

// check returns a [*queue.InvalidError] that names the field.
func (o Order) check() error {
	invalid := func(field, format string, args ...any) error {
		return &queue.InvalidError{Field: field, Problem: fmt.Sprintf(format, args...)}
	}
	if !nameText.MatchString(o.Name) {
		return invalid("name", "write 1 to 64 letters, digits and . _ @ -, beginning with a letter or digit")
	}
	if tokenID.MatchString(o.Name) {
		return invalid("name", "looks like the id of a token: choose another")
	}
	if o.Name == adminName || o.Name == anonymous().Name {
		return invalid("name", "%q has a meaning of its own: choose another", o.Name)
	}
	if len(o.Roles) == 0 {
		return invalid("roles", "name at least one of %s", list(Roles()))
	}
	for _, r := range o.Roles {
		if !slices.Contains(Roles(), r) {
			return invalid("roles", "%q is not a role: the roles are %s", printable(string(r)), list(Roles()))
		}
		if o.Tenant != "" && !slices.Contains(tenantRoles(), r) {
			return invalid("roles", "a token with a tenant can't have the role %s, which reaches all tenants: it may have %s", r, list(tenantRoles()))
		}
	}
	if o.Tenant != "" && !tenantText.MatchString(o.Tenant) {
		return invalid("tenant", "write 1 to 128 printable characters")
	}
	if o.Life != 0 && (o.Life < time.Minute || o.Life > longestLife) {
		return invalid("expires_in", "write a minute to ten years, or leave it out for a token that doesn't expire")
	}
	return nil
}

// printable is the beginning of what a client sent, for a message.
func printable(text string) string {
	const most = 40
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}

// record is a token as Redis holds it.
type record struct {
	Token

	Hash   string `json:"hash"`             // of the token's text
	Former string `json:"former,omitempty"` // of its text before the last rotation, valid until OverlapUntil
}

// identity returns who presents a token with this digest, and until when that answer is valid.
func (r record) identity(d digest, now time.Time) (Identity, time.Time, error) {
	until := time.Time{}
	current, err := parseDigest(r.Hash)
	if err != nil {
		return Identity{}, until, errWrong
	}
	if !current.equal(d) {
		former, err := parseDigest(r.Former)
		if err != nil || !former.equal(d) {
			return Identity{}, until, errWrong
		}
		if r.OverlapUntil == nil || !now.Before(*r.OverlapUntil) {
			return Identity{}, until, errRotated
		}
		until = *r.OverlapUntil
	}
	if r.ExpiresAt != nil {
		if !now.Before(*r.ExpiresAt) {
			return Identity{}, until, errExpired
		}
		if until.IsZero() || r.ExpiresAt.Before(until) {
			until = *r.ExpiresAt
		}
	}
	return Identity{ID: r.ID, Name: r.Name, Roles: r.Roles, Tenant: r.Tenant}, until, nil
}
