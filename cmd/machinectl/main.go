// Command machinectl turns machine profiles into Nomad jobs and looks after them: validate, render, plan, apply, status,
// destroy; it also submits jobs to the dispatcher and runs the local stack.
//
// This package holds flags and wording only. What a profile means is decided in hcl/profile, what it becomes in compiler,
// what changes in compiler/plan, and how that looks in compiler/view.
//
// Each command has a file of its name. What several commands share stands in families of files:
//
//   - app: the command line as a whole: streams, errors, exit codes, questions, files, wording
//   - source: a profile that was read and compiled, and what its machines would miss
//   - work: a plan, how it is saved and how it is carried out
//   - cluster: Nomad, with pools and machines found by name
//   - dispatcher: the dispatcher's HTTP API
//
// completion.go completes the arguments of commands in a shell. The tests are scripts in testdata, run by script_test.go;
// script_command_test.go has the commands of the scripts.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process
	code := run(ctx, os.Args, streams{in: os.Stdin, out: os.Stdout, err: os.Stderr})
	stop()
	os.Exit(code)
}
