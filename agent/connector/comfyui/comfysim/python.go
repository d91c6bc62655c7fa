package comfysim

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
)

// bare begins the strings that stand for NaN, Infinity and -Infinity inside the server: a character of Unicode's private use.
// ComfyUI's JSON is Python's, which writes these numbers without quotes, and reads them; Go's doesn't have them.
const bare = "\uE000"

// The numbers as the server holds them.
const (
	notANumber = bare + "NaN"
	infinity   = bare + "Infinity"
)

// held are the numbers inside the server's own JSON; given are strings and bare numbers in a client's.
var (
	held  = regexp.MustCompile(`"` + bare + `(NaN|-?Infinity)"`)
	given = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|NaN|-?Infinity`)
)

// dumps is Python's json.dumps.
func dumps(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return held.ReplaceAll(text, []byte("$1")), err
}

// loads is Python's json.loads.
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
