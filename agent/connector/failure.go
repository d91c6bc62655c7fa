package connector

import (
	"errors"
	"fmt"

	"github.com/emprops/machinectl/queue"
)

// The failure codes; the table in the package documentation explains them.
const (
	InvalidParameters   = "invalid_parameters"
	UnsupportedWorkflow = "unsupported_workflow"
	Rejected            = "rejected"
	NodeError           = "node_error"
	OutOfMemory         = "out_of_memory"
	Interrupted         = "interrupted"
	ServiceUnreachable  = "service_unreachable"
	ServiceRestarted    = "service_restarted"
	Protocol            = "protocol"
	OutputMissing       = "output_missing"
	Store               = "store"
	NoStore             = "no_store"
	Simulated           = "simulated"
	Panic               = "panic"
	Timeout             = "timeout"
	Internal            = "internal"
)

// Failure is the error of an attempt that failed for a known reason.
type Failure struct { //nolint:errname // the queue's and the API's word for it
	Code      string
	Message   string // for users: what happened and, if they can do something about it, what
	Retriable bool
	Err       error // the cause, or nil
}

func (f *Failure) Error() string {
	if f.Err == nil {
		return f.Code + ": " + f.Message
	}
	return f.Code + ": " + f.Message + ": " + f.Err.Error()
}

func (f *Failure) Unwrap() error { return f.Err }

// Final returns a failure that would recur on every machine.
func Final(code, format string, args ...any) *Failure {
	return &Failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Transient returns a failure that may not recur in another attempt. err may be nil.
func Transient(code string, err error, format string, args ...any) *Failure {
	return &Failure{Code: code, Message: fmt.Sprintf(format, args...), Retriable: true, Err: err}
}

// Describe returns an attempt's error in the form in which it is stored with the job. An error that isn't a
// [Failure] is a bug of the connector and gets the code [Internal].
func Describe(err error) queue.Failure {
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		return queue.Failure{Code: Internal, Message: err.Error(), Retriable: true}
	}
	message := f.Message
	if f.Err != nil {
		message += ": " + f.Err.Error()
	}
	return queue.Failure{Code: f.Code, Message: message, Retriable: f.Retriable}
}
