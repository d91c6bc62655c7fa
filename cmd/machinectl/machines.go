package main

import (
	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/view"
)

func machinesCommand(std streams) *cli.Command {
	return &cli.Command{
		Name: "machines", Usage: "show machines", ArgsUsage: "[pool]…",
		Description:   "Lists the machines of the named pools, or of all: where they run, what they do, and what they wait for.",
		Flags:         append(lookupFlags(), dispatcherFlags(jsonFlag())...),
		ShellComplete: completing(runningPools),
		Action:        showingStatus(std, view.Screen.Machines),
	}
}
