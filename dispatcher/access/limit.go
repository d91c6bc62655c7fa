package access

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/time/rate"
)

// limiters bound each token's requests. Of more tokens than fit, those that were silent for longest start anew.
type limiters struct {
	rate  float64
	byID  *lru.Cache[string, *rate.Limiter]
	burst int
}

func newLimiters(perSecond float64) (*limiters, error) {
	byID, err := lru.New[string, *rate.Limiter](maxKnown)
	return &limiters{rate: perSecond, byID: byID, burst: max(1, int(perSecond))}, err
}

// allow takes one request from a token's budget, or returns how long until there is one.
func (l *limiters) allow(id string, now time.Time) (wait time.Duration, ok bool) {
	if l.rate < 0 {
		return 0, true
	}
	limiter, found := l.byID.Get(id)
	if !found {
		limiter = rate.NewLimiter(rate.Limit(l.rate), l.burst)
		if former, raced, _ := l.byID.PeekOrAdd(id, limiter); raced {
			limiter = former
		}
	}
	r := limiter.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return wait, false
	}
	return 0, true
}
