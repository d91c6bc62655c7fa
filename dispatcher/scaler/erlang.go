package scaler

import (
	"math"
	"time"
)

// backlogSlots returns the slots needed for every waiting job to start within the horizon; see the package
// documentation.
func backlogSlots(jobs float64, service, horizon time.Duration) float64 {
	return jobs * slotsPerJob(service, horizon)
}

// slotsPerJob returns S/(S+T), the fraction of a slot that one job in the system takes. It is above 0 and at most 1.
func slotsPerJob(service, horizon time.Duration) float64 {
	s := service.Seconds()
	return s / (s + max(horizon, 0).Seconds())
}

// steadySlots returns the least number of slots with which the mean wait of an M/M/n queue is at most the target.
// offered is λS in slots, service is S. The search ends at limit, and then returns limit.
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

// steadyCap returns the most slots that a steady state may request with the given number of jobs in the system.
func steadyCap(jobs float64) float64 {
	return jobs + math.Sqrt(jobs)
}
