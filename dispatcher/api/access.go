package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/dispatcher/access"
	"github.com/emprops/machinectl/dispatcher/api/wire"
)

// tokenOverlap is how long the former secret of a rotated token stays valid if the request doesn't state it.
const tokenOverlap = time.Hour

// ListTokens implements [wire.StrictServerInterface].
func (s *Server) ListTokens(ctx context.Context, _ wire.ListTokensRequestObject) (wire.ListTokensResponseObject, error) {
	tokens, err := s.o.Access.Tokens.List(ctx)
	if err != nil {
		return nil, err
	}
	return wire.ListTokens200JSONResponse{Tokens: some(views(tokens, tokenView))}, nil
}

// CreateToken implements [wire.StrictServerInterface].
func (s *Server) CreateToken(ctx context.Context, r wire.CreateTokenRequestObject) (wire.CreateTokenResponseObject, error) {
	order := access.Order{Name: r.Body.Name, Tenant: r.Body.Tenant, Life: r.Body.ExpiresIn.D()}
	for _, role := range r.Body.Roles {
		order.Roles = append(order.Roles, access.Role(role))
	}
	token, text, err := s.o.Access.Tokens.Create(ctx, order, access.FromContext(ctx).Name)
	access.Target(ctx, order.Name)
	if err != nil {
		return nil, err
	}
	access.Change(ctx, nil, token)
	return wire.CreateToken201JSONResponse(client.NewToken{Token: text, About: tokenView(&token)}), nil
}

// RevokeToken implements [wire.StrictServerInterface].
func (s *Server) RevokeToken(ctx context.Context, r wire.RevokeTokenRequestObject) (wire.RevokeTokenResponseObject, error) {
	token, err := s.o.Access.Tokens.Revoke(ctx, r.Token)
	if err != nil {
		return nil, noToken(r.Token, err)
	}
	access.Target(ctx, token.Name)
	access.Change(ctx, token, nil)
	return wire.RevokeToken200JSONResponse(tokenView(&token)), nil
}

// RotateToken implements [wire.StrictServerInterface].
func (s *Server) RotateToken(ctx context.Context, r wire.RotateTokenRequestObject) (wire.RotateTokenResponseObject, error) {
	overlap := tokenOverlap
	if r.Body != nil && r.Body.Overlap != nil {
		overlap = r.Body.Overlap.D()
	}
	before, after, text, err := s.o.Access.Tokens.Rotate(ctx, r.Token, overlap)
	if err != nil {
		return nil, noToken(r.Token, err)
	}
	access.Target(ctx, after.Name)
	access.Change(ctx, before, after)
	return wire.RotateToken200JSONResponse(client.NewToken{Token: text, About: tokenView(&after)}), nil
}

// noToken names the token that doesn't exist.
func noToken(which string, err error) error {
	if errors.Is(err, access.ErrNoToken) {
		return refuse(http.StatusNotFound, codeNotFound, "token", "no token %q: GET /v1/tokens lists them", shortened(which))
	}
	return err
}

// ListAudit implements [wire.StrictServerInterface].
func (s *Server) ListAudit(ctx context.Context, r wire.ListAuditRequestObject) (wire.ListAuditResponseObject, error) {
	records, next, err := s.o.Access.Audit.List(ctx, access.Filter{
		Who: r.Params.Who, Action: r.Params.Action, Target: r.Params.Target, Limit: given(r.Params.Limit), Cursor: r.Params.Cursor,
	})
	if err != nil {
		return nil, err
	}
	return wire.ListAudit200JSONResponse{Next: next, Records: some(views(records, auditView))}, nil
}

func auditView(r *access.Record) client.AuditRecord {
	return client.AuditRecord{
		ID: r.ID, At: r.At, Who: r.Who, Token: r.Token, From: r.From, Action: r.Action, Target: r.Target, Before: r.Before, After: r.After,
		Status: r.Status, RequestID: r.RequestID,
	}
}

func tokenView(t *access.Token) client.Token {
	roles := make([]client.Role, len(t.Roles))
	for i, r := range t.Roles {
		roles[i] = client.Role(r)
	}
	return client.Token{
		ID: t.ID, Name: t.Name, Roles: roles, Tenant: t.Tenant, CreatedAt: t.CreatedAt, CreatedBy: t.CreatedBy,
		ExpiresAt: t.ExpiresAt, RotatedAt: t.RotatedAt, OverlapUntil: t.OverlapUntil, UsedAt: t.UsedAt,
	}
}

func accessView(s access.State) client.Access {
	return client.Access{
		Open: s.Open, AdminToken: client.AccessAdminToken(s.AdminToken), AdminProblem: s.AdminProblem, Tokens: s.Tokens, Notice: s.Notice,
	}
}
