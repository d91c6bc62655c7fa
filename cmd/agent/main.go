// Command machine-agent runs jobs on the machine it is started on; see package agent. It is started by Nomad.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/emprops/machinectl/agent/command"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := command.Run(ctx, command.Invocation{
		Args: os.Args[1:], Getenv: os.Getenv, Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr, Version: version,
	})
	stop()
	os.Exit(code)
}
