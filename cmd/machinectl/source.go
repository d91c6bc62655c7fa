package main

import (
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	nomad "github.com/hashicorp/nomad/api"
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/hcl/diag"
	"github.com/emprops/machinectl/hcl/profile"
)

// sourceFlags returns the flags that set a profile's variables.
func sourceFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "var", Usage: "`NAME=VALUE` of a variable; repeatable"},
		&cli.StringSliceFlag{Name: "var-file", Usage: "`FILE` with values of variables; repeatable"},
	}
}

// source is a profile that was read and compiled.
type source struct {
	profile  *profile.Profile
	pools    []*compiler.Pool
	warnings hcl.Diagnostics
}

// noted returns the profile's warnings, for programs to read.
func (s *source) noted() []diag.Diagnostic {
	return diag.NewDocument(s.warnings, s.profile.Sources).Diagnostics
}

// load reads and compiles the profile that the command line names. Its diagnostics are shown, on standard error or, with
// -json, as the document on standard output if there are errors.
func load(cmd *cli.Command, std streams) (*source, error) {
	paths := cmd.Args().Slice()
	if len(paths) == 0 {
		return nil, misuse(cmd, "no profile given: name a file, or a directory with *.hcl files")
	}
	return loadPaths(cmd, std, paths)
}

// loadPaths is like [load], for the given paths.
func loadPaths(cmd *cli.Command, std streams, paths []string) (*source, error) {
	vars := map[string]string{}
	given := cmd.StringSlice("var")
	for i, v := range given {
		name, value, ok := strings.Cut(v, "=")
		if !ok {
			// The text may be a secret that lacks its name.
			return nil, misuse(cmd, "-var number %d of %d has no \"=\": write -var NAME=VALUE", i+1, len(given))
		}
		vars[name] = value
	}
	p, diags := profile.Load(paths, profile.Options{Vars: vars, VarFiles: cmd.StringSlice("var-file"), Env: os.LookupEnv})
	var pools []*compiler.Pool
	if !diags.HasErrors() {
		var more hcl.Diagnostics
		pools, more = compiler.Compile(p)
		diags = diag.Sort(append(diags, more...), p.Order)
	}
	errs, warnings := diag.Split(diags)
	if len(errs) == 0 {
		if !cmd.Bool("json") {
			show(std, p, warnings)
		}
		return &source{profile: p, pools: pools, warnings: warnings}, nil
	}
	if cmd.Bool("json") {
		return nil, errors.Join(&shownError{errProfile}, std.invalid(diags, p.Sources))
	}
	// The errors come last, where a terminal shows them.
	show(std, p, slices.Concat(warnings, errs))
	std.errors().Printf("%s", counted(len(errs), len(warnings)))
	return nil, &shownError{errProfile}
}

func show(std streams, p *profile.Profile, diags hcl.Diagnostics) {
	s := std.errors()
	// If standard error is closed, the exit code still reports the errors.
	_ = diag.Printer{Sources: p.Sources, Color: s.Color, Width: s.Width}.Text(std.err, diags)
}

// settle sets the namespace and region of pools that name none.
func (s *source) settle(at plan.Place) {
	for _, pool := range s.pools {
		if pool.Job.Namespace == nil {
			pool.Job.Namespace = new(cmp.Or(at.Namespace, nomad.DefaultNamespace))
		}
		if pool.Job.Region == nil && at.Region != "" {
			pool.Job.Region = &at.Region
		}
	}
}
