package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/emprops/machinectl/agent/connector/comfyui/comfysim"
)

// protocol is a simulated server. Its package stands beside the connector that talks to it.
type protocol struct {
	name, doc string
	// main serves until ctx ends. args are the command line's after the protocol's name. An error that wraps
	// [comfysim.ErrUsage] is about args.
	main func(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error
}

func protocols() []protocol {
	return []protocol{
		{"comfyui", "a ComfyUI server: runs workflows of a few node classes and makes real PNG files", comfysim.Main},
	}
}

// invocation is one call of the command.
type invocation struct {
	args           []string // without the program's name
	getenv         func(string) string
	stdout, stderr io.Writer
}

// run serves the protocol that the command line names, and returns the exit code: 0 it stopped when asked to, 1 it could
// not start or was told to crash, 2 the command line is wrong.
func run(ctx context.Context, in invocation) int {
	flags := flag.NewFlagSet("machine-sim", flag.ContinueOnError)
	flags.SetOutput(in.stderr)
	flags.Usage = func() { usage(in.stderr) }
	showVersion := flags.Bool("version", false, "print the version and exit")
	switch err := flags.Parse(in.args); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	case *showVersion:
		fmt.Fprintln(in.stdout, "machine-sim", version)
		return 0
	case flags.NArg() == 0:
		fmt.Fprintln(in.stderr, "machine-sim: name a protocol")
		usage(in.stderr)
		return 2
	}
	for _, p := range protocols() {
		if p.name == flags.Arg(0) {
			return in.report(p.main(ctx, flags.Args()[1:], in.getenv, in.stdout, in.stderr))
		}
	}
	fmt.Fprintf(in.stderr, "machine-sim: unknown protocol %q\n", flags.Arg(0))
	usage(in.stderr)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprint(w, "machine-sim serves simulated versions of the servers that connectors talk to. It is for demos, examples and trials.\n\n")
	for _, p := range protocols() {
		fmt.Fprintf(w, "  machine-sim %s [flags]   %s; -h lists its flags\n", p.name, p.doc)
	}
	fmt.Fprint(w, "  machine-sim -version\n")
}

func (in invocation) report(err error) int {
	switch {
	case err == nil || errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, comfysim.ErrUsage):
		fmt.Fprintln(in.stderr, "machine-sim:", err)
		return 2
	default:
		fmt.Fprintln(in.stderr, "machine-sim:", err)
		return 1
	}
}
