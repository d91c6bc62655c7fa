package dispatcher

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/nomad/api"

	httpapi "github.com/emprops/machinectl/dispatcher/api"
	"github.com/emprops/machinectl/dispatcher/fleet"
)

// repeatWarning is the time after which a warning that still holds is logged again.
const repeatWarning = 10 * time.Minute

// survey finds pools that no dispatcher resizes: each watches one namespace, and only one of those on a Redis resizes pools.
type survey struct {
	everywhere func(context.Context) ([]fleet.NamespacePools, error)
	candidate  *leader
	every      time.Duration
	log        *slog.Logger

	logged   string // what was logged last
	loggedAt time.Time

	mu  sync.Mutex
	all []fleet.NamespacePools
	why string // all isn't known; empty if it is
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
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	s.all, s.why = all, ""
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
			"namespace", n.Namespace, "pools", n.Pools, "watched", s.watched())
	}
	if is.Conflict != "" {
		s.log.Error("leader resizes other pools, none resizes these", "conflict", is.Conflict)
	}
}

// watched returns the namespace whose pools the leader resizes, or this dispatcher's if no leader is known.
func (s *survey) watched() string {
	if l := s.candidate.leading(); l != nil && l.Namespace != "" {
		return l.Namespace
	}
	return s.candidate.me.Namespace
}

// situation returns what the API shows.
func (s *survey) situation() httpapi.Situation {
	leader := s.candidate.leading()
	out := httpapi.Situation{Dispatcher: s.candidate.me, Leader: leader, Conflict: s.candidate.conflict(leader)}
	watched := s.watched()
	s.mu.Lock()
	defer s.mu.Unlock()
	out.UnwatchedUnknown = s.why
	out.Unwatched = slices.DeleteFunc(slices.Clone(s.all), func(n fleet.NamespacePools) bool { return n.Namespace == watched })
	return out
}

var namespaceName = regexp.MustCompile(`^[A-Za-z0-9-]{1,128}$`)

// CheckNamespace returns an error unless name is the name of one Nomad namespace. Empty means the default one.
func CheckNamespace(name string) error {
	switch {
	case name == api.AllNamespacesNamespace:
		return fmt.Errorf("a dispatcher watches one namespace, not all of them: name it, or leave it out for %q", api.DefaultNamespace)
	case !namespaceName.MatchString(cmp.Or(name, api.DefaultNamespace)):
		return fmt.Errorf("%q is not the name of a namespace: letters, digits and -, at most 128", name)
	}
	return nil
}
