package agent

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/emprops/machinectl/queue"
)

// Why an attempt's context ends; see the table in the package documentation.
var (
	errLost      = errors.New("the lease was lost: the queue has given the job to somebody else")
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

// book knows all attempts of the agent, from claim to settlement.
type book struct {
	changed func() // called after each change, outside the lock

	mu       sync.Mutex
	attempts map[string]*attempt // by job id
}

func newBook(changed func()) *book {
	return &book{changed: changed, attempts: map[string]*attempt{}}
}

// add notes an attempt. An older attempt at the same job has lost its lease: it is cancelled.
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

// remove forgets an attempt, unless a newer one has its place.
func (b *book) remove(a *attempt) {
	b.mu.Lock()
	if b.attempts[a.lease.JobID] == a {
		delete(b.attempts, a.lease.JobID)
	}
	b.mu.Unlock()
	b.changed()
}

// leases are all that have to be kept alive, by job id.
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

// jobs are the ids of what a worker has, sorted.
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

// end cancels the attempts at these jobs. sent, when not nil, limits it to leases that were among those sent to the queue: an
// answer about an older lease says nothing about a newer one.
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
