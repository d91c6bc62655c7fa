package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/emprops/machinectl/client"
)

// sizes follows how many machines each pool is meant to have, and counts the resizes in each direction.
type sizes struct {
	api   *client.Client
	pools []client.Pool
	last  map[string]int // count by pool, at the last poll
	up    int
	down  int
}

func watchSizes(api *client.Client) *sizes {
	return &sizes{api: api, last: map[string]int{}}
}

// poll reads the sizes and returns a line for each that has changed since the last time, with the dispatcher's reasons.
func (s *sizes) poll(ctx context.Context) ([]string, error) {
	pools, err := s.api.Pools(ctx)
	if err != nil {
		return nil, err
	}
	s.pools = pools
	var lines []string
	for _, p := range s.pools {
		before, known := s.last[p.Pool]
		s.last[p.Pool] = p.Asked
		switch {
		case known && p.Asked > before:
			s.up += p.Asked - before
			lines = append(lines, fmt.Sprintf("↑ %s %d → %d%s", p.Name, before, p.Asked, s.reasons(ctx, p.Pool, p.Asked)))
		case known && p.Asked < before:
			s.down += before - p.Asked
			lines = append(lines, fmt.Sprintf("↓ %s %d → %d%s", p.Name, before, p.Asked, s.reasons(ctx, p.Pool, p.Asked)))
		}
	}
	return lines, nil
}

// reasons returns the reasons of the newest decision for a count, or "" if it is no longer known.
func (s *sizes) reasons(ctx context.Context, pool string, count int) string {
	answer, err := s.api.Pool(ctx, pool)
	if err != nil {
		return "" // the next poll reports the error
	}
	for _, d := range answer.Decisions {
		if d.Count != count || d.From == d.Count {
			continue
		}
		var texts []string
		for _, r := range d.Reasons {
			texts = append(texts, r.Text)
		}
		return ": " + strings.Join(texts, "; ")
	}
	return ""
}

func (s *sizes) atMinimum() bool {
	for _, p := range s.pools {
		if p.Asked > p.Min {
			return false
		}
	}
	return len(s.pools) > 0
}

// String lists the pools that have machines.
func (s *sizes) String() string {
	parts := make([]string, 0, len(s.pools))
	for _, p := range s.pools {
		if p.Asked > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", p.Name, p.Asked))
		}
	}
	return strings.Join(parts, ", ")
}
