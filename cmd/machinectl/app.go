package main

import (
	"context"
	"errors"

	"github.com/urfave/cli/v3"
)

// run runs the program and returns its exit code.
func run(ctx context.Context, args []string, std streams) int {
	std.asJSON = jsonAsked(args)
	root := newRoot(std)
	err := root.Run(ctx, args)
	if err == nil {
		return exitOK
	}
	err = advised(err)
	if ctx.Err() != nil {
		err = &interruption{err}
	}
	var shown *shownError
	if !errors.As(err, &shown) {
		std.fail(err)
	}
	return exitCode(err)
}

// newRoot returns the root command.
func newRoot(std streams) *cli.Command {
	root := &cli.Command{
		Name:  "machinectl",
		Usage: "describe AI machines and pools in HCL, run them on Nomad",
		Description: "A profile describes what machines consist of and how many there should be. plan shows what applying it\n" +
			"would change in the Nomad cluster, and apply does it. Nomad's environment variables apply (NOMAD_ADDR,\n" +
			"NOMAD_TOKEN, NOMAD_NAMESPACE, NOMAD_REGION, NOMAD_CACERT …).\n\n" + exitCodeHelp(),
		Version:               version,
		HideVersion:           true,
		HideHelpCommand:       true,
		Suggest:               true,
		EnableShellCompletion: true,
		ConfigureShellCompletionCommand: func(c *cli.Command) {
			c.Hidden, c.Usage, c.HideHelpCommand = false, "print a completion script for bash, zsh, fish or pwsh", true
		},
		DisableSliceFlagSeparator: true,
		Reader:                    std.in,
		Writer:                    std.out,
		ErrWriter:                 std.err,
		Commands: []*cli.Command{
			initCommand(std), importCommand(std), fmtCommand(std), validateCommand(std), renderCommand(std), diffCommand(std),
			planCommand(std), applyCommand(std), rollbackCommand(std), destroyCommand(std),
			statusCommand(std), poolsCommand(std), poolCommand(std), alertsCommand(std), machinesCommand(std), logsCommand(std), restartCommand(std), drainCommand(std),
			submitCommand(std), jobsCommand(std), pauseCommand(std), resumeCommand(std), tokenCommand(std), auditCommand(std),
			devCommand(std), schemaCommand(std), aclCommand(std), versionCommand(std),
		},
		Action: func(_ context.Context, cmd *cli.Command) error {
			if cmd.Args().Present() {
				return unknownCommand(cmd)
			}
			return cli.ShowRootCommandHelp(cmd)
		},
		OnUsageError: usageError,
		// Errors are shown and turned into an exit code below, in one place.
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
	}
	settle(root.Commands)
	return root
}

// settle gives commands what all of them have.
func settle(commands []*cli.Command) {
	for _, c := range commands {
		c.OnUsageError = usageError
		c.HideHelpCommand = true
		c.DisableSliceFlagSeparator = true
		settle(c.Commands)
	}
}
