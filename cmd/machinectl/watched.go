package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/dispatcher/fleet"
)

// situation is what the commands need of the answer to GET /v1/status.
type situation struct {
	Dispatcher struct {
		Namespace string `json:"namespace"`
	} `json:"dispatcher"`
	Leads            bool                   `json:"leads"`
	Leader           *struct{}              `json:"leader"`
	Conflict         string                 `json:"conflict"`
	Unwatched        []fleet.NamespacePools `json:"unwatched"`
	UnwatchedUnknown string                 `json:"unwatched_unknown"`
}

// unwatched are the pools that nobody resizes, as far as the dispatcher knows. One of a former release doesn't.
func (d *dispatcher) unwatched(ctx context.Context) ([]view.Unwatched, error) {
	var s situation
	var refused *refusal
	switch err := d.call(ctx, http.MethodGet, "/v1/status", nil, &s); {
	case errors.As(err, &refused) && refused.Code == "not_found":
		return nil, nil
	case err != nil:
		return nil, err
	}
	var list []view.Unwatched
	if !s.Leads && s.Leader == nil {
		list = append(list, view.Unwatched{
			Namespace: s.Dispatcher.Namespace, Why: fmt.Sprintf("the dispatcher at %s knows of none that leads; its log says more", d.url),
		})
	}
	for _, u := range s.Unwatched {
		why := fmt.Sprintf("no dispatcher watches namespace %q: give it one with a Redis of its own, or move the pools", u.Namespace)
		if s.Conflict != "" && u.Namespace == s.Dispatcher.Namespace {
			why = s.Conflict
		}
		list = append(list, view.Unwatched{Namespace: u.Namespace, Pools: u.Pools, Why: why})
	}
	return list, nil
}
