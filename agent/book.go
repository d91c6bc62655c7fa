package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/emprops/machinectl/queue"
)

// The causes that end an attempt's context; see the table in the package documentation.
var (
	errLost      = errors.New("the lease was lost: the queue has given the job to another worker")
	errCancelled = errors.New("the job was cancelled")
	errStopping  = errors.New("the machine is stopping")
	errTimeout   = errors.New("the attempt took longer than the job's timeout")
)

// attempt is one claimed job that this agent runs or settles.
type attempt struct {
	worker string
	lease  queue.Lease
	cancel context.CancelCauseFunc
}

// book holds all attempts of the agent, from claim to settlement.
type book struct {
	changed func() // called after each change, outside the lock

	mu       sync.Mutex
	attempts map[string]*attempt // by job id
}

func newBook(changed func()) *book {
	return &book{changed: changed, attempts: map[string]*attempt{}}
}

// add records an attempt. An older attempt at the same job has lost its lease: it is cancelled.
func (b *book) add(a *attempt) {
	b.mu.Lock()
	older := b.attempts[a.lease.JobID]
	b.attempts[a.lease.JobID] = a
	b.mu.Unlock()
	if older != nil {
		older.cancel(errLost)
	}
	b.changed()
}

// remove forgets an attempt, unless a newer one has replaced it.
func (b *book) remove(a *attempt) {
	b.mu.Lock()
	if b.attempts[a.lease.JobID] == a {
		delete(b.attempts, a.lease.JobID)
	}
	b.mu.Unlock()
	b.changed()
}

// leases returns the leases of all attempts, by job id.
func (b *book) leases() []queue.Lease {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := make([]queue.Lease, 0, len(b.attempts))
	for _, a := range b.attempts {
		all = append(all, a.lease)
	}
	slices.SortFunc(all, func(a, b queue.Lease) int { return strings.Compare(a.JobID, b.JobID) })
	return all
}

// jobs returns the ids of a worker's jobs, sorted.
func (b *book) jobs(worker string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []string
	for id, a := range b.attempts {
		if a.worker == worker {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// end cancels the attempts at these jobs. If sent is not nil, only attempts whose leases were sent to the queue are
// cancelled: an answer about an older lease doesn't apply to a newer one.
func (b *book) end(ids []string, sent []queue.Lease, cause error) {
	for _, id := range ids {
		b.mu.Lock()
		a := b.attempts[id]
		b.mu.Unlock()
		if a != nil && (sent == nil || slices.Contains(sent, a.lease)) {
			a.cancel(cause)
		}
	}
}

// endAll cancels every attempt.
func (b *book) endAll(cause error) {
	b.mu.Lock()
	ids := make([]string, 0, len(b.attempts))
	for id := range b.attempts {
		ids = append(ids, id)
	}
	b.mu.Unlock()
	b.end(ids, nil, cause)
}
