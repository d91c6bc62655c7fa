package main

import (
	"context"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/hcl/diag"
)

func validateCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "validate", Usage: "check a profile", ArgsUsage: "<profile.hcl | directory>…",
		Description: "Reads and compiles a profile and reports everything that is wrong with it. Needs no cluster.",
		Flags:       append(sourceFlags(), jsonFlag()),
		Action: func(_ context.Context, cmd *cli.Command) error {
			src, err := load(cmd, std)
			if err != nil {
				return err
			}
			if cmd.Bool("json") {
				return diag.JSON(std.out, src.warnings, src.profile.Sources)
			}
			std.screen().Printf("Valid: %s on %s%s", plural(len(src.pools), "pool"),
				plural(len(src.profile.Machines), "machine profile"), withWarnings(len(src.warnings)))
			return nil
		},
	}
}

func withWarnings(n int) string {
	if n == 0 {
		return "."
	}
	return ", with " + plural(n, "warning") + "."
}
