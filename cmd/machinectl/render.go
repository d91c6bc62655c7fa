package main

import (
	"context"
	"slices"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler"
	"github.com/emprops/machinectl/compiler/jobfile"
	"github.com/emprops/machinectl/compiler/view"
)

func renderCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "render", Usage: "print the Nomad jobs a profile becomes", ArgsUsage: "<profile.hcl | directory>…",
		Description: "Prints Nomad's JSON for each pool, as it would be registered in an empty cluster. Needs no cluster. With one\n" +
			"pool, or -pool, the output is what `nomad job run -json` takes; with several it is a list of such documents. It\n" +
			"contains sensitive values.",
		Flags: append(sourceFlags(), &cli.StringFlag{Name: "pool", Usage: "only the pool of this `NAME`"},
			&cli.BoolFlag{Name: "hcl", Usage: "print a job file, as `nomad job run` takes it; needs -pool where there are several"},
			&cli.BoolFlag{Name: "json", Usage: "also write errors as JSON, and with -hcl the job file"},
			&cli.StringFlag{Name: "namespace", Usage: "`NAME` of the namespace of pools that name none"}),
		Action: func(_ context.Context, cmd *cli.Command) error {
			src, err := load(cmd, std)
			if err != nil {
				return err
			}
			return render(cmd, std, src)
		},
	}
}

func render(cmd *cli.Command, std streams, src *source) error {
	type document struct {
		Job any
	}
	if ns := cmd.String("namespace"); ns != "" {
		for _, pool := range src.pools {
			if pool.Job.Namespace == nil {
				pool.Job.Namespace = &ns
			}
		}
	}
	if cmd.Bool("hcl") {
		return renderHCL(cmd, std, src)
	}
	list := []document{}
	for _, pool := range src.pools {
		if only := cmd.String("pool"); only == "" || only == pool.Name {
			list = append(list, document{pool.Job})
		}
	}
	switch {
	case len(list) == 0 && cmd.String("pool") != "":
		return misuse(cmd, "the profile has no pool %q", cmd.String("pool"))
	case len(list) == 1:
		// Nomad needs the sensitive values.
		return view.JSON(std.out, list[0])
	default:
		return view.JSON(std.out, list)
	}
}

// renderHCL writes one pool as a job file.
func renderHCL(cmd *cli.Command, std streams, src *source) error {
	pools := src.pools
	if name := cmd.String("pool"); name != "" {
		pools = slices.DeleteFunc(slices.Clone(pools), func(p *compiler.Pool) bool { return p.Name != name })
	}
	if len(pools) != 1 {
		return misuse(cmd, "a job file holds one pool: set -pool to one of %s", poolNames(src.pools))
	}
	text := jobfile.Write(pools[0].Job)
	if cmd.Bool("json") {
		return view.JSON(std.out, map[string]string{"pool": pools[0].Name, "hcl": string(text)})
	}
	_, err := std.out.Write(text)
	return err
}
