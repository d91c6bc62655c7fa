package comfysim

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
)

// bare is the first character, from Unicode's private use area, of the strings that stand for NaN, Infinity and -Infinity
// inside the server. Python's JSON, and so ComfyUI's, has these numbers without quotes; Go's doesn't have them.
const bare = "\uE000"

// The numbers as the server represents them.
const (
	notANumber = bare + "NaN"
	infinity   = bare + "Infinity"
)

// held matches the numbers inside the server's own JSON; given matches strings and bare numbers in a client's.
var (
	held  = regexp.MustCompile(`"` + bare + `(NaN|-?Infinity)"`)
	given = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|NaN|-?Infinity`)
)

// dumps encodes a value as Python's json.dumps does.
func dumps(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return held.ReplaceAll(text, []byte("$1")), err
}

// loads decodes JSON as Python's json.loads does.
func loads(r io.Reader, into any) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if !bytes.Contains(text, []byte("NaN")) && !bytes.Contains(text, []byte("Infinity")) {
		return json.Unmarshal(text, into)
	}
	text = given.ReplaceAllFunc(text, func(token []byte) []byte {
		if token[0] == '"' {
			return token
		}
		return []byte(`"` + bare + string(token) + `"`)
	})
	return json.NewDecoder(bytes.NewReader(text)).Decode(into)
}
