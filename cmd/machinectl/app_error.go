package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
)

// misread matches the cli package's error about a flag whose value it can't read, which ends with a Go package's error.
var misread = regexp.MustCompile(`^(invalid value ".*?" for flag -[\w-]+): (strconv|time|parse error)`)

// flagProblem replaces the Go package's error in it with what to write instead.
func flagProblem(text string) string {
	found := misread.FindStringSubmatch(text)
	if found == nil {
		return text
	}
	instead := map[string]string{"strconv": "a whole number", "time": "a duration, such as 30s or 10m", "parse error": "true or false"}
	return fmt.Sprintf("%s: write %s", found[1], instead[found[2]])
}

// usage reports a command line that isn't understood.
type usage struct {
	cmd, problem string
}

func (e *usage) Error() string {
	return fmt.Sprintf("%s: see `%s -help`", e.problem, e.cmd)
}

func usageError(_ context.Context, cmd *cli.Command, err error, _ bool) error {
	return &usage{cmd: cmd.FullName(), problem: flagProblem(err.Error())}
}

// misuse makes a [usage] error.
func misuse(cmd *cli.Command, format string, args ...any) error {
	return &usage{cmd: cmd.FullName(), problem: fmt.Sprintf(format, args...)}
}

// shownError wraps an error that the user has already been shown. Only its exit code is still needed.
type shownError struct{ err error }

func (e *shownError) Error() string { return e.err.Error() }

func (e *shownError) Unwrap() error { return e.err }

// shown wraps an error in a [shownError]; nil stays nil.
func shown(err error) error {
	if err == nil {
		return nil
	}
	return &shownError{err}
}

// interruption is the error of a command that was interrupted.
type interruption struct{ err error }

func (e *interruption) Error() string {
	var ended *plan.UnfinishedError
	switch {
	case errors.As(e.err, &ended):
		return e.err.Error()
	case errors.Is(e.err, context.Canceled):
		return errInterrupted.Error()
	default:
		return errInterrupted.Error() + ": " + e.err.Error()
	}
}

func (e *interruption) Unwrap() []error { return []error{errInterrupted, e.err} }
