package comfyui

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/emprops/machinectl/agent/connector"
	"github.com/emprops/machinectl/agent/foreign"
	"github.com/emprops/machinectl/nettext"
)

// problem is one error of a validation.
type problem struct{ message, details string }

func (p problem) String() string {
	if p.details == "" {
		return p.message
	}
	return p.message + ": " + p.details
}

// nodeErrors are the server's errors about single nodes, by node id. Servers write none as [] or {}.
type nodeErrors map[string][]problem

func readNodeErrors(s *foreign.Scanner) nodeErrors {
	all := nodeErrors{}
	for id := range s.Fields() {
		for name := range s.Fields() {
			if name == "errors" {
				for range s.Items() {
					all[id] = append(all[id], readProblem(s))
				}
			}
		}
	}
	return all
}

func readProblem(s *foreign.Scanner) (p problem) {
	for name := range s.Fields() {
		switch name {
		case "message":
			p.message, _ = s.Text(maxMessage)
		case "details":
			p.details, _ = s.Text(maxMessage)
		}
	}
	return p
}

// describe lists the errors, one clause per error, by node.
func (n nodeErrors) describe(w *workflow) string {
	var said []string
	for _, id := range sorted(n) {
		for _, p := range n[id] {
			said = append(said, w.name(id)+": "+p.String())
		}
	}
	return strings.Join(said, "; ")
}

// refusal returns the server's reasons to refuse a prompt, or "" if they can't be read.
func refusal(w *workflow, body []byte) string {
	s := foreign.NewScanner(bytes.NewReader(body))
	var whole problem
	var nodes nodeErrors
	for name := range s.Fields() {
		switch name {
		case "error":
			whole = readProblem(s)
		case "node_errors":
			nodes = readNodeErrors(s)
		}
	}
	if said := nodes.describe(w); said != "" {
		return said
	}
	if whole.details != "" {
		return whole.message + " (" + whole.details + ")"
	}
	return whole.message
}

// submitFailure returns the job's failure for an error of POST /prompt.
func submitFailure(w *workflow, err error) error {
	status, ok := errors.AsType[*statusError](err)
	switch {
	case !ok && isUnreadable(err):
		return unclear(err)
	case !ok:
		return connector.Transient(connector.ServiceUnreachable, nil, "cannot send the workflow to ComfyUI: %s", plainly(err))
	case status.status == http.StatusRequestEntityTooLarge:
		return connector.Final(connector.Rejected, "the workflow is larger than ComfyUI accepts (its option --max-upload-size)")
	case status.status != http.StatusBadRequest:
		return connector.Transient(connector.Protocol, nil, "ComfyUI could not accept the workflow: %s", plainly(status))
	}
	said := refusal(w, status.body)
	if said == "" {
		said = plainly(status)
	}
	return connector.Final(connector.Rejected, "ComfyUI refused the workflow: %s", said)
}

// outOfMemory are the Python exceptions for a lack of memory, by full name.
var outOfMemory = []string{"torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "torch.cuda.memory.OutOfMemoryError", "MemoryError"}

// failure returns the failure in a record, or nil. The messages decide: if a prompt fails before its first node, the status
// can be that of an earlier prompt.
func (r *record) failure(w *workflow) error {
	switch {
	case r.ending == nil && (r.status == "" || r.status == "success" || r.done):
		return nil // very old servers have no status: a record means success
	case r.ending == nil:
		return connector.Transient(connector.NodeError, nil, "ComfyUI reports only: %s", r.status)
	case r.ending.event == "execution_success":
		return nil
	case r.ending.event == "execution_interrupted":
		return connector.Transient(connector.Interrupted, nil, "the workflow was interrupted at ComfyUI by another client")
	}
	code := connector.NodeError
	if slices.Contains(outOfMemory, r.ending.exception) {
		code = connector.OutOfMemory
	}
	return connector.Transient(code, nil, "%s raised %s: %s", w.name(r.ending.nodeID), r.ending.exception, strings.TrimSpace(r.ending.explanation))
}

// plainly describes the error of a call without texts of Go's libraries.
func plainly(err error) string {
	status, isStatus := errors.AsType[*statusError](err)
	nonsense, isNonsense := errors.AsType[*foreign.NonsenseError](err)
	switch {
	case isStatus:
		return status.Error()
	case isNonsense:
		return nonsense.Error()
	default:
		return nettext.Reason(err)
	}
}
