package scaler

import (
	"math"
	"time"
)

// backlogSlots is the slots needed so that every waiting job starts within the horizon; see the package documentation.
func backlogSlots(jobs float64, service, horizon time.Duration) float64 {
	return jobs * slotsPerJob(service, horizon)
}

// slotsPerJob is S/(S+T): how much of a slot one job in the system takes. It is above 0 and at most 1.
func slotsPerJob(service, horizon time.Duration) float64 {
	s := service.Seconds()
	return s / (s + max(horizon, 0).Seconds())
}

// steadySlots is the least number of slots with which the mean wait of an M/M/n queue is at most the target: offered is
// λS in slots, service S. The search ends at limit, which is then the answer.
func steadySlots(offered float64, service, target time.Duration, limit float64) float64 {
	if offered <= 0 || limit <= 0 {
		return 0
	}
	blocking := 1.0 // Erlang B by its recursion over n
	for n := 1.0; n <= limit; n++ {
		blocking = offered * blocking / (n + offered*blocking)
		if n <= offered {
			continue
		}
		waits := blocking / (1 - offered/n*(1-blocking)) // Erlang C
		if waits*service.Seconds()/(n-offered) <= target.Seconds() {
			return n
		}
	}
	return limit
}

// steadyCap is the most slots that a steady state may ask for with so many jobs in the system.
func steadyCap(jobs float64) float64 {
	return jobs + math.Sqrt(jobs)
}
