package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mattn/go-isatty"
	"github.com/urfave/cli/v3"
)

// confirm asks on the terminal. Any answer but "yes" is an error.
func confirm(ctx context.Context, cmd *cli.Command, std streams, question string) error {
	if f, ok := std.in.(*os.File); ok && !isatty.IsTerminal(f.Fd()) && os.Getenv("MACHINECTL_ASSUME_TERMINAL") == "" {
		return misuse(cmd, "this needs to be confirmed, and standard input is not a terminal: add -auto-approve")
	}
	if _, err := fmt.Fprintf(std.out, "\n%s Only \"yes\" is taken for one: ", question); err != nil {
		return err
	}
	type line struct {
		text string
		err  error
	}
	// Reading a terminal can't be interrupted; the process ends soon after ctx, and this goroutine with it.
	answer := make(chan line, 1)
	go func() {
		text, err := bufio.NewReader(std.in).ReadString('\n')
		answer <- line{text, err}
	}()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case a := <-answer:
		if a.err != nil && !errors.Is(a.err, io.EOF) {
			return a.err
		}
		if strings.TrimSpace(a.text) != "yes" {
			return errors.New("not confirmed; nothing was changed")
		}
		return nil
	}
}
