package resize

import (
	"fmt"
	"time"

	"github.com/emprops/machinectl/hcl/timetext"
)

// A pool that asked for a machine which Nomad could not place, and took it back because other pools can serve the jobs, is
// scarce: it isn't asked to grow for such jobs again for firstRetry, which doubles with each attempt up to lastRetry. It is
// asked at once when nodes come or go, or when machines of other pools have left.
const (
	firstRetry = 30 * time.Second
	lastRetry  = 15 * time.Minute
)

// shortage is what the loop remembers of a pool whose growth was blocked.
type shortage struct {
	why    string
	tries  int
	until  time.Time // not asked again before
	waits  bool      // blocked at this moment
	placed int       // machines that it had
	others int       // machines that other pools had, those counted that were ending
	nodes  string
}

func (s *shortage) retry() time.Duration {
	return min(firstRetry<<min(s.tries-1, 10), lastRetry)
}

// trackScarce notes which pools can't grow, and forgets what no longer holds.
func (l *Loop) trackScarce(pools []*pool) {
	held, all := map[string]int{}, 0
	for _, p := range pools {
		for _, g := range p.Groups {
			held[p.Name] += len(g.Machines) + g.Stopping
		}
		all += held[p.Name]
	}
	for name := range l.short {
		if _, present := held[name]; !present {
			delete(l.short, name)
		}
	}
	for _, p := range pools {
		p.short = l.track(p, all-held[p.Name])
	}
}

func (l *Loop) track(p *pool, others int) *shortage {
	w := p.Wanted()
	if w == nil || p.Rolling() {
		delete(l.short, p.Name)
		return nil
	}
	s := l.short[p.Name]
	blocked := missing(*w) && w.Blocked != ""
	switch {
	case s != nil && (s.nodes != p.Nodes || len(w.Machines) > s.placed || p.now.After(s.until.Add(s.retry()))):
		delete(l.short, p.Name)
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
		l.short[p.Name] = s
	}
	if !s.waits {
		s.tries++
	}
	s.waits, s.why, s.placed, s.others, s.nodes = true, w.Blocked, len(w.Machines), others, p.Nodes
	s.until = p.now.Add(s.retry())
	return s
}

// scarce says why the pool shall not grow now for jobs that others can serve.
func (p *pool) scarce() string {
	if p.short == nil || p.short.waits || !p.now.Before(p.short.until) {
		return ""
	}
	return fmt.Sprintf("Nomad could not place one more machine of this pool (%s), it is asked again in %s", p.short.why, timetext.Duration(p.short.until.Sub(p.now).Round(time.Second)))
}
