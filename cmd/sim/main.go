// Command machine-sim serves simulated versions of the servers that connectors talk to, for demos, examples and trials.
// No production program contains them.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

var version = "dev" // set by the linker

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, invocation{args: os.Args[1:], getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr})
	stop()
	os.Exit(code)
}
