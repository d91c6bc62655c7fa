package queue

import "context"

// Ending is how an attempt ended, for [Client.Turn]: completed with Result, or failed with Failure, or given back with
// Release, the reason.
type Ending struct {
	Lease   Lease
	Result  *Result
	Failure *Failure
	Release string
}

// Turn ends attempts of one type and claims up to n new jobs, in one call to Redis and without waiting: what a busy worker
// does between two jobs. More than [MaxClaim] endings take several calls, the last of which claims. errs has an entry for
// each ending, in order; err is the error of the whole turn.
func (c *Client) Turn(ctx context.Context, w WorkerInfo, done []Ending, n int) (jobs []Claimed, errs []error, err error) {
	endings := make([]ending, len(done))
	for i, d := range done {
		if endings[i], err = d.encode(); err != nil {
			return nil, nil, err
		}
	}
	var ended []string
	for len(endings) > MaxClaim {
		t, err := c.turn(ctx, turnRequest{worker: w, endings: endings[:MaxClaim]})
		if err != nil {
			return nil, nil, err
		}
		ended, endings = append(ended, t.ended...), endings[MaxClaim:]
	}
	t, err := c.turn(ctx, turnRequest{worker: w, endings: endings, n: n})
	if err != nil {
		return nil, nil, err
	}
	ended = append(ended, t.ended...)
	errs = make([]error, len(done))
	for i, d := range done {
		errs[i] = verdictOf(d.Lease.JobID, ended[i])
	}
	if t.status == "unregistered" {
		return nil, errs, c.registerAgain(ctx, w)
	}
	return t.claimed, errs, nil
}

func (d Ending) encode() (ending, error) {
	switch {
	case d.Failure != nil:
		return encodeFailure(d.Lease, *d.Failure)
	case d.Result != nil:
		return encodeResult(d.Lease, *d.Result)
	}
	return ending{lease: d.Lease, action: "r", detail: printable(d.Release)}, nil
}
