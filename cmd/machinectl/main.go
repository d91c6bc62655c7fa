// Command machinectl turns machine profiles into Nomad jobs and looks after them: validate, render, plan, apply, status,
// destroy; it also submits jobs to the dispatcher and runs the local stack.
//
// This package is flags and words only. What a profile means is hcl/profile's business, what it becomes compiler's, what
// changes compiler/plan's, how that looks compiler/view's.
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
