package main

import (
	"context"
	"runtime"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/view"
)

func versionCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Bool("json") {
				return view.JSON(std.out, map[string]string{"version": version, "go": runtime.Version()}, nil)
			}
			screen(std.out, nil).Printf("machinectl %s (%s)", version, runtime.Version())
			return nil
		},
	}
}
