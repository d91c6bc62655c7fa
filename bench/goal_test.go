package main

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGoal(t *testing.T) {
	for _, c := range []struct {
		goal      goal
		value     float64
		met       bool
		says, fig string
	}{
		{atLeast(3.5, "×"), 3.5, true, "≥ 3.5×", "3.50×"},
		{atLeast(150, "×"), 149.9, false, "≥ 150×", "150×"},
		{atMost(1.05, ""), 1.051, false, "≤ 1.05", "1.05"},
		{atMost(1024, " B"), 700.4, true, "≤ 1024 B", "700 B"},
		{atMost(4, " µs"), math.NaN(), false, "≤ 4 µs", "NaN µs"},
		{within(15), -15.1, false, "±15 %", "-15.1 %"},
		{within(15), 12, true, "±15 %", "+12.0 %"},
	} {
		require.Equal(t, c.met, c.goal.met(c.value), "%s: %v", c.goal, c.value)
		require.Equal(t, c.says, c.goal.String())
		require.Equal(t, c.fig, c.goal.format(c.value))
	}
}

func TestSeries(t *testing.T) {
	s := series{4, 1, 3, 2}
	require.InDelta(t, 2.5, s.median(), 1e-9)
	require.InDelta(t, 1, s.quantile(0), 1e-9)
	require.InDelta(t, 4, s.quantile(1), 1e-9)
	require.InDelta(t, 3.97, s.quantile(0.99), 1e-9)
	require.Equal(t, series{4, 1, 3, 2}, s, "a copy is sorted")
	require.True(t, math.IsNaN(series{}.median()))
	require.Equal(t, series{2, 0.5}, s.over(series{2, 2}))
	require.Equal(t, series{100, -50}, s.change(series{2, 2}))
}
