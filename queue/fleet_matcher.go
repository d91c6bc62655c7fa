package queue

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/emprops/machinectl/capability"
)

// parked is the audience of the classes that no live profile serves.
const parked = "parked"

// matcher caches what never changes: the requirements of a class and whether a class fits a profile. Both are named by
// hashes.
type matcher struct {
	mu      sync.Mutex
	classes map[string]capability.Requirements
	fits    map[[2]string]bool // class, profile
}

// matcherLimit bounds each of the matcher's caches; a full one is emptied.
const matcherLimit = 200_000

func newMatcher() *matcher {
	return &matcher{classes: map[string]capability.Requirements{}, fits: map[[2]string]bool{}}
}

func (m *matcher) learn(class string, r capability.Requirements) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.classes) > matcherLimit {
		clear(m.classes)
	}
	m.classes[class] = r
}

func (m *matcher) requirements(class string) (capability.Requirements, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.classes[class]
	return r, ok
}

func (m *matcher) match(class, profile string, r capability.Requirements, o capability.Offer) bool {
	key := [2]string{class, profile}
	m.mu.Lock()
	fits, ok := m.fits[key]
	m.mu.Unlock()
	if ok {
		return fits
	}
	fits = r.Match(o) == nil
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.fits) > matcherLimit {
		clear(m.fits)
	}
	m.fits[key] = fits
	return fits
}

// fleet is the profiles of a shard's live workers, as of one version.
type fleet struct {
	version string
	offers  map[string]capability.Offer // by profile
	order   []string                    // profiles, least capable first
}

func newFleet(version string, offers map[string]capability.Offer) fleet {
	f := fleet{version: version, offers: offers, order: slices.Sorted(maps.Keys(offers))}
	advantages := map[string]int{}
	for _, p := range f.order {
		for _, q := range f.order {
			advantages[p] += offers[p].Advantages(offers[q])
		}
	}
	slices.SortStableFunc(f.order, func(p, q string) int { return cmp.Compare(advantages[p], advantages[q]) })
	return f
}

// audience names the set of profiles that serve a class and lists them, least capable first. Equal sets have equal names.
func (f fleet) audience(m *matcher, class string, r capability.Requirements) (name, profiles string) {
	var fit []string
	for _, p := range f.order {
		if m.match(class, p, r, f.offers[p]) {
			fit = append(fit, p)
		}
	}
	if len(fit) == 0 {
		return parked, ""
	}
	sum := sha256.Sum256([]byte(strings.Join(slices.Sorted(slices.Values(fit)), " ")))
	return hex.EncodeToString(sum[:6]), strings.Join(fit, " ")
}
