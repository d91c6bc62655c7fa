// Command demo is what `make demo` runs: it drives the built programs as a user would, from a profile to finished jobs,
// breaks an agent on the way, and checks what it claims. It uses no package of theirs but the wire types: if the demo is ok,
// so are the programs' interfaces.
//
// It is not a test suite: it shows one path, with the figures of this run. Its last line is for machines; any other outcome
// than ok exits non-zero and prints the reason.
//
// Invariant: whatever ends it, SIGKILL included, no process and no folder of it is left (package devcluster/child).
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	opts := options{}
	flag.StringVar(&opts.bin, "bin", "bin", "folder of the built programs")
	flag.StringVar(&opts.examples, "examples", "examples/emprops", "folder of the example")
	flag.BoolVar(&opts.embedded, "embedded", false, "use the stand-ins even where nomad and redis-server are on PATH")
	flag.DurationVar(&opts.timeout, "timeout", 3*time.Minute, "give up after this long")
	flag.Parse()

	ctx, stop := interruptible(context.Background(), os.Getppid)
	err := run(ctx, opts)
	stop()
	if err != nil {
		os.Exit(fail(err))
	}
}

// fail prints why the demo failed: all of it first, its first line again at the end. It returns the exit code.
func fail(err error) int {
	short, rest, more := strings.Cut(err.Error(), "\n")
	if more {
		fmt.Printf("\n%s\n%s\n", short, rest)
	}
	fmt.Printf("\ndemo: failed: %s\n", short)
	return 1
}
