// Package command is the machine-agent command line: it turns arguments and environment into options and runs the agent. It
// holds no behaviour of the agent itself.
//
// Exit codes: 0 after an orderly stop; 1 if the agent could not start; 2 if the command line is wrong.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"

	"github.com/emprops/machinectl/agent"
)

// Invocation is one call of the command.
type Invocation struct {
	Args           []string // without the program's name
	Getenv         func(string) string
	Environ        []string
	Stdout, Stderr io.Writer
	Version        string
}

const usage = `machine-agent runs jobs from the queue on this machine. Nomad starts it; machinectl writes its instructions.

  machine-agent [-log-level debug|info|warn|error]   run, configured by the environment (MACHINE_SPEC, NOMAD_…)
  machine-agent -version

`

// Run runs the command until it is done or ctx ends, and returns the exit code.
func Run(ctx context.Context, in Invocation) int {
	flags := flag.NewFlagSet("machine-agent", flag.ContinueOnError)
	flags.SetOutput(in.Stderr)
	flags.Usage = func() { fmt.Fprint(in.Stderr, usage); flags.PrintDefaults() }
	version := flags.Bool("version", false, "print the version and exit")
	var level slog.Level
	flags.TextVar(&level, "log-level", slog.LevelInfo, "the least level that is logged")
	if err := flags.Parse(in.Args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(in.Stderr, "machine-agent: unknown command %q\n\n%s", flags.Arg(0), usage)
		return 2
	}
	if *version {
		fmt.Fprintln(in.Stdout, "machine-agent", in.Version)
		return 0
	}
	// An idle agent should use little memory. The heap is small, so collecting it often is cheap.
	debug.SetGCPercent(50)
	o, err := agent.FromEnvironment(in.Getenv, in.Environ)
	if err == nil {
		o.Version = in.Version
		o.Logger = slog.New(slog.NewJSONHandler(in.Stderr, &slog.HandlerOptions{Level: level}))
		err = agent.Run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(in.Stderr, "machine-agent:", err)
		return 1
	}
	return 0
}
