package main

import (
	"errors"

	"github.com/emprops/machinectl/compiler/plan"
)

// Exit codes are part of the interface: scripts rely on them.
const (
	exitOK          = 0
	exitFailed      = 1
	exitChanges     = 2
	exitProfile     = 3
	exitUsage       = 4
	exitConflict    = 5
	exitNotReady    = 6
	exitJobFailed   = 7
	exitInterrupted = 130
)

// Outcomes that are not failures of this program, but have exit codes of their own.
var (
	errChanges     = errors.New("there are changes")
	errProfile     = errors.New("the profile has errors")
	errJobFailed   = errors.New("the job did not complete")
	errInterrupted = errors.New("interrupted")
)

// exitCode returns the exit code for the error that a command ended with.
func exitCode(err error) int {
	var (
		conflict *plan.ConflictError
		late     *plan.NotReadyError
		ended    *plan.UnfinishedError
		wrong    *usage
	)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errInterrupted), errors.As(err, &ended) && ended.Interrupted():
		return exitInterrupted
	case errors.Is(err, errChanges):
		return exitChanges
	case errors.Is(err, errProfile):
		return exitProfile
	case errors.As(err, &wrong):
		return exitUsage
	case errors.As(err, &conflict):
		return exitConflict
	case errors.As(err, &late), errors.Is(err, errNotIdle):
		return exitNotReady
	case errors.Is(err, errJobFailed):
		return exitJobFailed
	default:
		return exitFailed
	}
}

func exitCodeHelp() string {
	return `Exit codes:
  0    done, or nothing to do
  1    failed: the message has the cause
  2    there are changes: plan and diff with -detailed-exitcode, fmt with -check
  3    the profile has errors
  4    the command line isn't understood
  5    the cluster has changed since it was planned
  6    fewer machines are ready than the profile wants (apply), or not idle (drain -wait)
  7    submit -wait: the job ended without completing, or was lost
  130  interrupted`
}
