package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"

	"github.com/urfave/cli/v3"

	"github.com/emprops/machinectl/compiler/plan"
)

// misread is what the cli package says of a flag whose value it can't read, with the name of the package that tried.
var misread = regexp.MustCompile(`^(invalid value ".*?" for flag -[\w-]+): (strconv|time|parse error)`)

// flagProblem adds to that what to write instead, and leaves out how it was tried.
func flagProblem(text string) string {
	found := misread.FindStringSubmatch(text)
	if found == nil {
		return text
	}
	instead := map[string]string{"strconv": "a whole number", "time": "a duration, such as 30s or 10m", "parse error": "true or false"}
	return fmt.Sprintf("%s: write %s", found[1], instead[found[2]])
}

// usage is a command line that isn't understood.
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

// shownError was already written where the user looks for it; only the exit code is left to do.
type shownError struct{ err error }

func (e *shownError) Error() string { return e.err.Error() }

func (e *shownError) Unwrap() error { return e.err }

// shown marks an error as written; nil stays nil.
func shown(err error) error {
	if err == nil {
		return nil
	}
	return &shownError{err}
}

// interruption is what a command ended with after it was asked to end.
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
