package main

import (
	"errors"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/emprops/machinectl/client"
	"github.com/emprops/machinectl/compiler/plan"
	"github.com/emprops/machinectl/compiler/view"
	"github.com/emprops/machinectl/hcl/diag"
)

// failure is the JSON form of an error: the "error" of the document that a failing command writes with -json.
type failure struct {
	// Kind is one word for the exit code.
	Kind     string `json:"kind"`
	ExitCode int    `json:"exit_code"`
	Message  string `json:"message"`
	// Pool and Moved describe a conflict: what has changed in the cluster.
	Pool  string   `json:"pool,omitempty"`
	Moved []string `json:"moved,omitempty"`
	// Foreign lists pools that belong to other projects.
	Foreign []*plan.ForeignError `json:"foreign,omitempty"`
	// Pools lists those that aren't ready, with what fails.
	Pools []plan.Progress `json:"pools,omitempty"`
	// Code and Field are the dispatcher's, where it refuses something.
	Code  string `json:"code,omitempty"`
	Field string `json:"field,omitempty"`
}

// failed is the document of a command that has no result to show.
type failed struct {
	Error *failure `json:"error"`
}

// invalid is the document of a command whose profile has errors.
type invalid struct {
	diag.Document

	Error *failure `json:"error"`
}

// invalid writes the document of a command whose profile has errors.
func (s streams) invalid(diags hcl.Diagnostics, sources map[string][]byte) error {
	doc := invalid{diag.NewDocument(diags, sources), newFailure(errProfile)}
	doc.Error.Message = counted(doc.Errors, doc.Warnings)
	return s.json(doc)
}

// kinds maps exit codes to the words for them.
func kinds() map[int]string {
	return map[int]string{
		exitFailed: "failed", exitChanges: "changes", exitProfile: "profile", exitUsage: "usage", exitConflict: "conflict",
		exitNotReady: "not_ready", exitJobFailed: "job_failed", exitInterrupted: "interrupted",
	}
}

func newFailure(err error) *failure {
	if err == nil {
		return nil
	}
	code := exitCode(err)
	f := &failure{Kind: kinds()[code], ExitCode: code, Message: err.Error(), Foreign: plan.Foreign(err)}
	var conflict *plan.ConflictError
	if errors.As(err, &conflict) {
		f.Pool, f.Moved = conflict.Pool, conflict.Moved
	}
	var late *plan.NotReadyError
	if errors.As(err, &late) {
		f.Pools = late.Pools
	}
	var refused *client.Problem
	if errors.As(err, &refused) {
		f.Code, f.Field = string(refused.Code), refused.Field
	}
	return f
}

// fail writes an error to people, or with -json as the only line on standard output.
func (s streams) fail(err error) {
	if !s.asJSON {
		s.errors().Error(err)
		return
	}
	// If standard output is closed, the exit code still reports the failure.
	_ = view.JSONLine(s.out, failed{newFailure(err)})
}

// jsonAsked reports whether a command line has -json, even if the rest of it is not understood.
func jsonAsked(args []string) bool {
	if i := slices.Index(args, "--"); i >= 0 {
		args = args[:i]
	}
	return slices.ContainsFunc(args, func(a string) bool {
		return slices.Contains([]string{"-json", "--json", "-json=true", "--json=true"}, a)
	})
}
