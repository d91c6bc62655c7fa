package access

import (
	"context"
	"slices"
	"strings"
)

// Role is what a token may be used for. Admin includes Operate, Operate includes Read and Submit.
type Role string

// The roles, from the least to the most.
const (
	// Submit is for clients: to submit jobs, and to follow and cancel those of the token's tenant, or of all tenants if it has none.
	Submit Role = "submit"
	// Read is for monitoring: to see jobs, pools, machines and metrics.
	Read Role = "read"
	// Operate is for operators: to requeue jobs, pause types, drain machines.
	Operate Role = "operate"
	// Admin is for administrators: to manage tokens and to read the audit log.
	Admin Role = "admin"
)

// Roles returns all roles.
func Roles() []Role { return []Role{Submit, Read, Operate, Admin} }

// tenantRoles are the roles that a token with a tenant may have: the others reach what all tenants share.
func tenantRoles() []Role { return []Role{Submit, Read} }

// includes reports whether one role allows what another is for.
func (r Role) includes(other Role) bool {
	switch r {
	case Admin:
		return true
	case Operate:
		return other != Admin
	default:
		return r == other
	}
}

// Identity is who makes a request. The zero value may do nothing.
type Identity struct {
	ID     string // of the token; empty if none was needed
	Name   string
	Roles  []Role
	Tenant string // if set, only this tenant's jobs exist for the token
}

// May reports whether the identity has a role, itself or included in another.
func (i Identity) May(r Role) bool {
	return slices.ContainsFunc(i.Roles, func(have Role) bool { return have.includes(r) })
}

// Sees reports whether jobs of a tenant exist for the identity.
func (i Identity) Sees(tenant string) bool { return i.Tenant == "" || i.Tenant == tenant }

// anonymous is everyone at a dispatcher that is open for trials.
func anonymous() Identity { return Identity{Name: "anonymous", Roles: []Role{Admin}} }

type identityKey struct{}

// NewContext returns a context that carries the identity of a request.
func NewContext(ctx context.Context, i Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, i)
}

// FromContext returns the identity of a request, the zero value if it has none.
func FromContext(ctx context.Context) Identity {
	i, _ := ctx.Value(identityKey{}).(Identity)
	return i
}

// list writes words as in a sentence.
func list[T ~string](words []T) string {
	texts := make([]string, len(words))
	for i, w := range words {
		texts[i] = string(w)
	}
	return strings.Join(texts, ", ")
}
