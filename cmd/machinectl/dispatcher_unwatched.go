package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/dispatcher/fleet"
)

// where returns the places whose pools a dispatcher resizes if it leads. It is not known where nothing is published.
func where(i *client.Identity) (w fleet.Where, known bool) {
	w = fleet.Where{Namespaces: i.Namespaces, Regions: i.Regions}
	if len(w.Namespaces) == 0 && i.Namespace != "" { // a former release watches one
		w.Namespaces = []string{i.Namespace}
	}
	return w, len(w.Namespaces) > 0
}

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
			Namespace: strings.Join(s.Dispatcher.Namespaces, ", "), Why: fmt.Sprintf("the dispatcher at %s knows of no leader; see its log", d.at),
		})
	}
	for _, u := range s.Unwatched {
		why := cmp.Or(s.Conflict, fmt.Sprintf("no dispatcher watches namespace %q: add it to the leader's -namespaces, or move the pools", u.Namespace))
		list = append(list, view.Unwatched{Namespace: u.Namespace, Pools: u.Pools, Why: why})
	}
	for _, u := range s.Unread {
		list = append(list, view.Unwatched{Namespace: u.Namespace, Pools: u.Pools, Why: "the leading dispatcher can't read them, and they stay as they are: " + u.Why})
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
	leader := s.Leader
	if leader == nil {
		leader = &s.Dispatcher
	}
	watched, known := where(leader)
	if !known {
		return nil, nil
	}
	var list []view.Unwatched
	for _, pool := range p.Pools {
		at := pool.Place.Namespace
		if pool.Action == plan.Remove || pool.Action == plan.Orphan {
			continue
		}
		why := ""
		if !watched.Includes(pool.Place.Region, at) {
			why = cmp.Or(s.Conflict, outside(d.at, watched, pool.Place))
		}
		for _, u := range s.Unread {
			if u.Namespace == at || u.Namespace == fleet.All && u.Region == pool.Place.Region {
				why = "The leading dispatcher can't read them: " + u.Why
			}
		}
		if why == "" {
			continue
		}
		i := slices.IndexFunc(list, func(u view.Unwatched) bool { return u.Namespace == at })
		if i < 0 {
			i, list = len(list), append(list, view.Unwatched{Namespace: at, Why: why})
		}
		list[i].Pools = append(list[i].Pools, pool.Name)
	}
	return list, nil
}

// outside explains that the dispatcher at a URL does not watch a place.
func outside(url string, watched fleet.Where, at plan.Place) string {
	kind, list, name := "namespace", watched.Namespaces, at.Namespace
	if watched.Includes("", at.Namespace) {
		kind, list, name = "region", watched.Regions, at.Region
	}
	if len(list) != 1 {
		kind += "s"
	}
	return fmt.Sprintf("The dispatcher at %s watches %s %s. Add %s to its -%s, or move the pools.", url, kind, strings.Join(list, ", "), name, strings.TrimSuffix(kind, "s")+"s")
}
