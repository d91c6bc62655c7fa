package resize

import (
	"fmt"
	"time"

	"github.com/emprops/machinectl/hcl/timetext"
)

// A pool is scarce if it requested a machine that Nomad could not place, and withdrew the request because other pools can
// serve the jobs. It doesn't grow for such jobs again for firstRetry, which doubles with each attempt up to lastRetry. It
// may grow immediately when nodes come or go, or when machines of other pools have left.
const (
	firstRetry = 30 * time.Second
	lastRetry  = 15 * time.Minute
)

// shortage is what the loop remembers of a pool whose growth was blocked.
type shortage struct {
	why    string
	tries  int
	until  time.Time // no new attempt before
	waits  bool      // blocked at this moment
	placed int       // machines that the pool had
	others int       // machines that other pools had, including ending ones
	nodes  string
}

func (s *shortage) retry() time.Duration {
	return min(firstRetry<<min(s.tries-1, 10), lastRetry)
}

// trackScarce records which pools can't grow, and forgets what no longer holds.
func (l *Loop) trackScarce(pools []*pool) {
	held, all := map[string]int{}, map[string]int{} // by pool, by region: regions share no nodes
	for _, p := range pools {
		for _, g := range p.Groups {
			held[p.full()] += len(g.Machines) + g.Stopping
		}
		all[p.Region] += held[p.full()]
	}
	for name := range l.short {
		if _, present := held[name]; !present {
			delete(l.short, name)
		}
	}
	for _, p := range pools {
		p.short = l.track(p, all[p.Region]-held[p.full()])
	}
}

func (l *Loop) track(p *pool, others int) *shortage {
	w := p.Wanted()
	if w == nil || p.Rolling() {
		delete(l.short, p.full())
		return nil
	}
	s := l.short[p.full()]
	blocked := missing(*w) && w.Blocked != ""
	switch {
	case s != nil && (s.nodes != p.Nodes || len(w.Machines) > s.placed || p.now.After(s.until.Add(s.retry()))):
		delete(l.short, p.full())
		s = nil
	case s != nil && !blocked && others < s.others:
		s.until = p.now
	}
	if !blocked {
		if s != nil {
			s.waits = false
		}
		return s
	}
	if s == nil {
		s = &shortage{}
		l.short[p.full()] = s
	}
	if !s.waits {
		s.tries++
	}
	s.waits, s.why, s.placed, s.others, s.nodes = true, w.Blocked, len(w.Machines), others, p.Nodes
	s.until = p.now.Add(s.retry())
	return s
}

// scarce explains why the pool should not grow now for jobs that other pools can serve; it returns "" if it may.
func (p *pool) scarce() string {
	if p.short == nil || p.short.waits || !p.now.Before(p.short.until) {
		return ""
	}
	return fmt.Sprintf("Nomad could not place one more machine of this pool (%s), next attempt in %s", p.short.why, timetext.Duration(p.short.until.Sub(p.now).Round(time.Second)))
}
