package comfyui

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/emprops/machinectl/agent/connector"
)

// validation is the body of POST /prompt's answer as far as errors go.
type validation struct {
	Error *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Details string `json:"details"`
	} `json:"error"`
	NodeErrors nodeErrors `json:"node_errors"`
}

// nodeErrors are what the server has against single nodes, by node id. Servers write an empty one as [] or {}.
type nodeErrors map[string]struct {
	Errors []struct {
		Type    string `json:"type"`
		Message string `json:"message"`
		Details string `json:"details"`
	} `json:"errors"`
	ClassType string `json:"class_type"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *nodeErrors) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return nil
	}
	type plain nodeErrors
	return json.Unmarshal(b, (*plain)(n))
}

// describe lists the errors, one clause per error, by node.
func (n nodeErrors) describe(w *workflow) string {
	var said []string
	for _, id := range sorted(n) {
		for _, e := range n[id].Errors {
			clause := w.name(id) + ": " + e.Message
			if e.Details != "" {
				clause += ": " + e.Details
			}
			said = append(said, clause)
		}
	}
	return strings.Join(said, "; ")
}

// submitFailure is what an error of POST /prompt means for the job.
func submitFailure(w *workflow, err error) error {
	if f, ok := errors.AsType[*connector.Failure](err); ok {
		return f
	}
	status, ok := errors.AsType[*statusError](err)
	if !ok {
		return connector.Transient(connector.ServiceUnreachable, err, "cannot hand the workflow to ComfyUI")
	}
	switch {
	case status.status == http.StatusRequestEntityTooLarge:
		return connector.Final(connector.Rejected, "the workflow is larger than ComfyUI takes (its option --max-upload-size)")
	case status.status != http.StatusBadRequest:
		return connector.Transient(connector.Protocol, status, "ComfyUI could not take the workflow")
	}
	var v validation
	if json.Unmarshal(status.body, &v) != nil || v.Error == nil {
		return connector.Final(connector.Rejected, "ComfyUI refused the workflow: %v", status)
	}
	if said := v.NodeErrors.describe(w); said != "" {
		return connector.Final(connector.Rejected, "ComfyUI refused the workflow: %s", said)
	}
	message := v.Error.Message
	if v.Error.Details != "" {
		message += " (" + v.Error.Details + ")"
	}
	return connector.Final(connector.Rejected, "ComfyUI refused the workflow: %s", message)
}

// outOfMemory are the Python exceptions that say so, by full name.
var outOfMemory = []string{"torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "torch.cuda.memory.OutOfMemoryError", "MemoryError"}

// failure is what a record says went wrong, or nil. The messages decide: the status word can be an earlier prompt's when a
// prompt fails before its first node.
func (r *record) failure(w *workflow) error {
	if r.Status == nil {
		return nil // very old servers: a record means success
	}
	for _, m := range slices.Backward(r.Status.Messages) {
		switch m.event {
		case "execution_success":
			return nil
		case "execution_interrupted":
			return connector.Transient(connector.Interrupted, nil, "the workflow was interrupted at ComfyUI by somebody else")
		case "execution_error":
			return nodeFailure(w, m.data)
		}
	}
	if r.Status.Text == "success" || r.Status.Completed {
		return nil
	}
	return connector.Transient(connector.NodeError, nil, "ComfyUI says only: %s", r.Status.Text)
}

func nodeFailure(w *workflow, data json.RawMessage) error {
	var e struct {
		NodeID           string `json:"node_id"`
		ExceptionType    string `json:"exception_type"`
		ExceptionMessage string `json:"exception_message"`
	}
	if err := json.Unmarshal(data, &e); err != nil {
		return connector.Transient(connector.Protocol, err, "ComfyUI's execution_error can't be read")
	}
	code := connector.NodeError
	if slices.Contains(outOfMemory, e.ExceptionType) {
		code = connector.OutOfMemory
	}
	return connector.Transient(code, nil, "%s", fmt.Sprintf("%s raised %s: %s", w.name(e.NodeID), e.ExceptionType, strings.TrimSpace(e.ExceptionMessage)))
}
