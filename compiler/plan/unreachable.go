package plan

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"

	"github.com/emprops/machinectl/nettext"
)

// UnreachableError reports that Nomad did not answer.
type UnreachableError struct {
	Address string
	Err     error
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no answer from Nomad at %s: %s. Set NOMAD_ADDR or -address, or start Nomad there", e.Address, nettext.Reason(e.Err))
}

func (e *UnreachableError) Unwrap() error { return e.Err }

// poolError is an error of one pool.
type poolError struct {
	pool string
	err  error
}

func (e *poolError) Error() string { return fmt.Sprintf("pool %q: %s", e.pool, e.err) }
func (e *poolError) Unwrap() error { return e.err }

// Joined is like [errors.Join] for the errors of several pools. It reports an error that several pools have in common once.
// If Nomad doesn't answer, it reports only that.
func Joined(errs []error) error {
	var list []error
	at := map[string]*poolsError{}
	for _, err := range errs {
		var unreachable *UnreachableError
		var one *poolError
		switch {
		case err == nil:
			continue
		case errors.As(err, &unreachable):
			return unreachable
		case !errors.As(err, &one):
			list = append(list, err)
			continue
		}
		if same := at[one.err.Error()]; same != nil {
			same.pools = append(same.pools, one.pool)
			continue
		}
		same := &poolsError{pools: []string{one.pool}, err: one.err}
		at[one.err.Error()] = same
		list = append(list, same)
	}
	return errors.Join(list...)
}

// poolsError is an error that several pools have in common.
type poolsError struct {
	pools []string
	err   error
}

func (e *poolsError) Error() string {
	quoted := make([]string, len(e.pools))
	for i, pool := range e.pools {
		quoted[i] = fmt.Sprintf("%q", pool)
	}
	slices.Sort(quoted)
	noun := "pool"
	if len(quoted) > 1 {
		noun = "pools"
	}
	return fmt.Sprintf("%s %s: %s", noun, strings.Join(quoted, ", "), e.err)
}

func (e *poolsError) Unwrap() error { return e.err }

// explain adds the pool's name to an error, and what to do about common causes. It leaves out the pool if Nomad doesn't
// answer.
func (c *Cluster) explain(pool string, err error) error {
	if err == nil {
		return nil
	}
	err = c.unreachable(err)
	var unreachable *UnreachableError
	if errors.As(err, &unreachable) {
		return unreachable
	}
	return &poolError{pool, err}
}

// Explain turns an error of Nomad's API into a message for people, with what to do about it.
func (c *Cluster) Explain(err error) error { return c.unreachable(err) }

// unreachable turns an error of Nomad's API into a message for people.
func (c *Cluster) unreachable(err error) error {
	var unexpected nomad.UnexpectedResponseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unexpected) && unexpected.StatusCode() == http.StatusForbidden:
		return errors.New("refused by Nomad: the token lacks permission in this namespace: set NOMAD_TOKEN or -token")
	case errors.As(err, &unexpected) && unexpected.HasBody():
		return fmt.Errorf("refused by Nomad: %s", c.foreign.text(strings.TrimSpace(unexpected.Body())))
	case errors.As(err, &unexpected), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	default:
		return &UnreachableError{c.address, err}
	}
}
