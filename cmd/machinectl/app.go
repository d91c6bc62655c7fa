package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v3"
	"golang.org/x/term"

	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
)

// streams are the process's own.
type streams struct {
	in       io.Reader
	out, err io.Writer
	// asJSON says that errors are for programs too.
	asJSON bool
}

// screen writes results to people, errors what went wrong or is noteworthy.
func (s streams) screen() view.Screen { return screen(s.out) }
func (s streams) errors() view.Screen { return screen(s.err) }

// json writes a result to programs.
func (s streams) json(doc any) error { return view.JSON(s.out, doc) }

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, std streams) int {
	std.asJSON = jsonAsked(args)
	root := newRoot(std)
	err := root.Run(ctx, args)
	if err == nil {
		return exitOK
	}
	if ctx.Err() != nil {
		err = &interruption{err}
	}
	var shown *shownError
	if !errors.As(err, &shown) {
		std.fail(err)
	}
	return exitCode(err)
}

// interruption is what a command ended with after it was asked to end.
type interruption struct{ err error }

func (e *interruption) Error() string {
	var ended *plan.UnfinishedError
	switch {
	case errors.As(e.err, &ended):
		return e.err.Error()
	case errors.Is(e.err, context.Canceled):
		return errInterrupted.Error()
	default:
		return errInterrupted.Error() + ": " + e.err.Error()
	}
}

func (e *interruption) Unwrap() []error { return []error{errInterrupted, e.err} }

// newRoot is the command line.
func newRoot(std streams) *cli.Command {
	root := &cli.Command{
		Name:  "machinectl",
		Usage: "describe AI machines and pools in HCL, run them on Nomad",
		Description: "A profile says what machines are made of and how many there should be. plan shows what applying it\n" +
			"would change in the Nomad cluster, apply does it. Nomad is found as Nomad's own tools find it (NOMAD_ADDR,\n" +
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
			statusCommand(std), poolsCommand(std), machinesCommand(std), logsCommand(std), restartCommand(std), drainCommand(std),
			submitCommand(std), jobsCommand(std), pauseCommand(std), resumeCommand(std),
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
	for _, c := range root.Commands {
		c.OnUsageError = usageError
		c.HideHelpCommand = true
		c.DisableSliceFlagSeparator = true
	}
	return root
}

func usageError(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	return &usage{cmd: cmd.FullName(), problem: err.Error()}
}

// usage is a command line that isn't understood.
type usage struct {
	cmd, problem string
}

func (e *usage) Error() string {
	return fmt.Sprintf("%s: see `%s -help`", e.problem, e.cmd)
}

// misuse makes a [usage] error.
func misuse(cmd *cli.Command, format string, args ...any) error {
	return &usage{cmd: cmd.FullName(), problem: fmt.Sprintf(format, args...)}
}

// shownError was already written where the user looks for it; only the exit code is left to do.
type shownError struct{ err error }

func (e *shownError) Error() string { return e.err.Error() }
func (e *shownError) Unwrap() error { return e.err }

// shown marks an error as written; nil stays nil.
func shown(err error) error {
	if err == nil {
		return nil
	}
	return &shownError{err}
}

// screen writes to w; colours and width are the terminal's, if w is one.
func screen(w io.Writer) view.Screen {
	s := view.Screen{W: w}
	f, ok := w.(*os.File)
	if !ok || !isatty.IsTerminal(f.Fd()) {
		return s
	}
	// https://no-color.org: present and not empty.
	s.Color = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	if width, _, err := term.GetSize(int(f.Fd())); err == nil {
		s.Width = width
	}
	return s
}
