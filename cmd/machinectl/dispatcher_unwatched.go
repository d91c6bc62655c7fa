package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
)

// situation reads the dispatcher's status. It is not known where the dispatcher is one of a former release.
func (d *dispatcher) situation(ctx context.Context) (s *client.Status, known bool, err error) {
	s, err = d.Status(ctx)
	if client.Is(err, client.ProblemCodeNotFound) {
		return nil, false, nil
	}
	return s, err == nil, err
}

// unwatched returns the pools that no dispatcher resizes, as far as this one knows. A dispatcher of a former release doesn't.
func (d *dispatcher) unwatched(ctx context.Context) ([]view.Unwatched, error) {
	s, known, err := d.situation(ctx)
	if !known {
		return nil, err
	}
	var list []view.Unwatched
	if !s.Leads && s.Leader == nil {
		list = append(list, view.Unwatched{
			Namespace: s.Dispatcher.Namespace, Why: fmt.Sprintf("the dispatcher at %s knows of no leader; see its log", d.at),
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

// unwatchedBy returns those pools of an applied plan that the dispatcher leaves alone. A dispatcher that this one doesn't know
// may watch them.
func (d *dispatcher) unwatchedBy(ctx context.Context, p *plan.Plan) ([]view.Unwatched, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	s, known, err := d.situation(ctx)
	if !known {
		return nil, err
	}
	var list []view.Unwatched
	for _, pool := range p.Pools {
		at := pool.Place.Namespace
		why := fmt.Sprintf("The dispatcher at %s watches namespace %q. Give namespace %q one with a Redis of its own, or move the pools.", d.at, s.Dispatcher.Namespace, at)
		switch {
		case pool.Action == plan.Remove || pool.Action == plan.Orphan || s.Dispatcher.Namespace == "":
			continue
		case s.Dispatcher.Namespace == at && s.Conflict == "":
			continue
		case s.Dispatcher.Namespace == at:
			why = s.Conflict
		}
		i := slices.IndexFunc(list, func(u view.Unwatched) bool { return u.Namespace == at })
		if i < 0 {
			i, list = len(list), append(list, view.Unwatched{Namespace: at, Why: why})
		}
		list[i].Pools = append(list[i].Pools, pool.Name)
	}
	return list, nil
}
