package main

import (
	"fmt"
	"math"
	"strconv"
)

// goal is the target of a row's figure. Kind is "min", "max" or "within" (percent above or below zero).
type goal struct {
	Kind  string  `json:"kind"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

func atLeast(v float64, unit string) goal { return goal{"min", v, unit} }
func atMost(v float64, unit string) goal  { return goal{"max", v, unit} }
func within(percent float64) goal         { return goal{"within", percent, " %"} }

func (g goal) met(v float64) bool {
	switch g.Kind {
	case "min":
		return v >= g.Value
	case "max":
		return v <= g.Value
	}
	return math.Abs(v) <= g.Value
}

func (g goal) String() string {
	sign := map[string]string{"min": "≥ ", "max": "≤ ", "within": "±"}[g.Kind]
	return sign + strconv.FormatFloat(g.Value, 'f', -1, 64) + g.Unit
}

// format formats a figure of the goal's kind with three significant digits.
func (g goal) format(v float64) string {
	digits := 0
	switch a := math.Abs(v); {
	case a < 10:
		digits = 2
	case a < 100:
		digits = 1
	}
	if g.Kind == "within" {
		return fmt.Sprintf("%+.1f%s", v, g.Unit)
	}
	return strconv.FormatFloat(v, 'f', digits, 64) + g.Unit
}
