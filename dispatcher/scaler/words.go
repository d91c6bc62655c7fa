package scaler

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// demandText explains the need: the present jobs or, if that needs more machines, the jobs that keep arriving.
func (c *candidate) demandText(need int) string {
	jobs, rate := 0.0, 0.0
	for _, l := range c.loads {
		jobs += l.Jobs
	}
	present := map[workerSet]share{}
	for set, s := range c.shares {
		rate += s.rate
		s.rate = 0
		present[set] = s
	}
	text, verb := plain(jobs)+" jobs", "need"
	switch text {
	case "0 jobs":
		text = "no jobs"
	case "1 jobs":
		text, verb = "1 job", "needs"
	}
	if len(c.loads) > 1 {
		text += fmt.Sprintf(" of %d classes", len(c.loads))
	}
	if need > c.machinesFor(present) {
		text, verb = text+" now and "+frequency(rate), "need"
	}
	if need == 0 {
		return text
	}
	return fmt.Sprintf("%s %s %s", text, verb, machinesText(need))
}

// plain formats a number with at most one decimal.
func plain(x float64) string {
	return strconv.FormatFloat(math.Round(x*10)/10, 'f', -1, 64)
}

// frequency formats a rate per second in the shortest unit of time in which it is at least one.
func frequency(rate float64) string {
	switch {
	case rate >= 1:
		return plain(rate) + " more a second"
	case rate*time.Minute.Seconds() >= 1:
		return plain(rate*time.Minute.Seconds()) + " more a minute"
	}
	return plain(rate*time.Hour.Seconds()) + " more an hour"
}

func waitText(jobs int64) string {
	if jobs == 1 {
		return "1 job waits"
	}
	return fmt.Sprintf("%d jobs wait", jobs)
}

func machinesText(n int) string {
	if n == 1 {
		return "1 machine"
	}
	return fmt.Sprintf("%d machines", n)
}
