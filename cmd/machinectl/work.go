package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/diag"
)

// work is a plan and what carries it out.
type work struct {
	cluster *plan.Cluster
	plan    *plan.Plan
	pools   []*compiler.Pool
	// again returns the command that continues after applying ended early, and a note about it.
	again func(left []string) (command, note string)
	// agreed reports whether the plan was saved earlier, so that it needs no confirmation.
	agreed bool
	// byName reports whether pools were named on the command line rather than in a profile.
	byName bool
	// warnings are about the profile.
	warnings []diag.Diagnostic
}

func (w *work) show(cmd *cli.Command, std streams) {
	s := std.screen()
	s.Verbose, s.Owners = cmd.Bool("verbose"), w.byName
	s.Plan(w.plan)
}

// makePlan loads, compiles and plans the profile that a command line names.
func makePlan(ctx context.Context, cmd *cli.Command, std streams) (*work, error) {
	src, err := load(cmd, std)
	if err != nil {
		return nil, err
	}
	c, at, err := cluster(cmd)
	if err != nil {
		return nil, err
	}
	c.Hide(src.profile.Sensitive)
	src.settle(at)
	for _, pool := range src.pools {
		if err := pool.Stamp(version); err != nil {
			return nil, err
		}
	}
	if empty := src.profile.EmptyPools; len(src.pools) == 0 && len(empty) > 0 {
		return nil, fmt.Errorf("there is nothing to run: the for_each of pool %s is empty", strings.Join(empty, ", "))
	}
	if len(src.pools) == 0 {
		return nil, errors.New("the profile has no pools, so there is nothing to run: add a pool block")
	}
	targets := cmd.StringSlice("target")
	prune, adopt := cmd.Bool("prune"), cmd.Bool("adopt")
	switch {
	case len(targets) > 0 && prune:
		return nil, misuse(cmd, "-target and -prune contradict each other: what isn't a target is left alone")
	case prune && !adopt && src.profile.Project == "":
		return nil, misuse(cmd, "-prune removes pools of the profile's project, and the profile names none: write project \"<name>\" {} in it")
	}
	pools, err := targeted(cmd, src.pools, targets)
	if err != nil {
		return nil, err
	}
	w := &work{cluster: c, pools: pools}
	if w.plan, err = plan.Make(ctx, c, pools, plan.MakeOptions{Adopt: adopt}); err != nil {
		return nil, err
	}
	if len(targets) == 0 {
		orphans, err := plan.Orphans(ctx, c, pools, plan.OrphanOptions{Project: src.profile.Project, Prune: prune, Adopt: adopt})
		if err != nil {
			return nil, err
		}
		w.plan.Pools = append(w.plan.Pools, orphans...)
	}
	missing := src.preflight(ctx, c.Address())
	if src.warnings = append(src.warnings, missing...); !cmd.Bool("json") {
		show(std, src.profile, missing)
	}
	w.warnings = src.noted()
	return w, nil
}

// targeted returns the named pools, or all of them.
func targeted(cmd *cli.Command, pools []*compiler.Pool, names []string) ([]*compiler.Pool, error) {
	if len(names) == 0 {
		return pools, nil
	}
	var list []*compiler.Pool
	for _, name := range names {
		i := slices.IndexFunc(pools, func(p *compiler.Pool) bool { return p.Name == name })
		if i < 0 {
			return nil, misuse(cmd, "-target %q: the profile has no such pool; it has %s", name, poolNames(pools))
		}
		if !slices.Contains(list, pools[i]) {
			list = append(list, pools[i])
		}
	}
	return list, nil
}

func poolNames(pools []*compiler.Pool) string {
	var names []string
	for _, p := range pools {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
