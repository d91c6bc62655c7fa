package standin

import (
	"encoding/json"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"
)

// table is a part of the store that a blocking query can wait for.
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

// jobRecord is a job with its history. Its job is never modified in place: a change stores a new value.
type jobRecord struct {
	job      *api.Job
	versions []*api.Job // newest first, at most 6, as in Nomad
	scaling  map[string][]api.ScalingEvent
}

// store is the stand-in's state.
type store struct {
	mu         sync.Mutex
	index      uint64
	touched    map[table]uint64 // table → index of its last change
	changed    chan struct{}    // closed at each change, then replaced
	jobs       map[jobKey]*jobRecord
	allocs     map[string]*api.Allocation // values are replaced, never changed in place
	evals      map[string]*api.Evaluation
	vars       map[jobKey]*api.Variable // by namespace and path
	service    map[string]*api.ServiceRegistration
	namespaces map[string]*api.Namespace
	node       *node
	events     *eventLog
	client     syncer
	timers     *timers
	now        func() time.Time
}

// syncer brings running tasks in line with the store; the client implements it.
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

// txn is one change of the store, with one index for everything in it.
type txn struct {
	*store
	index  uint64
	tables map[table]bool
	events []api.Event
	after  []func() // called after the change is visible and the lock is released
}

// write runs f as one change. An error of f does not undo anything, so f must check before it changes.
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

// flush assigns the current index to all changes so far.
func (tx *txn) flush() {
	tx.store.index = tx.index
	for t := range tx.tables {
		tx.touched[t] = tx.index
	}
	tx.store.events.add(tx.index, tx.events)
}

// advance gives the following changes an index of their own. Nomad stores a job and the result of its evaluation
// separately, so a job's ModifyIndex, which changes with its status, soon differs from its JobModifyIndex.
func (tx *txn) advance() {
	tx.flush()
	tx.index++
	tx.tables, tx.events = map[table]bool{}, nil
}

// read runs f under the lock. Results must not refer to values that change later: encode or copy them in f.
func (s *store) read(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

func (tx *txn) touch(t table) { tx.tables[t] = true }

// event records an event for the stream. It encodes the payload immediately, so that later changes don't show.
func (tx *txn) event(topic api.Topic, kind, key string, filter []string, payload any) {
	b, err := json.Marshal(map[string]any{string(topic): payload})
	if err != nil {
		return // can't happen: API values always encode
	}
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		return
	}
	tx.events = append(tx.events, api.Event{Topic: topic, Type: kind, Key: key, FilterKeys: filter, Index: tx.index, Payload: m})
}

// clone makes a deep copy via JSON, the form in which these values travel anyway.
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

// jobAllocs returns the allocations of one job, in no particular order.
func (s *store) jobAllocs(k jobKey) []*api.Allocation {
	var out []*api.Allocation
	for _, a := range s.allocs {
		if a.Namespace == k.namespace && a.JobID == k.id {
			out = append(out, a)
		}
	}
	return out
}
