package standin

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"
)

// table names what a blocking query waits on.
type table string

const (
	tableJobs       table = "jobs"
	tableAllocs     table = "allocs"
	tableEvals      table = "evals"
	tableNodes      table = "nodes"
	tableServices   table = "services"
	tableVars       table = "variables"
	tableNamespaces table = "namespaces"
)

type jobKey struct{ namespace, id string }

// jobRecord is a job with its history. Its job is never changed in place: a change is a new value.
type jobRecord struct {
	job      *api.Job
	versions []*api.Job // newest first, at most 6, as in Nomad
	scaling  map[string][]api.ScalingEvent
}

// store is all state of the stand-in.
type store struct {
	mu         sync.Mutex
	index      uint64
	touched    map[table]uint64 // index of each table's last change
	changed    chan struct{}    // closed at each change, then replaced
	jobs       map[jobKey]*jobRecord
	allocs     map[string]*api.Allocation // values are replaced, never changed in place
	evals      map[string]*api.Evaluation
	vars       map[jobKey]*api.Variable // namespace and path
	service    map[string]*api.ServiceRegistration
	namespaces map[string]*api.Namespace
	node       *node
	events     *eventLog
	client     syncer
	timers     *timers
	now        func() time.Time
}

// syncer makes what runs follow what the store says; the client is it.
type syncer interface{ sync(allocID string) }

func newStore(n *node) *store {
	return &store{
		index: 1, touched: map[table]uint64{tableNodes: 1}, changed: make(chan struct{}),
		jobs: map[jobKey]*jobRecord{}, allocs: map[string]*api.Allocation{}, evals: map[string]*api.Evaluation{},
		vars: map[jobKey]*api.Variable{}, service: map[string]*api.ServiceRegistration{},
		namespaces: map[string]*api.Namespace{},
		node:       n, events: newEventLog(), now: time.Now,
	}
}

// txn is one change of the store: everything in it gets the same index.
type txn struct {
	*store
	index  uint64
	tables map[table]bool
	events []api.Event
	after  []func() // run when the change is visible and the lock is released
}

// write runs f as one change. If f fails nothing else happens, so f checks before it changes.
func (s *store) write(f func(*txn) error) (uint64, error) {
	s.mu.Lock()
	tx := &txn{store: s, index: s.index + 1, tables: map[table]bool{}}
	err := f(tx)
	if err != nil || (len(tx.tables) == 0 && len(tx.after) == 0 && s.index+1 == tx.index) {
		index := s.index
		s.mu.Unlock()
		return index, err
	}
	tx.flush()
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	for _, f := range tx.after {
		f()
	}
	return tx.index, nil
}

// flush makes what was changed so far belong to the index it has.
func (tx *txn) flush() {
	tx.store.index = tx.index
	for t := range tx.tables {
		tx.touched[t] = tx.index
	}
	tx.store.events.add(tx.index, tx.events)
}

// advance gives what follows an index of its own. Nomad stores a job and what its evaluation makes of it one after the
// other, so a job's ModifyIndex, which its status moves, soon isn't its JobModifyIndex any more.
func (tx *txn) advance() {
	tx.flush()
	tx.index++
	tx.tables, tx.events = map[table]bool{}, nil
}

// read runs f under the lock. What f returns must not be changed later: encode it before returning, or copy.
func (s *store) read(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (tx *txn) touch(t table) { tx.tables[t] = true }

// event notes an event for the stream. The payload is encoded now, so later changes don't show.
func (tx *txn) event(topic api.Topic, kind, key string, filter []string, payload any) {
	b, err := json.Marshal(map[string]any{string(topic): payload})
	if err != nil {
		return // the payload is one of our own API values: it always encodes
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return
	}
	tx.events = append(tx.events, api.Event{Topic: topic, Type: kind, Key: key, FilterKeys: filter, Index: tx.index, Payload: m})
}

// clone is a deep copy by way of JSON, which is how these values travel anyway.
func clone[T any](v T) T {
	var out T
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		panic("standin: an API value does not survive JSON: " + err.Error())
	}
	return out
}

// putAlloc stores a changed or new allocation.
func (tx *txn) putAlloc(a *api.Allocation) {
	if a.CreateIndex == 0 {
		a.CreateIndex, a.AllocModifyIndex = tx.index, tx.index
		a.CreateTime = tx.now().UnixNano()
	}
	a.ModifyIndex, a.ModifyTime = tx.index, tx.now().UnixNano()
	tx.allocs[a.ID] = a
	tx.touch(tableAllocs)
	bare := *a
	bare.Job = nil // as in Nomad's events
	tx.event(api.TopicAllocation, "AllocationUpdated", a.ID, []string{a.JobID}, &bare)
}

// jobAllocs are the allocations of one job, oldest first is not promised.
func (s *store) jobAllocs(k jobKey) []*api.Allocation {
	var out []*api.Allocation
	for _, a := range s.allocs {
		if a.Namespace == k.namespace && a.JobID == k.id {
			out = append(out, a)
		}
	}
	return out
}
