package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
)

func planCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "plan", Usage: "show what applying a profile would change", ArgsUsage: "<profile.hcl | directory>…",
		Description: "Compares the profile with what runs. Nothing is changed. How many machines run now stays as it is: that is the\n" +
			"dispatcher's choice, within the bounds the profile sets. Pools that run but are not in the profile are mentioned.\n" +
			"A plan written with -out is what `machinectl apply` then does, or refuses if the cluster moved on meanwhile. The\n" +
			"file holds no sensitive values: they are taken from the profile and its variables again.",
		Flags: slices.Concat(sourceFlags(), clusterFlags(), planFlags(), []cli.Flag{
			&cli.StringFlag{Name: "out", Usage: "save the plan to `FILE`, for apply"},
			&cli.BoolFlag{Name: "detailed-exitcode", Usage: "exit with 2 where there are changes"},
		}),
		Action: func(ctx context.Context, cmd *cli.Command) error {
			w, err := makePlan(ctx, cmd, std)
			if err != nil {
				return err
			}
			if out := cmd.String("out"); out != "" {
				if err := w.save(out, cmd.Args().Slice()); err != nil {
					return err
				}
			}
			if cmd.Bool("json") {
				err = std.json(planned{view.NewPlanDocument(w.plan, cmd.Bool("verbose")), w.warnings})
			} else {
				w.show(cmd, std)
				if out := cmd.String("out"); out != "" {
					std.screen().Printf("Saved: `machinectl apply %s` does this.", out)
				}
			}
			if err == nil && w.plan.Changes() && cmd.Bool("detailed-exitcode") {
				return &shownError{errChanges}
			}
			return err
		},
	}
}

// planFlags are those of plan and apply alike.
func planFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "target", Usage: "only the pool of this `NAME`; repeatable"},
		&cli.BoolFlag{Name: "prune", Usage: "remove pools of the profile's project that run in its namespaces and are not in it"},
		adoptFlag("take over pools of other projects; with -prune, remove those that belong to none, too"),
		&cli.BoolFlag{Name: "verbose", Usage: "show Nomad's own difference too"},
		jsonFlag(),
	}
}

func adoptFlag(usage string) cli.Flag {
	return &cli.BoolFlag{Name: "adopt", Usage: usage}
}

// work is a plan and what carries it out.
type work struct {
	cluster *plan.Cluster
	plan    *plan.Plan
	pools   []*compiler.Pool
	// again is the command that goes on where applying ended early, and what is to be said of it.
	again func(left []string) (command, note string)
	// agreed says that the plan was looked at before: nobody has to be asked.
	agreed bool
	// byName says that no profile told whose pools are meant.
	byName bool
	// warnings are the profile's.
	warnings []diag.Diagnostic
}

// planned is the JSON form of a plan.
type planned struct {
	view.PlanDocument

	Warnings []diag.Diagnostic `json:"warnings,omitempty"`
}

func (w *work) show(cmd *cli.Command, std streams) {
	s := std.screen()
	s.Verbose, s.Owners = cmd.Bool("verbose"), w.byName
	s.Plan(w.plan)
}

// makePlan loads, compiles and plans what a command line names.
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

// targeted are the pools that are named, or all of them.
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

// save writes a plan for a later apply.
func (w *work) save(file string, profile []string) error {
	var paths []string
	for _, path := range profile {
		abs, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		paths = append(paths, abs)
	}
	b, err := plan.Save(w.plan, w.pools, paths, time.Now())
	if err != nil {
		return err
	}
	return os.WriteFile(file, b, 0o600)
}

// savedPlan reads the plan that the command line names; nil if it names something else.
func savedPlan(cmd *cli.Command) ([]byte, error) {
	if cmd.Args().Len() != 1 || strings.HasSuffix(cmd.Args().First(), ".hcl") {
		return nil, nil
	}
	f, err := os.Open(cmd.Args().First())
	if err != nil {
		return nil, nil // loading it as a profile says what is wrong
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, err
	}
	b, err := io.ReadAll(f)
	if err != nil || !bytes.HasPrefix(bytes.TrimSpace(b), []byte("{")) || !plan.IsSaved(b) {
		return nil, err
	}
	return b, nil
}

// openPlan takes up a saved plan, if the cluster is still what it was made for.
func openPlan(ctx context.Context, cmd *cli.Command, std streams, b []byte) (*work, error) {
	for _, flag := range []string{"target", "prune", "adopt"} {
		if cmd.IsSet(flag) {
			return nil, misuse(cmd, "-%s was decided when the plan was saved", flag)
		}
	}
	var sensitive []string
	agreed, pools, err := plan.Open(b, func(paths []string) ([]*compiler.Pool, error) {
		src, err := loadPaths(cmd, std, paths)
		if err != nil {
			return nil, fmt.Errorf("the plan's sensitive values are needed, and its profile has errors now: %w", err)
		}
		sensitive = src.profile.Sensitive
		return src.pools, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd.Args().First(), err)
	}
	c, _, err := cluster(cmd)
	if err != nil {
		return nil, err
	}
	c.Hide(sensitive)
	// Whom the pools belong to was agreed to; that it is still so is among what is compared below.
	now, err := plan.Make(ctx, c, pools, plan.MakeOptions{Adopt: true})
	if err != nil {
		return nil, err
	}
	for _, pool := range agreed.Pools {
		if pool.Action == plan.Remove {
			now.Pools = append(now.Pools, pool)
		}
	}
	if err := plan.Agree(agreed, now); err != nil {
		return nil, err
	}
	return &work{cluster: c, plan: now, pools: pools, agreed: true}, nil
}
