package webhook

import (
	"sync"
	"time"
)

// rememberFailing is how long a host counts as failing after its last failure.
const rememberFailing = 10 * time.Minute

// slots bounds the attempts that are under way: in all, and to each host. A host that fails gets one at a time.
type slots struct {
	total, perHost int

	mu    sync.Mutex
	busy  int
	hosts map[string]*hostSlots
}

type hostSlots struct {
	busy   int
	failed time.Time // when it last failed; zero if it succeeded since
}

func newSlots(total, perHost int) *slots {
	return &slots{total: total, perHost: perHost, hosts: map[string]*hostSlots{}}
}

// free returns how many more attempts may be made to a host now.
func (s *slots) free(host string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	limit, busy := s.perHost, 0
	if h := s.hosts[host]; h != nil {
		if busy = h.busy; !h.failed.IsZero() {
			limit = 1
		}
	}
	return max(0, min(limit-busy, s.total-s.busy))
}

func (s *slots) take(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[host]
	if h == nil {
		h = &hostSlots{}
		s.hosts[host] = h
	}
	h.busy++
	s.busy++
}

// give returns a slot, and records whether the host failed.
func (s *slots) give(host string, failed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hosts[host]
	h.busy--
	s.busy--
	h.failed = time.Time{}
	if failed {
		h.failed = time.Now()
	}
}

// forget drops hosts without attempts that haven't failed lately, and returns the number of the others.
func (s *slots) forget() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, h := range s.hosts {
		if h.busy == 0 && time.Since(h.failed) > rememberFailing {
			delete(s.hosts, name)
		}
	}
	return len(s.hosts)
}
