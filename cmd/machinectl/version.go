package main

import (
	"context"
	"runtime"

	"github.com/urfave/cli/v3"
)

func versionCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "version", Usage: "print the version",
		Flags: []cli.Flag{jsonFlag()},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Bool("json") {
				return std.json(map[string]string{"version": version, "go": runtime.Version()})
			}
			std.screen().Printf("machinectl %s (%s)", version, runtime.Version())
			return nil
		},
	}
}
