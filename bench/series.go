package main

import (
	"math"
	"slices"
)

// series holds one figure's samples, one per run, in order.
type series []float64

// median returns NaN if there are no samples.
func (s series) median() float64 { return s.quantile(0.5) }

// quantile returns the q-quantile of the samples, interpolated linearly between neighbours.
func (s series) quantile(q float64) float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[low]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

// over divides run by run.
func (s series) over(other series) series {
	return s.pair(other, func(a, b float64) float64 { return a / b })
}

// change returns the difference to a base in percent, run by run.
func (s series) change(base series) series {
	return s.pair(base, func(a, b float64) float64 { return 100 * (a/b - 1) })
}

func (s series) pair(other series, f func(a, b float64) float64) series {
	out := make(series, 0, len(s))
	for i := range min(len(s), len(other)) {
		out = append(out, f(s[i], other[i]))
	}
	return out
}
