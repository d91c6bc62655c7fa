package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// errInterrupted is the cause of a run that was interrupted.
var errInterrupted = errors.New("interrupted")

// parentPoll is how often the demo checks whether the program that started it is still there.
const parentPoll = 250 * time.Millisecond

// interruptible gives a context that ends at the first signal to stop, or when the program which started this one (`go run`
// in `make demo`) is gone: it passes no signal on. A second signal ends the demo immediately, and its guardian cleans up. getppid is
// [os.Getppid].
func interruptible(parent context.Context, getppid func() int) (context.Context, func()) {
	// Read here, not in the goroutine: on a busy machine that one may begin when the starter is gone already.
	starter := getppid()
	ctx, cancel := context.WithCancelCause(parent)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer signal.Stop(signals)
		tick := time.NewTicker(parentPoll)
		defer tick.Stop()
		for {
			select {
			case <-signals:
				cancel(errInterrupted)
				return
			case <-tick.C:
				if getppid() != starter {
					cancel(errInterrupted)
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-ended
	}
}
