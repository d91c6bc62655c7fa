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

// repeatWarning is the time after which the log says again what is still wrong.
const repeatWarning = 10 * time.Minute

// survey looks for pools that nobody resizes: a dispatcher watches one namespace, and one of the dispatchers on a Redis acts.
type survey struct {
	everywhere func(context.Context) ([]fleet.NamespacePools, error)
	candidate  *leader
	every      time.Duration
	log        *slog.Logger

	said   string // what the log said last
	saidAt time.Time

	mu  sync.Mutex
	all []fleet.NamespacePools
	why string // it isn't known
}

// run looks until ctx ends, first when it is known who leads, or after the interval.
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
		s.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *survey) look(ctx context.Context) {
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

// report logs what changed, and what is still wrong from time to time.
func (s *survey) report(now time.Time) {
	is := s.situation()
	text := fmt.Sprint(is.Unwatched, is.UnwatchedUnknown, is.Conflict)
	if text == s.said && (len(is.Unwatched) == 0 && is.Conflict == "" || now.Sub(s.saidAt) < repeatWarning) {
		return
	}
	s.said, s.saidAt = text, now
	if is.UnwatchedUnknown != "" {
		s.log.Warn("pools of other namespaces can't be looked for", "error", is.UnwatchedUnknown)
	}
	for _, n := range is.Unwatched {
		s.log.Warn("no dispatcher resizes the pools of this namespace: move them, or give it a dispatcher with a Redis of its own",
			"namespace", n.Namespace, "pools", n.Pools, "watched", s.watched())
	}
	if is.Conflict != "" {
		s.log.Error(is.Conflict)
	}
}

// watched is the namespace whose pools the leader resizes; as long as none is known, this dispatcher's.
func (s *survey) watched() string {
	if l := s.candidate.leading(); l != nil && l.Namespace != "" {
		return l.Namespace
	}
	return s.candidate.me.Namespace
}

// situation is what the API tells of it.
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

// CheckNamespace refuses what isn't the name of one Nomad namespace. Empty is the default one.
func CheckNamespace(name string) error {
	switch {
	case name == api.AllNamespacesNamespace:
		return fmt.Errorf("a dispatcher watches one namespace, not all of them: name it, or leave it out for %q", api.DefaultNamespace)
	case !namespaceName.MatchString(cmp.Or(name, api.DefaultNamespace)):
		return fmt.Errorf("%q is not the name of a namespace: letters, digits and -, at most 128", name)
	}
	return nil
}
