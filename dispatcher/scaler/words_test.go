package scaler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestReasonsReadWell(t *testing.T) {
	sim := worker(1, "simulation")
	arriving := func(c Class, rate float64) Class {
		c.ArrivalRate = rate
		return c
	}
	for text, tc := range map[string]struct {
		classes []Class
		pool    Pool
	}{
		"no jobs":                {nil, pool("a", 0, 0, 5, sim)},
		"1 job needs 1 machine":  {[]Class{class("c", "simulation", 1, 0, time.Hour)}, pool("a", 0, 0, 5, sim)},
		"6 jobs need 2 machines": {[]Class{class("c", "simulation", 6, 0, time.Hour)}, pool("a", 0, 0, 5, worker(3, "simulation"))},
		"7 jobs of 2 classes need 7 machines": {
			[]Class{class("c", "simulation", 3, 0, time.Hour), class("d", "simulation", 4, 0, time.Hour)}, pool("a", 0, 0, 9, sim),
		},
		"8 jobs now and 1 more a second need 11 machines": {[]Class{arriving(class("c", "simulation", 0, 8, 10*time.Second), 1)}, pool("a", 0, 0, 50, sim)},
	} {
		d := Decide(Snapshot{Classes: tc.classes, Pools: []Pool{tc.pool}}, now)[0]
		require.Equal(t, text, d.Reasons[0].Text)
	}
	require.Equal(t, "1.5 more a second", frequency(1.5))
	require.Equal(t, "30 more a minute", frequency(0.5))
	require.Equal(t, "36 more an hour", frequency(0.01))
}
