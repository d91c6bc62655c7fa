package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
)

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
	return fileError(os.WriteFile(file, b, 0o600))
}

// savedPlan reads the plan that the command line names; it returns nil if the argument is not a saved plan.
func savedPlan(cmd *cli.Command) ([]byte, error) {
	if cmd.Args().Len() != 1 || strings.HasSuffix(cmd.Args().First(), ".hcl") {
		return nil, nil
	}
	f, err := os.Open(cmd.Args().First())
	if err != nil {
		return nil, nil // loading it as a profile reports the error
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

// openPlan returns the work of a saved plan. It is an error if the cluster has changed since.
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
	// The owners of the pools were agreed to. Whether they are still the same is compared below.
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
