package access

import (
	"errors"
	"fmt"

	"github.com/emprops/machinectl/queue"
)

// RefusedError is the answer to a request that proves no identity. Reason is one word for metrics; the message is for the
// client and doesn't tell whether a token with that id exists.
type RefusedError struct {
	Reason  string // missing, malformed, wrong, expired, rotated
	message string
}

func (e *RefusedError) Error() string { return e.message }

// The ways to be refused. Expired and rotated are told only to a client that has the secret.
var (
	errMissing   = &RefusedError{"missing", "a token is needed, as Authorization: Bearer <token>"}
	errMalformed = &RefusedError{"malformed", "the Authorization header isn't Bearer and one token"}
	errWrong     = &RefusedError{"wrong", "the token isn't known: it was revoked or mistyped, or Redis has lost it"}
	errExpired   = &RefusedError{"expired", "the token has expired: an administrator can make another"}
	errRotated   = &RefusedError{"rotated", "the token was rotated: use the new one"}
)

// ErrNoToken is returned for an id or a name that no token has.
var ErrNoToken = errors.New("no such token")

// ConflictError refuses a token whose name another one has.
type ConflictError struct{ Name string }

func (e *ConflictError) Error() string {
	return fmt.Sprintf("there is a token named %q: choose another name, or rotate or revoke that one", e.Name)
}

// unavailable wraps whatever keeps Redis from answering. A server that refuses (no permission, another type of key) is
// unavailable too: a check that can't be made must not pass, nor look like a wrong token.
func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
}
