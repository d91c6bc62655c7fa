package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
)

// sizes follows how many machines each pool is meant to have, and counts the resizes in each direction.
type sizes struct {
	api   *client
	pools []poolSize
	seen  map[string]int // count by pool, at the last poll
	up    int
	down  int
}

// poolSize is the part of GET /v1/pools that the demo reads.
type poolSize struct {
	Pool  string `json:"pool"`
	Min   int    `json:"min"`
	Asked int    `json:"asked"`
}

func watchSizes(api *client) *sizes {
	return &sizes{api: api, seen: map[string]int{}}
}

func (s *sizes) poll(ctx context.Context) (string, error) {
	var answer struct {
		Pools []poolSize `json:"pools"`
	}
	if err := s.api.do(ctx, http.MethodGet, "/v1/pools", nil, &answer); err != nil {
		return "", err
	}
	s.pools = answer.Pools
	for _, p := range s.pools {
		before, known := s.seen[p.Pool]
		switch {
		case known && p.Asked > before:
			s.up += p.Asked - before
		case known && p.Asked < before:
			s.down += before - p.Asked
		}
		s.seen[p.Pool] = p.Asked
	}
	return s.String(), nil
}

func (s *sizes) atMinimum() bool {
	for _, p := range s.pools {
		if p.Asked > p.Min {
			return false
		}
	}
	return len(s.pools) > 0
}

func (s *sizes) String() string {
	parts := make([]string, 0, len(s.pools))
	for _, p := range s.pools {
		parts = append(parts, fmt.Sprintf("%s %d", p.Pool, p.Asked))
	}
	return strings.Join(parts, ", ")
}
