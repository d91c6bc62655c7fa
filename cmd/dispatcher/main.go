// Command machine-dispatcher takes jobs in over HTTP and keeps the pools of machines at the size they need.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/emprops/machinectl/dispatcher"
)

var version = "dev" // set by the linker

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o, err := options(os.Args[1:], os.Getenv, os.Stderr)
	if err == nil {
		err = dispatcher.Run(ctx, o)
	}
	stop()
	code := exitCode(err)
	if code != 0 {
		fmt.Fprintln(os.Stderr, "machine-dispatcher:", err)
	}
	os.Exit(code)
}
