package connector

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// DecodeParameters reads a job's parameters into a struct: one JSON object, no unknown fields. Errors are failures with
// code [InvalidParameters] that name the field. Absent parameters leave the struct as it is.
func DecodeParameters(raw json.RawMessage, into any) error {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			field := "parameters"
			if wrong.Field != "" {
				field += "." + wrong.Field
			}
			return Final(InvalidParameters, "%s: got a JSON %s, want %s", field, wrong.Value, wrong.Type)
		}
		return &Failure{Code: InvalidParameters, Message: "parameters", Err: err}
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Final(InvalidParameters, "parameters: more than one JSON value")
	}
	return nil
}
