package client

import "context"

// Tokens returns all tokens, without their secrets.
func (c *Client) Tokens(ctx context.Context) ([]Token, error) {
	list, err := read[TokenList](c.raw.ListTokens(ctx))
	if err != nil {
		return nil, err
	}
	return list.Tokens, nil
}

// CreateToken makes a token. Its secret is in this answer only.
func (c *Client) CreateToken(ctx context.Context, order TokenOrder) (*NewToken, error) {
	return read[NewToken](c.raw.CreateToken(ctx, order))
}

// RevokeToken revokes a token, by name or id, and returns what it was.
func (c *Client) RevokeToken(ctx context.Context, token string) (*Token, error) {
	return read[Token](c.raw.RevokeToken(ctx, token))
}

// RotateToken gives a token, by name or id, a new secret, which is in this answer only.
func (c *Client) RotateToken(ctx context.Context, token string, order RotateOrder) (*NewToken, error) {
	return read[NewToken](c.raw.RotateToken(ctx, token, order))
}

// Audit returns a page of what operators did, newest first.
func (c *Client) Audit(ctx context.Context, filter *ListAuditParams) (*AuditPage, error) {
	return read[AuditPage](c.raw.ListAudit(ctx, filter))
}
