package dispatcher

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/emprops/machinectl/client"
	httpapi "github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/dispatcher/fleet"
)

// repeatWarning is the time after which a warning that still holds is logged again.
const repeatWarning = 10 * time.Minute

// survey finds pools that no dispatcher resizes: of those on a Redis only one resizes pools, and it may watch other places.
type survey struct {
	everywhere func(context.Context) ([]fleet.NamespacePools, error)
	home       func(context.Context) string // region of the Nomad agent, "" while that isn't known
	candidate  *leader
	every      time.Duration
	log        *slog.Logger

	logged   string // what was logged last
	loggedAt time.Time

	mu     sync.Mutex
	region string // of the Nomad agent
	all    []fleet.NamespacePools
	why    string // all isn't known; empty if it is
}

// run observes the pools until ctx ends, first once the leader is known, or after the interval.
func (s *survey) run(ctx context.Context) {
	tick := time.NewTicker(s.every)
	defer tick.Stop()
	select {
	case <-ctx.Done():
		return
	case <-s.candidate.known:
	case <-tick.C:
	}
	for {
		s.observe(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *survey) observe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	all, err := s.everywhere(ctx)
	region := s.home(ctx)
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	s.region, s.all, s.why = region, all, ""
	if err != nil {
		s.why = err.Error()
	}
	s.mu.Unlock()
	s.report(time.Now())
}

// report logs what changed, and repeats from time to time what is still wrong.
func (s *survey) report(now time.Time) {
	is := s.situation()
	text := fmt.Sprint(is.Unwatched, is.UnwatchedUnknown, is.Conflict)
	if text == s.logged && (len(is.Unwatched) == 0 && is.Conflict == "" || now.Sub(s.loggedAt) < repeatWarning) {
		return
	}
	s.logged, s.loggedAt = text, now
	if is.UnwatchedUnknown != "" {
		s.log.Warn("cannot list the pools of other namespaces", "error", is.UnwatchedUnknown)
	}
	for _, n := range is.Unwatched {
		s.log.Warn("no dispatcher resizes the pools of a namespace",
			"region", n.Region, "namespace", n.Namespace, "pools", n.Pools, "watched", scope(s.watching()))
	}
	if is.Conflict != "" {
		s.log.Error("leader does not resize all pools of this dispatcher", "conflict", is.Conflict)
	}
}

// watching returns the dispatcher whose places are watched: the leader, or this one if no leader is known.
func (s *survey) watching() *client.Identity {
	if l := s.candidate.leading(); l != nil {
		return l
	}
	return &s.candidate.me
}

// situation returns what the API shows.
func (s *survey) situation() httpapi.Situation {
	leader, watching := s.candidate.leading(), s.watching()
	out := httpapi.Situation{Dispatcher: s.candidate.me, Leader: leader, Conflict: s.candidate.conflict(leader)}
	s.mu.Lock()
	defer s.mu.Unlock()
	out.Dispatcher.Region = s.region
	if leader != nil && leader.ID == out.Dispatcher.ID {
		out.Leader = &out.Dispatcher
	}
	out.UnwatchedUnknown = s.why
	out.Unwatched = slices.DeleteFunc(slices.Clone(s.all), func(n fleet.NamespacePools) bool { return watches(watching, n.Region, n.Namespace) })
	return out
}
