package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/manifest"
)

// poolJobs returns the Nomad jobs of pools in the namespace that the command line names, or in all of them.
func poolJobs(ctx context.Context, cmd *cli.Command) (*nomad.Client, []*nomad.JobListStub, error) {
	client, at, err := nomadClient(cmd)
	if err != nil {
		return nil, nil, err
	}
	q := (&nomad.QueryOptions{Region: at.Region, Namespace: at.Namespace}).WithContext(ctx)
	if q.Namespace == "" {
		q.Namespace = nomad.AllNamespacesNamespace
	}
	list, _, err := client.Jobs().ListOptions(&nomad.JobListOptions{Fields: &nomad.JobListFields{Meta: true}}, q)
	return client, slices.DeleteFunc(list, func(j *nomad.JobListStub) bool {
		return j.Meta[manifest.MetaManaged] != manifest.MetaManagedValue
	}), err
}

// runningPools returns the names of the pools that run in Nomad.
func runningPools(ctx context.Context, cmd *cli.Command) ([]string, error) {
	_, list, err := poolJobs(ctx, cmd)
	var names []string
	for _, j := range list {
		if !j.Stop {
			names = append(names, j.ID)
		}
	}
	return names, err
}

// states reads the pools that the command line names, or all of them.
func states(ctx context.Context, cmd *cli.Command, c *plan.Cluster, at plan.Place) ([]*plan.State, error) {
	if !cmd.Args().Present() {
		if at.Namespace == "" {
			at.Namespace = "*"
		}
		list, err := plan.Pools(ctx, c, at)
		if list == nil {
			list = []*plan.State{}
		}
		return list, err
	}
	return named(ctx, cmd, c, at)
}

// named reads the pools that the command line names. Without a namespace it searches all of them, as a listing does.
func named(ctx context.Context, cmd *cli.Command, c *plan.Cluster, at plan.Place) ([]*plan.State, error) {
	names := cmd.Args().Slice()
	list := []*plan.State{}
	if at.Namespace == "" {
		all, err := plan.Named(ctx, c, plan.Place{Region: at.Region, Namespace: nomad.AllNamespacesNamespace}, names)
		if err != nil {
			return nil, err
		}
		list = append(list, all...)
	}
	for _, name := range names {
		if slices.ContainsFunc(list, func(s *plan.State) bool { return s.Pool == name }) {
			continue
		}
		// A listing has no stopped pools. A foreign job of this name is reported by the error.
		state, err := plan.Read(ctx, c, name, at)
		if err != nil {
			return nil, err
		}
		if state == nil {
			return nil, unknownPool(ctx, cmd, name, at)
		}
		list = append(list, state)
	}
	return list, nil
}

// placeNamed returns where the pool of this name is. Without a namespace that is where a listing finds it, else the default
// namespace.
func placeNamed(ctx context.Context, cmd *cli.Command, name string, at plan.Place) (plan.Place, error) {
	if at.Namespace != "" {
		return at, nil
	}
	at.Namespace = nomad.DefaultNamespace
	_, jobs, err := poolJobs(ctx, cmd)
	if err != nil {
		jobs = nil // the caller's next request reports why Nomad doesn't answer
	}
	var places []string
	for _, j := range jobs {
		if j.ID == name {
			places = append(places, j.Namespace)
		}
	}
	switch {
	case len(places) == 1:
		at.Namespace = places[0]
	case len(places) > 1:
		slices.Sort(places)
		return at, misuse(cmd, "there is a pool %q in each of the namespaces %s: choose one with -namespace", name, strings.Join(places, ", "))
	}
	return at, nil
}

// unknownPool reports that there is no pool of this name, and suggests one with a similar name.
func unknownPool(ctx context.Context, cmd *cli.Command, name string, at plan.Place) error {
	where := ""
	if at.Namespace != "" {
		where = fmt.Sprintf(" in namespace %q", at.Namespace)
	}
	known, err := runningPools(ctx, cmd)
	if err != nil {
		known = nil // the listing is for the hint alone
	}
	return misuse(cmd, "there is no pool %q%s%s", name, where, hint(diag.Suggest(name, known)))
}
