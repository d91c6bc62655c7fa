package webhook

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/emprops/machinectl/queue"
)

// schedule is the time from each failed attempt to the next, as Standard Webhooks recommends: over three days.
var schedule = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// maxRetryAfter is the longest time that a receiver's Retry-After is heeded for.
const maxRetryAfter = 24 * time.Hour

// answer is what an attempt yielded. Status is 0 if the receiver didn't answer.
type answer struct {
	status     int
	retryAfter time.Duration
	problem    string // why it failed; empty if it succeeded
}

func (a answer) gone() bool { return a.status == http.StatusGone }

// next decides what follows from the answer to an attempt, which was the nth.
func next(n int, a answer) queue.Outcome {
	switch {
	case a.problem == "":
		return queue.Outcome{}
	case a.gone():
		return queue.Outcome{GivenUp: "the receiver answered 410 Gone, which disabled the endpoint"}
	case n > len(schedule):
		return queue.Outcome{GivenUp: fmt.Sprintf("%d attempts failed, the last: %s", n, a.problem)}
	}
	wait := schedule[n-1]
	wait += time.Duration((rand.Float64() - 0.5) / 5 * float64(wait))
	return queue.Outcome{After: max(wait, min(a.retryAfter, maxRetryAfter))}
}

// retryAfter reads the header: seconds or a date. It returns 0 if there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}
