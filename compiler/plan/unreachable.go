package plan

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
)

// UnreachableError reports that Nomad gave no answer.
type UnreachableError struct {
	Address string
	Reason  string
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no answer from Nomad at %s: %s. Set NOMAD_ADDR or -address, or start Nomad there", e.Address, e.Reason)
}

// poolError is what went wrong with one pool.
type poolError struct {
	pool string
	err  error
}

func (e *poolError) Error() string { return fmt.Sprintf("pool %q: %s", e.pool, e.err) }
func (e *poolError) Unwrap() error { return e.err }

// Joined is [errors.Join] for errors of several pools. What is the same for several is said once, and of a Nomad that doesn't
// answer nothing else is said.
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

// poolsError is what went wrong with several pools in the same way.
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

// explain names the pool, and adds what to do about the usual reasons. A Nomad that doesn't answer is no pool's matter.
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

// Explain words an error of Nomad's API for people: what refused or did not answer, and what to do about it.
func (c *Cluster) Explain(err error) error { return c.unreachable(err) }

// unreachable words an error of Nomad's API.
func (c *Cluster) unreachable(err error) error {
	var unexpected nomad.UnexpectedResponseError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unexpected) && unexpected.StatusCode() == http.StatusForbidden:
		return errors.New("refused by Nomad: the token lacks the rights for it in this namespace: set NOMAD_TOKEN or -token")
	case errors.As(err, &unexpected) && unexpected.HasBody():
		return fmt.Errorf("refused by Nomad: %s", c.foreign.text(strings.TrimSpace(unexpected.Body())))
	case errors.As(err, &unexpected), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	default:
		return &UnreachableError{c.address, Reason(err)}
	}
}
